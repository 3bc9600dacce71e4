import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Bench, Count, Row } from './measure.ts';

const OWN = new Set(['run.ts', 'measure.ts', 'prices.ts']);
const folder = new URL('./', import.meta.url);

const isBench = (value: unknown): value is Bench =>
  typeof value === 'object' &&
  value !== null &&
  'title' in value &&
  'rows' in value &&
  typeof value.rows === 'function';

/** One row as text; `ratio` compares the time per item with that of the first row: 1.0 is linear growth. */
function line(row: Row, first: Row): string {
  const ratio = row.milliseconds / row.count / (first.milliseconds / first.count);
  const limit = row.limit === undefined ? '' : `  ${row.milliseconds < row.limit ? 'under' : 'OVER'} ${row.limit} ms`;
  const time = `${row.milliseconds.toFixed(2)} ms`.padStart(12);
  const piece = row.milliseconds / row.count;
  const each = (piece < 1 ? `${(piece * 1000).toFixed(2)} us each` : `${piece.toFixed(0)} ms each`).padStart(15);
  return `  ${row.what.padEnd(28)}${time}${each}   x${ratio.toFixed(2)}${limit}`;
}

const broken = ({ value, most }: Count): boolean => most !== undefined && value > most;

function countText(count: Count): string {
  const most = count.most === undefined ? '' : ` (${broken(count) ? 'OVER' : 'at most'} ${count.most})`;
  return `${count.value} ${count.what}${most}`;
}

/** Prints one benchmark; returns the number of limits that it exceeded. */
async function measure(file: string): Promise<number> {
  const module: unknown = await import(new URL(file, folder).href);
  const bench = typeof module === 'object' && module !== null && 'bench' in module ? module.bench : undefined;
  if (!isBench(bench)) throw new Error(`bench/${file} exports no bench`);
  const rows = await bench.rows();
  const [first] = rows;
  if (first === undefined) throw new Error(`bench/${file} measured nothing`);
  console.log(bench.title);
  for (const row of rows) {
    console.log(line(row, first));
    if (row.counts) console.log(`    ${row.counts.map(countText).join(', ')}`);
  }
  const slow = rows.filter(({ milliseconds, limit }) => limit !== undefined && milliseconds >= limit);
  return slow.length + rows.flatMap(({ counts = [] }) => counts.filter(broken)).length;
}

const [first, ...rest] = process.argv.slice(2);
const only = first?.startsWith('--') ? undefined : first?.replace(/(\.ts)?$/, '.ts');
if (only !== undefined) process.exitCode = (await measure(only)) > 0 ? 1 : 0;
else
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith('.ts') || OWN.has(file)) continue;
    // Runs each benchmark in a process of its own: the heap of one would slow the next.
    const own = [...process.execArgv, fileURLToPath(import.meta.url), file, ...(first ? [first, ...rest] : [])];
    const { status } = spawnSync(process.execPath, own, { stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
  }
