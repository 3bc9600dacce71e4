import { isRecord } from './object.ts';
import { badRequest } from './status.ts';

/**
 * Lists that a strategic merge patch merges, by field name, with the key that identifies an item: the
 * `patchMergeKey` tags of the API types that this API serves. A list that is not here is replaced whole.
 * https://github.com/kubernetes/community/blob/master/contributors/devel/sig-api-machinery/strategic-merge-patch.md
 */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  initContainers: 'name',
  ephemeralContainers: 'name',
  volumes: 'name',
  env: 'name',
  imagePullSecrets: 'name',
  volumeMounts: 'mountPath',
  volumeDevices: 'devicePath',
  hostAliases: 'ip',
  topologySpreadConstraints: 'topologyKey',
  conditions: 'type',
  addresses: 'type',
  taints: 'key',
  ownerReferences: 'uid',
};
/** Lists of plain values that are merged as sets. */
const SETS = new Set(['finalizers', 'podCIDRs']);

const ORDER = '$setElementOrder/';
const DELETE_FROM = '$deleteFromPrimitiveList/';

type Json = Record<string, unknown>;

/** The merge key of a list, if it is merged: container ports go by `containerPort`, a Service's by `port`. */
function mergeKey(field: string, items: readonly unknown[]): string | undefined {
  if (field !== 'ports') return MERGE_KEYS[field];
  return items.some((item) => isRecord(item) && 'containerPort' in item) ? 'containerPort' : 'port';
}

/** A patched copy of `target`; null deletes, `$patch`, `$retainKeys`, `$setElementOrder` and `$deleteFromPrimitiveList` are obeyed. */
export function strategicMerge(target: Json, patch: Json): Json {
  const directive = patch['$patch'];
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') throw badRequest(`Unknown patch type found: ${directive}`);
  const result = retained(target, patch['$retainKeys']);
  for (const [field, value] of Object.entries(patch)) {
    if (field.startsWith('$')) continue;
    if (value === null) delete result[field];
    else result[field] = mergeField(field, result[field], value);
  }
  for (const [field, value] of Object.entries(patch)) applyListDirective(result, field, value);
  return result;
}

function mergeField(field: string, current: unknown, value: unknown): unknown {
  if (isRecord(value)) return strategicMerge(isRecord(current) ? current : {}, value);
  if (!Array.isArray(value)) return value;
  const existing: unknown[] = Array.isArray(current) ? current : [];
  if (SETS.has(field)) return [...new Set([...existing, ...value])];
  const key = mergeKey(field, [...existing, ...value]);
  return key === undefined ? value : mergeList(existing, value, key);
}

function mergeList(existing: readonly unknown[], patches: readonly unknown[], key: string): unknown[] {
  const replaced = patches.some((item) => isRecord(item) && item['$patch'] === 'replace');
  let result: unknown[] = replaced ? [] : [...existing];
  for (const item of patches) {
    if (!isRecord(item)) throw badRequest(`expected an object in the list merged by ${key}`);
    if (item['$patch'] === 'replace') continue;
    const id = item[key];
    if (id === undefined) throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const index = result.findIndex((candidate) => isRecord(candidate) && candidate[key] === id);
    if (item['$patch'] === 'delete') result = result.filter((_, position) => position !== index);
    else if (index < 0) result.push(strategicMerge({}, item));
    else {
      const found = result[index];
      result[index] = strategicMerge(isRecord(found) ? found : {}, item);
    }
  }
  return result;
}

function retained(target: Json, keys: unknown): Json {
  if (!Array.isArray(keys)) return { ...target };
  return Object.fromEntries(Object.entries(target).filter(([field]) => keys.includes(field)));
}

function applyListDirective(result: Json, field: string, value: unknown): void {
  if (!Array.isArray(value)) return;
  if (field.startsWith(DELETE_FROM)) {
    const name = field.slice(DELETE_FROM.length);
    const list = result[name];
    if (Array.isArray(list)) result[name] = list.filter((item) => !value.includes(item));
  }
  if (field.startsWith(ORDER)) {
    const name = field.slice(ORDER.length);
    const list = result[name];
    if (Array.isArray(list)) result[name] = ordered(list, value, mergeKey(name, [...list, ...value]));
  }
}

/** Items in the order that the patch names; those it does not name keep their place behind the item before them. */
function ordered(list: readonly unknown[], order: readonly unknown[], key: string | undefined): unknown[] {
  const id = (item: unknown) => (key !== undefined && isRecord(item) ? item[key] : item);
  const wanted = order.map(id);
  let last = -1;
  return list
    .map((item, index) => {
      const rank = wanted.indexOf(id(item));
      if (rank >= 0) last = rank;
      return { item, rank: rank >= 0 ? rank : last + 0.5, index };
    })
    .sort((left, right) => left.rank - right.rank || left.index - right.index)
    .map(({ item }) => item);
}

function withoutDirectives(patch: Json): Json {
  return Object.fromEntries(Object.entries(patch).filter(([field]) => !field.startsWith('$')));
}
