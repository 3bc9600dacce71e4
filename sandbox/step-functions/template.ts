import { expressionIn, inspectExpression, parseExpression } from './expressions.ts';
import type { Json, JsonObject } from './json.ts';
import { toJson } from './json.ts';

/** The result of an expression is not JSON. `location` is the field, as Step Functions writes it: `Output/a/b[0]`. */
export class EvaluationFailure extends Error {
  override readonly name = 'EvaluationFailure';
  readonly location: string;

  constructor(source: string, location: string, what: string) {
    super(`The JSONata expression '${source}' specified for the field '${location}' ${what}`);
    this.location = location;
  }
}

/** What expressions see: the execution's variables, the functions beside JSONata's own, and `$states`. */
export interface Surroundings {
  readonly variables: Readonly<Record<string, Json>>;
  readonly functions: Readonly<Record<string, unknown>>;
  readonly states: Readonly<Record<string, unknown>>;
}

/** Only what the expression names: binding everything costs more than the evaluation. */
function bindingsFor(source: string, { variables, functions, states }: Surroundings): Record<string, unknown> {
  const use = inspectExpression(source);
  const bindings: Record<string, unknown> = { states };
  for (const names of [use.variables, use.calls])
    for (const name of names)
      if (Object.hasOwn(variables, name)) bindings[name] = variables[name];
      else if (Object.hasOwn(functions, name)) bindings[name] = functions[name];
  return bindings;
}

function describe(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('message' in error)) return String(error);
  return 'code' in error ? `${String(error.code)}: ${String(error.message)}` : String(error.message);
}

async function evaluateExpression(source: string, location: string, around: Surroundings): Promise<Json> {
  let result: unknown;
  try {
    result = await parseExpression(source).evaluate(undefined, bindingsFor(source, around));
  } catch (error) {
    throw new EvaluationFailure(source, location, `threw an error during evaluation. ${describe(error)}`);
  }
  if (result === undefined) throw new EvaluationFailure(source, location, 'returned nothing (undefined).');
  try {
    return toJson(result);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new EvaluationFailure(source, location, `returned an unsupported result type: ${error.message}.`);
  }
}

/**
 * Fills every `{% … %}` in a JSON value. All expressions see the same surroundings.
 * Throws EvaluationFailure for an expression that throws, or whose result is undefined or not JSON.
 */
export async function evaluateTemplate(template: Json, location: string, around: Surroundings): Promise<Json> {
  if (typeof template === 'string') {
    const source = expressionIn(template);
    return source === null ? template : evaluateExpression(source, location, around);
  }
  if (typeof template !== 'object' || template === null) return template;
  if (Array.isArray(template)) {
    const items: Json[] = [];
    for (const [index, item] of template.entries())
      items.push(await evaluateTemplate(item, `${location}[${index}]`, around));
    return items;
  }
  const filled: JsonObject = {};
  for (const [key, value] of Object.entries(template))
    filled[key] = await evaluateTemplate(value, `${location}/${key}`, around);
  return filled;
}
