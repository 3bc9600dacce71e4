import { isCollection, isMap, isPair, isScalar, type ParsedNode, type Scalar, type YAMLMap } from 'yaml';

/** Changes of YAML texts, made of the ranges of parsed nodes. None of them is proof: parse the result and compare. */

/** text[start, end) becomes `by`. */
export interface Splice {
  start: number;
  end: number;
  by: string;
}

type ParsedMap = YAMLMap.Parsed<ParsedNode, ParsedNode | null>;
type Entry = ParsedMap['items'][number];

export function splice(text: string, { start, end, by }: Splice): string {
  return text.slice(0, start) + by + text.slice(end);
}

/** The value in the style of the one that it replaces: plain, quoted or a block. */
export function scalarSplice(text: string, scalar: Scalar.Parsed, value: string): Splice | null {
  const [start, end] = scalar.range;
  const source = text.slice(start, end);
  switch (scalar.type) {
    case 'QUOTE_DOUBLE':
      return { start, end, by: `"${value}"` };
    case 'QUOTE_SINGLE':
      return { start, end, by: `'${value}'` };
    case 'PLAIN':
      return { start, end, by: value };
    case 'BLOCK_FOLDED':
    case 'BLOCK_LITERAL': {
      // Header, line break and indentation stay, and what follows the last character.
      const lineEnd = source.indexOf('\n');
      const content = lineEnd < 0 ? '' : source.slice(lineEnd).trimStart();
      if (content === '') return null;
      return { start: end - content.length, end: start + source.trimEnd().length, by: value };
    }
    default:
      return null;
  }
}

/** `{"mode": …}`: keys of a mapping in JSON style are quoted. */
const isQuoted = (map: ParsedMap): boolean => {
  const first = map.items[0]?.key;
  return isScalar(first) && first.type === 'QUOTE_DOUBLE';
};

/** `key: {inner: value}`. */
function flowText(keys: readonly string[], value: string, quoted: boolean): string {
  const quote = (word: string) => (quoted ? `"${word}"` : word);
  return keys.reduceRight((inner, key, depth) => {
    const entry = `${quote(key)}: ${inner}`;
    return depth === 0 ? entry : `{${entry}}`;
  }, quote(value));
}

/** How many characters stand before the first key of a mapping, on its line. */
function columnOf(text: string, { range: [start] }: ParsedMap): number {
  return text.slice(text.lastIndexOf('\n', start - 1) + 1, start).replace(/^\uFEFF/, '').length;
}

const lineBreak = (text: string): string => /\r?\n/.exec(text)?.[0] ?? '\n';

/** How much deeper this file indents what is inside something; two spaces if nothing shows it. */
function stepOf(text: string, map: ParsedMap): string {
  for (const { value } of map.items) {
    const width =
      isMap(value) && !value.flow && value.items.length > 0 ? columnOf(text, value) - columnOf(text, map) : 0;
    if (width > 0) return ' '.repeat(width);
  }
  return '  ';
}

/** `key:` and what is in it on a line of its own each. */
function blockLines(keys: readonly string[], value: string, layout: { indent: string; step: string }): string[] {
  return keys.map((key, depth) => {
    const entry = depth === keys.length - 1 ? `${key}: ${value}` : `${key}:`;
    return layout.indent + layout.step.repeat(depth) + entry;
  });
}

/** The end of the text that a node takes, without comments behind it. */
function endOf(node: unknown): number | null {
  if (isPair(node)) return endOf(node.value) ?? endOf(node.key);
  if (isCollection(node) && !node.flow) return endOf(node.items.at(-1));
  if (typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)) {
    const [start, end]: unknown[] = node.range;
    return typeof end === 'number' && typeof start === 'number' && (end > start || !isScalar(node)) ? end : null;
  }
  return null;
}

/** Adds an entry to a mapping: behind the last one in block style, as the first one in flow style. */
export function insertEntry(text: string, map: ParsedMap, keys: readonly string[], value: string): Splice {
  if (map.flow) return insertInFlow(text, map, flowText(keys, value, isQuoted(map)));
  const lines = blockLines(keys, value, { indent: ' '.repeat(columnOf(text, map)), step: stepOf(text, map) });
  return insertLines(text, endOf(map) ?? map.range[0], lines);
}

function insertInFlow(text: string, map: ParsedMap, entry: string): Splice {
  const start = map.range[0] + 1;
  const first = map.items[0]?.key;
  if (!isScalar(first) || !first.range) return { start, end: start, by: entry };
  const blank = text.slice(start, first.range[0]);
  const gap = blank.trim() === '' ? blank : '';
  return { start: start + gap.length, end: start + gap.length, by: `${entry},${gap === '' ? ' ' : gap}` };
}

/** Adds lines behind the line on which a node ends. */
function insertLines(text: string, end: number, lines: readonly string[]): Splice {
  const eol = lineBreak(text);
  // The range of a block scalar ends behind its last line break.
  if (text[end - 1] === '\n') return { start: end, end, by: lines.map((line) => line + eol).join('') };
  const found = text.indexOf('\n', end);
  if (found >= 0) return { start: found + 1, end: found + 1, by: lines.map((line) => line + eol).join('') };
  return { start: text.length, end: text.length, by: lines.map((line) => eol + line).join('') };
}

/** Gives a value, or a mapping with one, to an entry that has none or `null`. */
export function insertValue(
  text: string,
  { map, entry }: { map: ParsedMap; entry: Entry },
  keys: readonly string[],
  value: string,
): Splice {
  const colon = colonOf(entry);
  const own = isScalar(entry.value) ? text.slice(entry.value.range[0], entry.value.range[1]) : '';
  const start = own === '' || !isScalar(entry.value) ? colon : entry.value.range[0];
  const end = start + own.length;
  if (map.flow || keys.length === 0) {
    const nested = keys.length === 0 ? value : `{${flowText(keys, value, isQuoted(map))}}`;
    const word = keys.length === 0 && map.flow && isQuoted(map) ? `"${value}"` : nested;
    return { start, end, by: own === '' ? ` ${word}` : word };
  }
  const step = stepOf(text, map);
  const lines = blockLines(keys, value, { indent: ' '.repeat(columnOf(text, map)) + step, step });
  if (own === '') return insertLines(text, colon, lines);
  // `key: null` on a line of its own: the word goes with the blanks before it, a comment behind it stays.
  return { start: colon, end, by: lines.map((line) => lineBreak(text) + line).join('') };
}

/** Where a key's colon ends. */
function colonOf({ key, srcToken }: Entry): number {
  const sep = srcToken?.sep?.find(({ type }) => type === 'map-value-ind');
  return sep === undefined ? key.range[2] : sep.offset + 1;
}
