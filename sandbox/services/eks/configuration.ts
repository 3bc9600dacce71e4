import { Ajv, type ErrorObject } from 'ajv';
import draft6 from 'ajv/dist/refs/json-schema-draft-06.json' with { type: 'json' };
import { parseDocument } from 'yaml';
import { isRecord } from '../../wire/check.ts';
import { ServiceError } from '../../wire/error.ts';
import type { JsonSchema } from './addon-schema.ts';

/** What the kube-proxy add-on makes of its configuration values. */
export interface EffectiveConfiguration {
  mode: string;
  scheduler: string;
  podAnnotations: Record<string, string>;
}

const ajv = new Ajv({ allErrors: true, strict: false });
ajv.addMetaSchema(draft6);
const validators = new Map<string, ReturnType<typeof ajv.compile>>();

/**
 * Parses configuration values, JSON or YAML, and checks them against the add-on's schema.
 * Throws InvalidParameterException with the message of EKS.
 */
export function checkConfiguration(text: string, schema: JsonSchema): void {
  const values = parseValues(text);
  const key = JSON.stringify(schema);
  const validate = validators.get(key) ?? ajv.compile(schema);
  validators.set(key, validate);
  if (validate(values)) return;
  const list = (validate.errors ?? []).map(sentence).join(', ');
  throw invalid(
    `ConfigurationValue provided in request is not supported: Json schema validation failed with error: [${list}]`,
  );
}

/** The kube-proxy settings for the add-on's values (already checked). Null and missing values mean EKS's defaults. */
export function effective(text: string | null): EffectiveConfiguration {
  const values = text === null ? {} : parseValues(text);
  const ipvs = isRecord(values['ipvs']) ? values['ipvs'] : {};
  const annotations = isRecord(values['podAnnotations']) ? values['podAnnotations'] : {};
  return {
    mode: typeof values['mode'] === 'string' ? values['mode'] : 'iptables',
    scheduler: typeof ipvs['scheduler'] === 'string' ? ipvs['scheduler'] : 'rr',
    podAnnotations: Object.fromEntries(Object.entries(annotations).map(([name, value]) => [name, String(value)])),
  };
}

/** JSON is YAML, so one parser reads both. */
function parseValues(text: string): Record<string, unknown> {
  const document = parseDocument(text);
  const [error] = document.errors;
  const values: unknown = error ? undefined : document.toJS();
  if (values === null) return {};
  if (isRecord(values)) return values;
  throw invalid('ConfigurationValue provided in request is not supported: it is not in the proper JSON or YAML format');
}

function sentence(error: ErrorObject): string {
  const path = `$${error.instancePath.replaceAll('/', '.')}`;
  if (error.keyword === 'additionalProperties')
    return `${path}.${String(error.params['additionalProperty'])}: is not defined in the schema and the schema does not allow additional properties`;
  if (error.keyword === 'enum')
    return `${path}: does not have a value in the enumeration ${JSON.stringify(error.params['allowedValues'])}`;
  return `${path}: ${error.message ?? error.keyword}`;
}

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameterException', message);
}
