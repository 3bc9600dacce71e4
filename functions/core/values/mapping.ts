/** Values by key, out of JSON or YAML. */
export type Mapping = Record<string, unknown>;

/** True for a mapping: an object that is not a list. */
export const isMapping = (value: unknown): value is Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An own field; never one that `Object.prototype` has. */
export const own = (values: Readonly<Mapping>, key: string): unknown =>
  Object.hasOwn(values, key) ? values[key] : undefined;

/** An own field that has a value: kube-proxy takes an empty text and null for an absent field. */
export function given(values: Readonly<Mapping>, key: string): unknown {
  const value = own(values, key);
  return value === '' || value === null ? undefined : value;
}
