/** A writer of fields of a Kubernetes object: an entry of `metadata.managedFields`. `fields` is its fieldsV1. */
export interface FieldManager {
  manager: string;
  /** `status` if a controller wrote only the status. */
  subresource: string | null;
  fields: unknown;
}

type Tree = Record<string, unknown>;
const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `f:image` is the field image, `k:{"name":"kube-proxy"}` the item of a list with this key, `.` the item itself. */
function segment(key: string, field: string): string {
  if (key.startsWith('f:')) return field === '' ? key.slice(2) : `${field}.${key.slice(2)}`;
  return `${field}[${/^k:\{"[^"]*":"?([^"}]*)"?/.exec(key)?.[1] ?? key.slice(2)}]`;
}

/** The fields of a fieldsV1 document; a list item is named by its key: `containers[kube-proxy].image`. */
function leaves(tree: unknown, field = ''): string[] {
  if (!isTree(tree)) return [field];
  const inner = Object.entries(tree).filter(([key]) => key !== '.');
  if (inner.length === 0) return field === '' ? [] : [field];
  return inner.flatMap(([key, value]) => leaves(value, segment(key, field)));
}

/** The annotation with which `kubectl rollout restart` and nightshift mark a restart. It is not an edit. */
const RESTARTS = /^spec\.template\.metadata\.annotations\.kubectl\.kubernetes\.io\/restartedAt$/;
const EKS = 'eks';

/**
 * The fields of an object's `spec` whose last writer is not EKS, each with its writer. A writer that changes a field
 * takes it from EKS; a field that EKS wrote with the same value belongs to both, and is left out.
 * https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
 */
export function fieldsOfOthers(entries: readonly FieldManager[]): { field: string; manager: string }[] {
  const written = entries
    .filter(({ subresource }) => subresource === null)
    .flatMap(({ manager, fields }) => leaves(fields).map((field) => ({ field, manager })));
  const ofEks = new Set(written.filter(({ manager }) => manager === EKS).map(({ field }) => field));
  const ofOthers = written.filter(
    ({ field, manager }) => manager !== EKS && field.startsWith('spec.') && !ofEks.has(field) && !RESTARTS.test(field),
  );
  return [...new Map(ofOthers.map((each) => [each.field, each])).values()];
}

/** Whether EKS wrote any field at all. */
export const isWrittenByEks = (entries: readonly FieldManager[]): boolean =>
  entries.some(({ manager }) => manager === EKS);
