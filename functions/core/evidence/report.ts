/** A line that cannot be parsed. */
export interface Flaw {
  /** The line's number, from 1. */
  lineNumber: number;
  line: string;
  what: string;
}

/** What the value of a fact must be: a regular expression or a function. */
export interface Rule {
  test(value: string): boolean;
}

/**
 * The lines of what a document printed: a carriage return before a newline is not part of a line (copying output to a
 * file may add it), and empty lines at the end are dropped.
 */
export function linesOf(output: string): string[] {
  const lines = output.split('\n').map((line) => line.replace(/\r$/, ''));
  while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop();
  return lines;
}

/** Reads lines `key=value`: each key is one of `rules`, is there once and has a value that its rule allows. */
export function readFacts(
  lines: readonly string[],
  rules: ReadonlyMap<string, Rule>,
): { facts: Map<string, string>; flaws: Flaw[] } {
  const facts = new Map<string, string>();
  const flaws: Flaw[] = [];
  for (const [index, line] of lines.entries()) {
    const [, key = '', value = ''] = /^([\w-]+)=(.*)$/.exec(line) ?? [];
    const rule = rules.get(key);
    const flaw = (what: string) => flaws.push({ lineNumber: index + 1, line, what });
    if (rule === undefined) flaw('it is not a fact that the document prints');
    else if (facts.has(key)) flaw(`${key} is there twice`);
    else if (!rule.test(value)) flaw(`${key} has a value that it cannot have`);
    else facts.set(key, value);
  }
  return { facts, flaws };
}

/**
 * Reads the whole output of the document `nightshift-NAME`: its first line, `warning=` lines anywhere, every fact of
 * `rules`, and its last line, since SSM cuts long output. Each problem is a sentence.
 */
export function readReport(
  output: string,
  name: string,
  rules: ReadonlyMap<string, Rule>,
): { facts: Map<string, string>; warnings: string[]; problems: string[] } {
  const lines = linesOf(output);
  const format = `nightshift-${name}`;
  const problems: string[] = [];
  if (lines.at(-1) === `end=${format}`) lines.pop();
  else problems.push('the output is cut: its last line is missing');
  if (lines[0] === `${format}=1`) lines.shift();
  else problems.push(`the first line is not ${format}=1: this is not the output of ${name}-node.sh`);
  const isWarning = (line: string) => line.startsWith('warning=');
  const warnings = lines.filter(isWarning).map((line) => line.slice('warning='.length));
  const { facts, flaws } = readFacts(
    lines.filter((line) => !isWarning(line)),
    rules,
  );
  problems.push(...flaws.map(({ line, what }) => `a line is not understood (${what}): ${line.slice(0, 80)}`));
  const missing = [...rules.keys()].filter((key) => !facts.has(key));
  if (missing.length > 0) problems.push(`not reported: ${missing.join(', ')}`);
  return { facts, warnings, problems };
}

/** Facts as a verdict keeps them: whole numbers as numbers. */
export function verdictFacts(facts: ReadonlyMap<string, string>): Record<string, string | number> {
  return Object.fromEntries([...facts].map(([key, text]) => [key, /^\d+$/.test(text) ? Number(text) : text]));
}
