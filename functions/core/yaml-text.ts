import { type Document, isScalar, LineCounter, type ParsedNode, parseDocument, visit } from 'yaml';

/** Why a YAML text cannot be used: one line without a period. `duplicate`: a mapping has a key twice. */
export class YamlProblem extends Error {
  override readonly name = 'YamlProblem';
  readonly duplicate: boolean;

  constructor(message: string, options: { duplicate?: boolean; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.duplicate = options.duplicate ?? false;
  }
}

export interface YamlReading {
  /** kube-proxy and EKS read 1.1, in which `016` is 14 and `yes` is true. */
  version: '1.1' | '1.2';
  duplicateKeys: 'refused' | 'kept';
  /** Numbers that JavaScript cannot keep become bigints, so that they compare. */
  bigNumbers?: boolean;
  /** Keys that are not text are errors. */
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
    stringKeys: reading.textKeys ?? false,
    intAsBigInt: reading.bigNumbers ?? false,
    keepSourceTokens: reading.sourceTokens ?? false,
    logLevel: 'error',
    lineCounter,
  });
  const [problem] = document.errors;
  if (problem !== undefined) throw new YamlProblem(firstLine(problem), { cause: problem });
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
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        // As the library compares keys: by value, and YAML 1.1 may merge more than once.
        if (seen.has(key.value) && !isMergeKey(key)) throw duplicateKey(key.range?.[0] ?? 0, lineCounter);
        seen.add(key.value);
      }
    },
  });
}

function duplicateKey(offset: number, lineCounter: LineCounter): YamlProblem {
  const { line, col } = lineCounter.linePos(offset);
  return new YamlProblem(`Map keys must be unique at line ${line}, column ${col}`, { duplicate: true });
}

/** True for `<<`, which the library reads as a symbol in YAML 1.1. */
export function isMergeKey(key: unknown): boolean {
  if (!isScalar(key)) return false;
  const { value } = key;
  return value === '<<' || (typeof value === 'symbol' && value.description === '<<');
}
