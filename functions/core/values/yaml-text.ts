import { type Document, isNode, isScalar, LineCounter, type ParsedNode, parseDocument, visit } from 'yaml';

/** Why a YAML text cannot be used: one line without a period. */
export class YamlProblem extends Error {
  override readonly name = 'YamlProblem';
}

export interface YamlReading {
  /** kube-proxy and EKS read 1.1, in which `016` is 14 and `yes` is true. */
  version: '1.1' | '1.2';
  duplicateKeys: 'refused' | 'kept';
  /** Numbers that JavaScript cannot keep become bigints, so that they compare. */
  bigNumbers?: boolean;
  /** Keys of which a reader of another version, or one that makes them text in another way, makes another text are errors. */
  textKeys?: boolean;
  /** Nodes keep the tokens of their text, which an editor of the text needs. */
  sourceTokens?: boolean;
}

/** Aliases are expanded when values are read; the limit stops a "billion laughs" text. */
const MOST_ALIASES = 100;

const firstLine = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).split('\n', 1)[0]?.trim().replace(/[:.]$/, '') ?? '';

/**
 * Parses one YAML document, whose nodes have the ranges of their text. Takes time in proportion to the text: the
 * library's own check for equal keys compares each key with each other one.
 * @throws YamlProblem
 */
export function readYamlDocument(text: string, reading: YamlReading): Document.Parsed<ParsedNode> {
  const lineCounter = new LineCounter();
  const document = parseDocument(text, {
    version: reading.version,
    uniqueKeys: false,
    intAsBigInt: reading.bigNumbers ?? false,
    keepSourceTokens: reading.sourceTokens ?? false,
    logLevel: 'error',
    lineCounter,
  });
  // A warning is about something that the library does not know and leaves out, such as a tag of somebody's own.
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) throw new YamlProblem(firstLine(problem), { cause: problem });
  if (reading.textKeys === true) refuseOtherKeys(document, lineCounter);
  if (reading.duplicateKeys === 'refused') refuseDuplicateKeys(document, lineCounter);
  return document;
}

/**
 * The values of a document, with aliases expanded.
 * @throws YamlProblem for more aliases than any configuration has
 */
export function yamlValues(document: Document.Parsed<ParsedNode>): unknown {
  try {
    return document.toJS({ maxAliasCount: MOST_ALIASES });
  } catch (cause) {
    throw new YamlProblem(firstLine(cause), { cause });
  }
}

function refuseDuplicateKeys(document: Document.Parsed<ParsedNode>, lineCounter: LineCounter): void {
  visit(document, {
    Map(_, { items }) {
      const seen = new Set<string>();
      for (const { key } of items) {
        // YAML 1.1 may merge more than once.
        if (!isScalar(key) || isMergeKey(key)) continue;
        // In JSON, 1 and "1" are one key.
        const text = String(key.value);
        if (seen.has(text)) throw new YamlProblem(`Map keys must be unique ${placeOf(key, lineCounter)}`);
        seen.add(text);
      }
    },
  });
}

function refuseOtherKeys(document: Document.Parsed<ParsedNode>, lineCounter: LineCounter): void {
  visit(document, {
    Map(_, { items }) {
      for (const { key } of items) {
        if (isMergeKey(key) || isTextKey(key)) continue;
        const place = placeOf(key, lineCounter);
        throw new YamlProblem(`Map keys must be text that every reader reads alike, in quotes if need be, ${place}`);
      }
    },
  });
}

/** True for text, and for a number or boolean that is written as every reader prints it: 80, and neither 0x50 nor 80.0. */
function isTextKey(key: unknown): boolean {
  if (!isScalar(key)) return false;
  const { value, source } = key;
  if (typeof value === 'string') return true;
  return (typeof value === 'number' || typeof value === 'boolean') && String(value) === source;
}

function placeOf(key: unknown, lineCounter: LineCounter): string {
  const { line, col } = lineCounter.linePos((isNode(key) && key.range?.[0]) || 0);
  return `at line ${line}, column ${col}`;
}

/** True for `<<`, which the library reads as a symbol in YAML 1.1. */
export function isMergeKey(key: unknown): boolean {
  if (!isScalar(key)) return false;
  const { value } = key;
  return value === '<<' || (typeof value === 'symbol' && value.description === '<<');
}
