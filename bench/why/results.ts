import { readFileSync } from 'node:fs';
import type { Cell, Effort, SetUp } from './measure.ts';
import { MODES, type Mode } from './services.ts';

/** What one machine's kernel did. */
export interface MachineResults {
  readonly machine: string;
  readonly withoutService: SetUp;
  readonly cells: readonly Cell[];
}

/** One run of run.ts: all that docs/why.md and its plots show. */
export interface Results {
  /** A day, as in 2026-11-28. */
  readonly day: string;
  readonly programs: string;
  /** The machine's load averages of one minute. The benchmark itself makes about 1. */
  readonly load: { readonly least: number; readonly most: number; readonly cores: number };
  readonly effort: Effort;
  /** The kernel that has all three modes. */
  readonly node: MachineResults;
  /** The machine's own kernel, which may lack IPVS; null if the run had no right to make network namespaces. */
  readonly own: MachineResults | null;
}

export const RESULTS = new URL('./results.json', import.meta.url);

/** run.ts wrote the file: nothing else does. */
export const recordedResults = (): Results => JSON.parse(readFileSync(RESULTS, 'utf8'));

export const sizesOf = ({ cells }: MachineResults): number[] => [...new Set(cells.map(({ services }) => services))];
export const modesOf = ({ cells }: MachineResults): Mode[] =>
  MODES.filter((mode) => cells.some((cell) => cell.mode === mode));

/** @throws Error when it was not measured. */
export function cellOf({ cells }: MachineResults, mode: Mode, services: number): Cell {
  const found = cells.find((cell) => cell.mode === mode && cell.services === services);
  if (found === undefined) throw new Error(`${mode} with ${services} Services was not measured`);
  return found;
}

export const NAMES: Readonly<Record<Mode, string>> = { iptables: 'iptables', ipvs: 'IPVS', nftables: 'nftables' };

export const grouped = (value: number): string => value.toLocaleString('en-US');

/** Three digits at least: `0.42`, `12.3`, `1,234`. */
export const short = (value: number): string => {
  if (value >= 100) return grouped(Math.round(value));
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
};
