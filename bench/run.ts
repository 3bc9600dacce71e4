import { readdirSync } from 'node:fs';
import type { Bench, Row } from './measure.ts';

const OWN = new Set(['run.ts', 'measure.ts']);
const folder = new URL('./', import.meta.url);

const isBench = (value: unknown): value is Bench =>
  typeof value === 'object' &&
  value !== null &&
  'title' in value &&
  'rows' in value &&
  typeof value.rows === 'function';

/** One row as text; `ratio` compares the time a piece with that of the first row: 1.0 is linear growth. */
function line(row: Row, first: Row): string {
  const ratio = row.milliseconds / row.count / (first.milliseconds / first.count);
  const limit = row.limit === undefined ? '' : `  ${row.milliseconds < row.limit ? 'under' : 'OVER'} ${row.limit} ms`;
  const time = `${row.milliseconds.toFixed(2)} ms`.padStart(12);
  const each = `${((row.milliseconds * 1000) / row.count).toFixed(2)} us each`.padStart(15);
  return `  ${row.what.padEnd(28)}${time}${each}   x${ratio.toFixed(2)}${limit}`;
}

let over = 0;
for (const file of readdirSync(folder).sort()) {
  if (!file.endsWith('.ts') || OWN.has(file)) continue;
  const module: unknown = await import(new URL(file, folder).href);
  const bench = typeof module === 'object' && module !== null && 'bench' in module ? module.bench : undefined;
  if (!isBench(bench)) throw new Error(`bench/${file} exports no bench`);
  const rows = bench.rows();
  const [first] = rows;
  if (first === undefined) throw new Error(`bench/${file} measured nothing`);
  console.log(bench.title);
  for (const row of rows) console.log(line(row, first));
  over += rows.filter(({ milliseconds, limit }) => limit !== undefined && milliseconds >= limit).length;
}
if (over > 0) process.exitCode = 1;
