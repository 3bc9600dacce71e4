import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'acorn';
import { transformSync } from 'esbuild';
import { analyse } from 'scslre';
import { describe, expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const FOLDERS = ['functions', 'cli', 'infra', 'state-machines'];

interface Literal {
  pattern: string;
  flags: string;
}

const isLiteral = (value: unknown): value is Literal =>
  typeof value === 'object' && value !== null && 'pattern' in value && 'flags' in value;

/** Every literal of a regular expression in a source text of TypeScript, and how many are made in another way. */
function expressionsIn(source: string): { literals: Literal[]; made: number } {
  const { code } = transformSync(source, { loader: 'ts' });
  const found: Literal[] = [];
  let made = 0;
  const look = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    if ('regex' in node && isLiteral(node.regex)) found.push(node.regex);
    if ('type' in node && node.type === 'Identifier' && 'name' in node && node.name === 'RegExp') made += 1;
    for (const inner of Object.values(node)) look(inner);
  };
  look(parse(code, { ecmaVersion: 'latest', sourceType: 'module', allowHashBang: true }));
  return { literals: found, made };
}

/** Why a regular expression takes more than linear time on some text; empty if it never does. */
const superlinear = ({ pattern, flags }: Literal): string[] =>
  analyse({ source: pattern, flags }).reports.map(({ type }) => type);

describe('the regular expressions of the product', () => {
  const files = FOLDERS.flatMap((folder) =>
    readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => `${folder}/${file}`),
  );
  const read = files.map((file) => ({ file, ...expressionsIn(readFileSync(new URL(file, root), 'utf8')) }));
  const literals = read.flatMap((each) => each.literals.map((literal) => ({ file: each.file, literal })));

  it('are found', () => {
    expect(literals.length).toBeGreaterThan(100);
  });

  it('are all literals, since only those are analysed', () => {
    expect(read.filter(({ made }) => made > 0).map(({ file }) => file)).toEqual([]);
    expect(expressionsIn('const slow = new RegExp(`(${part})+$`);').made).toBe(1);
  });

  it('take time in proportion to any text', () => {
    const slow = literals.filter(({ literal }) => superlinear(literal).length > 0);
    expect(slow.map(({ file, literal }) => `${file} /${literal.pattern}/`)).toEqual([]);
  });

  it.each(['[:.]?\\s*$', '\\/+$', '\\n?-{4,}ERROR-{4,}\\n', '^(a+)+$', '^[^@]+@[^@]+\\.[^@]+$'])(
    'would be found if they took quadratic time: %s',
    (pattern) => {
      expect(superlinear({ pattern, flags: '' })).not.toEqual([]);
    },
  );
});
