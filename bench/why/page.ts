import { cellOf, grouped, type MachineResults, modesOf, NAMES, type Results, short, sizesOf } from './results.ts';
import type { Mode } from './services.ts';

const BEGIN = '<!-- measured: written by bench/why/run.ts -->';
const END = '<!-- end of what was measured -->';

const ratio = (value: number, base: number): string => `${(value / base).toFixed(value / base >= 10 ? 0 : 1)} ×`;

/** What the kernel compares the first packet of a connection to the last of `services` with. */
const compared = (mode: Mode, services: number): string =>
  mode === 'iptables' ? `${grouped(services)} rules` : '1 look-up';

function table(results: MachineResults, added: number): string[] {
  const rows = sizesOf(results).flatMap((services) => {
    const base = cellOf(results, 'nftables', services);
    return modesOf(results).map((mode) => {
      const cell = cellOf(results, mode, services);
      return [
        grouped(services),
        NAMES[mode],
        compared(mode, services + added),
        short(cell.setUp.median),
        short(cell.setUp.p99),
        ratio(cell.setUp.median, base.setUp.median),
        grouped(cell.oneMoreLines),
        short(cell.oneMore / 1000),
        ratio(cell.oneMore, base.oneMore),
      ];
    });
  });
  const heads = [
    'Services',
    'mode',
    'first packet',
    'set-up, median µs',
    'p99 µs',
    'of nftables',
    'lines for one more',
    'one more, ms',
    'of nftables',
  ];
  const align = heads.map((_, index) => (index === 1 || index === 2 ? '---' : '---:'));
  return [heads, align, ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}

/** The table in plain text, for a terminal. */
export const printed = (results: MachineResults, added: number): string => table(results, added).join('\n');

const without = ({ withoutService: { median, p99 } }: MachineResults): string =>
  `Straight to the pod, on a node without kube-proxy: median ${short(median)} µs, p99 ${short(p99)} µs.`;

/** The part of docs/why.md that one run fills. */
export function measuredPart({ day, programs, load, effort, node, own }: Results): string {
  return [
    BEGIN,
    '',
    `Measured on ${day} with ${programs}; ${grouped(effort.connections)} connections and ${effort.added} added Services for each row. The load average of the machine was ${load.least.toFixed(1)} to ${load.most.toFixed(1)} on ${load.cores} cores, of which the benchmark is about 1.`,
    '',
    '### All three modes on one kernel',
    '',
    `${node.machine}. The times are those of an emulator; compare them with each other only.`,
    '',
    ...table(node, effort.added),
    '',
    without(node),
    ...(own === null
      ? []
      : [
          '',
          "### iptables and nftables on the machine's own kernel",
          '',
          `${own.machine}. Not emulated. IPVS is not measured here: small machines' kernels come without it.`,
          '',
          ...table(own, effort.added),
          '',
          without(own),
        ]),
    '',
    END,
  ].join('\n');
}

/** @throws Error when the page has no place for it. */
export function withMeasuredPart(page: string, results: Results): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error('docs/why.md has no place for what was measured');
  return `${before}${measuredPart(results)}${after}`;
}
