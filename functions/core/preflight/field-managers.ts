/** Who wrote fields of a Kubernetes object, an entry of `metadata.managedFields`. `fields` is its fieldsV1. */
export interface FieldManager {
  manager: string;
  /** `status` where a controller wrote only that. */
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

/** The fields of a fieldsV1 document, a field in a list by the key of its item: `containers[kube-proxy].image`. */
function leaves(tree: unknown, field = ''): string[] {
  if (!isTree(tree)) return [field];
  const inner = Object.entries(tree).filter(([key]) => key !== '.');
  if (inner.length === 0) return field === '' ? [] : [field];
  return inner.flatMap(([key, value]) => leaves(value, segment(key, field)));
}

/** `kubectl rollout restart` and nightshift itself mark a restart so: it is no edit. */
const RESTARTS = /^spec\.template\.metadata\.annotations\.kubectl\.kubernetes\.io\/restartedAt$/;
const EKS = 'eks';

/**
 * The fields of an object's `spec` that others than EKS wrote last, each with its writer. A change takes a field from
 * EKS; one that EKS wrote with the same value belongs to both, and is left out.
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
