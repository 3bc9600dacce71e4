import { type KubeObject, record } from './object.ts';
import type { ResourceType } from './resources.ts';
import { badRequest } from './status.ts';

export type Selects = (object: KubeObject) => boolean;

/** Parts at commas, but not at those inside `in (a,b)`. */
function requirements(text: string): string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const SET = /^([^\s!=,()]+)\s+(in|notin)\s+\(([^)]*)\)$/;
const EQUALITY = /^([^\s!=,()]+)\s*(==|=|!=)\s*([^\s!=,()]*)$/;
const EXISTS = /^(!?)\s*([^\s!=,()]+)$/;

function labelRequirement(part: string): (labels: Record<string, string>) => boolean {
  const set = SET.exec(part);
  if (set) {
    const [, key = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    return (labels) => values.includes(labels[key] ?? '\0') === (operator === 'in');
  }
  const equality = EQUALITY.exec(part);
  if (equality) {
    const [, key = '', operator, value] = equality;
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const exists = EXISTS.exec(part);
  if (!exists) throw badRequest(`unable to parse requirement: found '${part}'`);
  const [, negated, key = ''] = exists;
  return (labels) => key in labels === (negated === '');
}

/** Label selectors, equality- and set-based; throws 400 on what it cannot read. */
export function labelSelector(text: string): Selects {
  const all = requirements(text).map(labelRequirement);
  return (object) => all.every((requirement) => requirement(object.metadata.labels ?? {}));
}

type FieldReader = (object: KubeObject) => unknown;

const FIELDS: Record<string, FieldReader> = {
  'metadata.name': (object) => object.metadata.name,
  'metadata.namespace': (object) => object.metadata.namespace ?? '',
};

const KIND_FIELDS: Record<string, Record<string, FieldReader>> = {
  Pod: {
    'spec.nodeName': (object) => record(object['spec'])['nodeName'] ?? '',
    'status.phase': (object) => record(object['status'])['phase'] ?? '',
  },
  Event: {
    'involvedObject.kind': (object) => record(object['involvedObject'])['kind'] ?? '',
    'involvedObject.name': (object) => record(object['involvedObject'])['name'] ?? '',
    'involvedObject.namespace': (object) => record(object['involvedObject'])['namespace'] ?? '',
    'involvedObject.uid': (object) => record(object['involvedObject'])['uid'] ?? '',
  },
};

/** Field selectors that the API server knows for the kind; throws its 400 for any other. */
export function fieldSelector(type: ResourceType, text: string): Selects {
  const known = { ...FIELDS, ...KIND_FIELDS[type.kind] };
  const all = requirements(text).map((part) => {
    const match = EQUALITY.exec(part);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`);
    const [, key = '', operator, value] = match;
    const read = known[key];
    if (!read) throw badRequest(`field label not supported: ${key}`);
    return (object: KubeObject) => (read(object) === value) === (operator !== '!=');
  });
  return (object) => all.every((requirement) => requirement(object));
}
