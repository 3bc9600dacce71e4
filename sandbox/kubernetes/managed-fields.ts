import { isDeepStrictEqual } from 'node:util';
import { type Draft, isRecord, type KubeObject } from './object.ts';

/** Nested `f:` and `k:` members, as in a real object's `metadata.managedFields`. */
interface FieldsV1 {
  [member: string]: FieldsV1;
}

interface Entry {
  manager: string;
  operation: 'Apply' | 'Update';
  /** Paths of the fields, each as the JSON text of its members. */
  fields: Set<string>;
}

/**
 * Who wrote which field of an object: an entry for each manager, as the API server keeps it. A field whose value a
 * manager changes is its own from then on, and of no other manager. What EKS applies, `applied`, is its own also
 * where the value was there before. Lists whose items have names are read item by item, others as one field.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function managed(
  before: KubeObject | undefined,
  after: Draft,
  manager: string,
  applied?: Readonly<Record<string, unknown>>,
): unknown[] {
  const [former, now] = [leavesOf(before), leavesOf(after)];
  const taken = new Set(
    [...now].filter(([path, value]) => !isDeepStrictEqual(former.get(path), value)).map(([path]) => path),
  );
  const claimed = new Set([...taken, ...[...leavesOf(applied).keys()].filter((path) => now.has(path))]);
  const entries = entriesOf(before).map((entry) => ({
    ...entry,
    fields: new Set([...entry.fields].filter((path) => now.has(path) && !taken.has(path))),
  }));
  const own = entries.find((entry) => entry.manager === manager);
  if (own) for (const path of claimed) own.fields.add(path);
  else entries.push({ manager, operation: applied ? 'Apply' : 'Update', fields: claimed });
  return entries.filter(({ fields }) => fields.size > 0).map(written);
}

function written({ manager, operation, fields }: Entry) {
  const fieldsV1: FieldsV1 = {};
  for (const path of fields) {
    let place = fieldsV1;
    for (const member of members(path)) {
      place[member] ??= {};
      place = place[member];
    }
  }
  return { manager, operation, apiVersion: 'apps/v1', fieldsType: 'FieldsV1', fieldsV1 };
}

function entriesOf(object: KubeObject | undefined): Entry[] {
  const entries = object?.metadata['managedFields'];
  return (Array.isArray(entries) ? entries : []).map(({ manager, operation, fieldsV1 }) => ({
    manager,
    operation,
    fields: new Set(pathsIn(fieldsV1, [])),
  }));
}

function pathsIn(fields: unknown, above: string[]): string[] {
  const inner = isRecord(fields) ? Object.entries(fields) : [];
  if (inner.length === 0) return [JSON.stringify(above)];
  return inner.flatMap(([member, value]) => pathsIn(value, [...above, member]));
}

function members(path: string): string[] {
  const parsed: unknown = JSON.parse(path);
  return Array.isArray(parsed) ? parsed.map(String) : [];
}

function leavesOf(object: Readonly<Record<string, unknown>> | undefined): Map<string, unknown> {
  const found = new Map<string, unknown>();
  if (object) for (const part of ['spec', 'data']) collect(object[part], [`f:${part}`], found);
  return found;
}

const named = (item: unknown): item is Record<string, unknown> & { name: string } =>
  isRecord(item) && typeof item['name'] === 'string';

function collect(value: unknown, path: string[], found: Map<string, unknown>): void {
  if (value === undefined) return;
  if (Array.isArray(value) && value.length > 0 && value.every(named))
    for (const item of value) collect(item, [...path, `k:{"name":${JSON.stringify(item.name)}}`], found);
  else if (isRecord(value) && Object.keys(value).length > 0)
    for (const [key, inner] of Object.entries(value)) collect(inner, [...path, `f:${key}`], found);
  else found.set(JSON.stringify(path), value);
}
