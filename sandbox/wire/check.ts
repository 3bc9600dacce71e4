import type { Shape, StructureShape } from './shape.ts';

/** One way in which a value does not fit its shape. */
export interface Problem {
  /** Member names joined by dots, list places as `[2]`; empty for the whole value. */
  path: string;
  kind: 'required' | 'unknown' | 'type';
  /** A clause that completes “`path` …”. */
  rule: string;
}

/** Compares a value (dates as Date, blobs as Uint8Array) with its shape; an empty list means that it fits. */
export function checkValue(shape: Shape, value: unknown, path = ''): Problem[] {
  const problems: Problem[] = [];
  check(shape, value, path, problems);
  return problems;
}

/** null and undefined both mean “not set”. */
export function isSet(value: unknown): boolean {
  return value !== undefined && value !== null;
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value where it is a record, else an empty one. */
export function asRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function check(shape: Shape, value: unknown, path: string, problems: Problem[]): void {
  switch (shape.kind) {
    case 'structure':
      if (!isRecord(value)) problems.push(wrongType(path, 'a structure', value));
      else checkStructure(shape, value, path, problems);
      return;
    case 'list':
      if (!Array.isArray(value)) problems.push(wrongType(path, 'a list', value));
      else
        for (const [index, item] of value.entries())
          checkEntry(shape, shape.item.shape, item, `${path}[${index}]`, problems);
      return;
    case 'map':
      if (!isRecord(value)) problems.push(wrongType(path, 'a map', value));
      else
        for (const [key, item] of Object.entries(value))
          checkEntry(shape, shape.value.shape, item, join(path, key), problems);
      return;
    case 'timestamp':
      if (!(value instanceof Date) || Number.isNaN(value.getTime()))
        problems.push(wrongType(path, 'a timestamp', value));
      return;
    case 'blob':
      if (!(value instanceof Uint8Array)) problems.push(wrongType(path, 'bytes', value));
      return;
    case 'document':
      return;
    default:
      if (typeof value !== shape.kind || Number.isNaN(value)) problems.push(wrongType(path, `a ${shape.kind}`, value));
  }
}

function checkStructure(
  shape: StructureShape,
  value: Record<string, unknown>,
  path: string,
  problems: Problem[],
): void {
  for (const name of shape.required)
    if (!isSet(value[name])) problems.push({ path: join(path, name), kind: 'required', rule: 'must not be null' });
  let set = 0;
  for (const [name, item] of Object.entries(value)) {
    if (!isSet(item)) continue;
    set += 1;
    const member = shape.members.get(name);
    if (member) check(member.shape, item, join(path, name), problems);
    else problems.push({ path: join(path, name), kind: 'unknown', rule: 'must be a member of this shape' });
  }
  if (shape.union && set !== 1)
    problems.push({ path, kind: 'type', rule: `must have exactly one member set, not ${set}` });
}

function checkEntry(
  container: { sparse: boolean },
  shape: Shape,
  item: unknown,
  path: string,
  problems: Problem[],
): void {
  if (isSet(item)) check(shape, item, path, problems);
  else if (!container.sparse) problems.push({ path, kind: 'required', rule: 'must not be null' });
}

function wrongType(path: string, expected: string, value: unknown): Problem {
  const found = value === null ? 'null' : Array.isArray(value) ? 'list' : value instanceof Date ? 'date' : typeof value;
  return { path, kind: 'type', rule: `must be ${expected}, not ${found}` };
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
