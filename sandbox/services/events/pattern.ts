import { isRecord } from '../../wire/check.ts';
import { compileCondition, InvalidPattern } from './conditions.ts';

export { InvalidPattern } from './conditions.ts';

/** Whether a value of an event fits; `undefined`: the event does not have it. */
type Fits = (value: unknown) => boolean;

/** PutRule's limit, in characters. https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html */
const LONGEST = 2048;

/**
 * Compiles an event pattern, as JSON text, into a predicate of events.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
 *
 * @throws InvalidPattern naming the place and the rule that the pattern breaks.
 */
export function compilePattern(text: string): (event: unknown) => boolean {
  if (text.length > LONGEST) throw new InvalidPattern(`it has more than ${LONGEST} characters`);
  let pattern: unknown;
  try {
    pattern = JSON.parse(text);
  } catch {
    throw new InvalidPattern('it is not JSON');
  }
  return compileObject(pattern, '');
}

function compileObject(pattern: unknown, path: string): Fits {
  const where = path || 'the pattern';
  if (!isRecord(pattern)) throw new InvalidPattern(`${where} must be an object or an array`);
  const fields = Object.entries(pattern);
  if (fields.length === 0) throw new InvalidPattern(`${where} is empty`);
  const all = fields.map(([name, value]) => {
    const at = path === '' ? name : `${path}.${name}`;
    if (name === '$or' && isAlternatives(value)) return compileAlternatives(value, path);
    const fits = Array.isArray(value) ? compileLeaf(value, at) : compileObject(value, at);
    return (event: unknown) => fits(isRecord(event) ? event[name] : undefined);
  });
  const fits = (event: unknown) => all.every((each) => each(event));
  // Fields of one object in an array must fit together.
  return (event) => (Array.isArray(event) && event.length > 0 ? event.some((item) => fits(item)) : fits(event));
}

/** `$or` is an operator where it holds at least two objects, else the name of a field. */
function isAlternatives(value: unknown): value is Record<string, unknown>[] {
  return Array.isArray(value) && value.length > 1 && value.every(isRecord);
}

function compileAlternatives(alternatives: readonly Record<string, unknown>[], path: string): Fits {
  const any = alternatives.map((each) => compileObject(each, path));
  return (event) => any.some((fits) => fits(event));
}

function compileLeaf(values: readonly unknown[], path: string): Fits {
  if (values.length === 0) throw new InvalidPattern(`${path} is empty`);
  const any = values.map((value) => compileCondition(value, path));
  return (value) => {
    const found = leaves(value);
    return any.some(({ absent, fits }) => (found.length === 0 ? absent : found.some(fits)));
  };
}

/** The values that conditions look at: of an array each of its values, and nothing of an object. */
function leaves(value: unknown): unknown[] {
  if (value === undefined || isRecord(value)) return [];
  return Array.isArray(value) ? value.flatMap(leaves) : [value];
}
