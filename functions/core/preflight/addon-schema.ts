import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { modeIn } from '../modes/index.ts';
import { isMapping, type Mapping, own } from '../values/mapping.ts';

/** The live schema's judgement of a configuration. `modes` are those that the add-on version lists, in its order. */
export interface SchemaCheck {
  /** The schema lists the mode that the values name (kube-proxy's default if they name none). */
  supported: boolean;
  modes: string[];
  /** One sentence per problem; empty if the values satisfy the schema. */
  problems: string[];
}

const at = (value: unknown, key: string): unknown => (isMapping(value) ? own(value, key) : undefined);

/** Follows `$ref`s inside the document (`#/definitions/KubeProxy`); undefined for a circle or a missing target. */
function follow(root: unknown, node: unknown): unknown {
  let found = node;
  for (let steps = 0; steps < 20; steps += 1) {
    const reference = at(found, '$ref');
    if (typeof reference !== 'string') return found;
    if (!reference.startsWith('#')) return undefined;
    const path = reference.slice(1).split('/').slice(1);
    found = path.reduce<unknown>((value, part) => at(value, part.replaceAll('~1', '/').replaceAll('~0', '~')), root);
  }
  return undefined;
}

function modesOf(schema: unknown): string[] {
  const mode = follow(schema, at(at(follow(schema, schema), 'properties'), 'mode'));
  const choices = at(mode, 'enum');
  return Array.isArray(choices) ? choices.filter((choice) => typeof choice === 'string') : [];
}

function sentence(error: ErrorObject): string {
  const field = error.instancePath === '' ? 'the configuration' : error.instancePath.slice(1).replaceAll('/', '.');
  const extra = at(error.params, 'additionalProperty');
  if (typeof extra === 'string') return `${field} must not have the field '${extra}'`;
  const choices = at(error.params, 'allowedValues');
  if (Array.isArray(choices)) return `${field} must be one of ${choices.join(', ')}`;
  return `${field} ${error.message ?? 'breaks the schema'}`;
}

const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false, logger: false });
const validators = new Map<string, ValidateFunction>();
/** The clusters of a Region have a handful of add-on versions, each with one schema. */
const KEPT = 16;

/**
 * The compiled schema, cached by its text: compiling takes a hundred times as long as validating. Throws ajv's error if
 * the text is not a valid schema.
 */
function validator(schemaText: string, schema: Mapping): ValidateFunction {
  const known = validators.get(schemaText);
  if (known) return known;
  // EKS's schemas name draft-06, which ajv does not know; their keywords mean the same in every draft.
  const { $schema: _draft, ...rules } = schema;
  try {
    const validate = ajv.compile(rules);
    if (validators.size === KEPT) validators.clear();
    validators.set(schemaText, validate);
    return validate;
  } finally {
    // ajv remembers schemas by their $id and refuses a second schema with the same $id.
    ajv.removeSchema(rules);
  }
}

/**
 * Checks configuration values against the schema that DescribeAddonConfiguration gives for the installed version: the
 * live schema decides, not a table of versions.
 * https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddonConfiguration.html
 */
export function checkAgainstSchema(values: unknown, schemaText: string): SchemaCheck {
  let schema: unknown;
  try {
    schema = JSON.parse(schemaText);
  } catch {
    return { supported: false, modes: [], problems: ["the add-on's configuration schema is not JSON"] };
  }
  if (!isMapping(schema))
    return { supported: false, modes: [], problems: ["the add-on's configuration schema is not an object"] };
  const modes = modesOf(schema);
  const mode = modeIn(isMapping(values) ? values : {});
  const supported = modes.some((each) => each === mode);
  try {
    const validate = validator(schemaText, schema);
    const problems = validate(values) ? [] : (validate.errors ?? []).map(sentence);
    return { supported, modes, problems };
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return { supported: false, modes, problems: [`the add-on's configuration schema cannot be used: ${detail}`] };
  }
}

/** The modes that the schema lists, in its order; empty if it cannot be read. */
export const listedModes = (schemaText: string): string[] => checkAgainstSchema({}, schemaText).modes;
