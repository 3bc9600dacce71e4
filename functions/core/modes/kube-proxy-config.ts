import { isAlias, isMap, isScalar, type ParsedNode, type YAMLMap } from 'yaml';
import { InvalidConfiguration } from '../errors.ts';
import { isMapping, type Mapping } from '../values/mapping.ts';
import { insertEntry, insertValue, type Splice, scalarSplice, splice } from '../values/yaml-edit.ts';
import { isMergeKey } from '../values/yaml-text.ts';
import { choiceOf } from './index.ts';
import { readKubeProxyText } from './kube-proxy-text.ts';
import type { Proxying } from './proxy-mode.ts';
import type { ModeField } from './spec.ts';

type ParsedMap = YAMLMap.Parsed<ParsedNode, ParsedNode | null>;
type Entry = ParsedMap['items'][number];

const NEXT = 'Set it with `kubectl -n kube-system edit configmap kube-proxy-config`, then start again.';

function refuse(field: ModeField, why: string): never {
  throw new InvalidConfiguration(
    `The ConfigMap kube-proxy-config cannot be edited in place: ${field.join('.')} ${why}.`,
    { nextStep: NEXT },
  );
}

/**
 * The text with another mode, and with the options that the mode has. Only the bytes of these values change:
 * comments, anchors, number formats, line ends and order stay as they were. A field that is missing becomes one line in
 * the style of the file. A text that already asks for it is returned as it is. The result is parsed and compared with
 * the former values before it is returned.
 * @throws InvalidConfiguration for a text that cannot be read, or in which the values cannot be changed alone
 */
export function withProxying(text: string, proxying: Proxying): string {
  // A field of another mode stays: kube-proxy does not read it, and the way back finds it as it was.
  return choiceOf(proxying).fields.reduce(
    (edited, { field, value }) => (value === null ? edited : withField(edited, field, value)),
    text,
  );
}

function withField(text: string, field: ModeField, value: string): string {
  const { root, values } = readKubeProxyText(text);
  if (!isMap<ParsedNode, ParsedNode | null>(root)) return refuse(field, 'is not in a mapping');
  const change = changeOf(text, root, { field, value, values });
  if (change === null) return text;
  const edited = splice(text, change);
  if (!means(edited, withValue(values, field, value))) refuse(field, 'cannot be changed without changing other values');
  return edited;
}

interface Wish {
  field: ModeField;
  value: string;
  /** What the text means now. */
  values: Mapping;
}

/** The change of the text; null if the text has this value already. */
function changeOf(text: string, root: ParsedMap, wish: Wish): Splice | null {
  const { field, value, values } = wish;
  const [first, second] = field;
  if (second === undefined) return changeIn(text, { map: root, values, key: first }, wish);
  const section = entryOf(root, first, values, wish);
  if (section === null) return insertEntry(text, root, [first, second], value);
  const found = section.value;
  if (isMap<ParsedNode, ParsedNode | null>(found))
    return changeIn(text, { map: found, values: values[first], key: second }, wish);
  if (!isEmpty(found)) return refuse(field, `cannot be set: ${first} is not a mapping`);
  return insertValue(text, { map: root, entry: section }, [second], value);
}

interface Place {
  map: ParsedMap;
  values: unknown;
  key: string;
}

function changeIn(text: string, { map, values, key }: Place, wish: Wish): Splice | null {
  const entry = entryOf(map, key, values, wish);
  if (entry === null) return insertEntry(text, map, [key], wish.value);
  const { value } = entry;
  if (isScalar(value) && value.value === wish.value) return null;
  if (isEmpty(value)) return insertValue(text, { map, entry }, [], wish.value);
  const change = isScalar(value) ? scalarSplice(text, value, wish.value) : null;
  return change ?? refuse(wish.field, 'is not a single value');
}

/** An absent value, `null` or `~`. */
const isEmpty = (value: ParsedNode | null): boolean => value === null || (isScalar(value) && value.value === null);

/**
 * The entry with this key; null if the mapping has none. Refuses one that is there twice, and a value that is written
 * elsewhere: behind an alias or a merge key. `values` is what the mapping means.
 */
function entryOf(map: ParsedMap, key: string, values: unknown, { field }: Wish): Entry | null {
  const isOwn = (entry: Entry) => isScalar(entry.key) && entry.key.value === key;
  const at = map.items.findIndex(isOwn);
  const entry = map.items[at];
  if (entry === undefined)
    return isMapping(values) && Object.hasOwn(values, key) ? refuse(field, 'comes through a merge key (<<)') : null;
  if (map.items.findLastIndex(isOwn) !== at) refuse(field, `is not clear: ${key} is there twice`);
  // Readers disagree on which value counts if the merge comes later.
  if (map.items.findLastIndex((other) => isMergeKey(other.key)) > at) refuse(field, 'stands before a merge key (<<)');
  const { value } = entry;
  if (isAlias(value)) return refuse(field, `comes through an alias: ${key} is *${value.source}`);
  if (value !== null && value.anchor !== undefined && isEmpty(value))
    return refuse(field, `cannot be set: ${key} has the anchor &${value.anchor} and no value`);
  return entry;
}

function withValue(values: Mapping, [first, second]: ModeField, value: string): Mapping {
  if (second === undefined) return { ...values, [first]: value };
  const section = values[first];
  return { ...values, [first]: { ...(typeof section === 'object' ? section : {}), [second]: value } };
}

/** True if the text has exactly these values. */
function means(text: string, values: Mapping): boolean {
  try {
    return canonical(readKubeProxyText(text).values) === canonical(values);
  } catch (error) {
    if (error instanceof InvalidConfiguration) return false;
    throw error;
  }
}

/** Values as text: equal for equal values, whatever the order of their keys. */
function canonical(value: unknown): string {
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number') return Object.is(value, -0) ? '-0' : String(value);
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'undefined';
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `${value.constructor?.name ?? ''}{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`;
}
