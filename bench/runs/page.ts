import { readFileSync, writeFileSync } from 'node:fs';

const PAGE = new URL('../../docs/costs.md', import.meta.url);

/** The text of a page with other lines in the section of a bench. Throws if the page has no such section. */
export function withSection(page: string, bench: string, lines: readonly string[]): string {
  const begin = `<!-- ${bench}: written by bench/run.ts -->`;
  const end = `<!-- end of ${bench} -->`;
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`docs/costs.md has no section of ${bench}`);
  return `${page.slice(0, from + begin.length)}\n\n${lines.join('\n')}\n\n${page.slice(to)}`;
}

/** Writes what a bench measured into docs/costs.md, if the command line has `--page`. */
export function renewPage(bench: string, lines: readonly string[]): void {
  if (!process.argv.includes('--page')) return;
  const [day = ''] = new Date().toISOString().split('T');
  const dated = [`Measured on ${day} by \`node --expose-gc bench/run.ts ${bench} --page\`.`, '', ...lines];
  writeFileSync(PAGE, withSection(readFileSync(PAGE, 'utf8'), bench, dated));
}

/** A table in Markdown. The first column is text, the others are numbers. */
export function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const align = heads.map((_, index) => (index === 0 ? '---' : '---:'));
  const cell = (value: string | number) => (typeof value === 'number' ? value.toLocaleString('en') : value);
  return [heads, align, ...rows.map((row) => row.map(cell))].map((cells) => `| ${cells.join(' | ')} |`);
}
