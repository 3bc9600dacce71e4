import type { Cell } from './measure.ts';
import { cellOf, grouped, type MachineResults, modesOf, NAMES, type Results, short, sizesOf } from './results.ts';
import type { Mode } from './services.ts';

export const THEMES = ['light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

interface Colours {
  readonly surface: string;
  readonly text: string;
  readonly faint: string;
  readonly grid: string;
  readonly modes: Readonly<Record<Mode, string>>;
}
const COLOURS: Readonly<Record<Theme, Colours>> = {
  light: {
    surface: '#ffffff',
    text: '#1f2328',
    faint: '#59636e',
    grid: '#d1d9e0',
    modes: { iptables: '#c4432b', ipvs: '#8250df', nftables: '#0969da' },
  },
  dark: {
    surface: '#0d1117',
    text: '#f0f6fc',
    faint: '#9198a1',
    grid: '#3d444d',
    modes: { iptables: '#ff7b6b', ipvs: '#b083f0', nftables: '#4493f8' },
  },
};

const WIDTH = 900;
const HEIGHT = 340;
const PLOT = { top: 64, bottom: 290, width: 260 };

interface Panel {
  readonly title: string;
  readonly left: number;
  readonly value: (cell: Cell) => number;
}
const PANELS: readonly Panel[] = [
  { title: 'Set-up of a connection, median µs', left: 56, value: ({ setUp }) => setUp.median },
  { title: 'One more Service, ms', left: 520, value: ({ oneMore }) => oneMore / 1000 },
];

const text = (x: number, y: number, content: string, attributes: string): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${content}</text>`;

/** From zero on, at most five steps of 1, 2 or 5 and zeros. */
function marksUpTo(most: number): number[] {
  const power = 10 ** Math.floor(Math.log10(most));
  const step = [0.2, 0.5, 1, 2].map((factor) => factor * power).find((size) => most / size <= 5) ?? power * 5;
  return Array.from({ length: Math.ceil(most / step) + 1 }, (_, index) => index * step);
}

/** Moves labels upwards until none lies on another; they stay in their order. */
function apart(heights: readonly number[]): number[] {
  const order = heights.map((height, index) => ({ height, index })).sort((a, b) => b.height - a.height);
  const moved = [...heights];
  let lowest = PLOT.bottom - 2;
  for (const { height, index } of order) {
    const free = Math.min(height, lowest);
    moved[index] = free;
    lowest = free - 16;
  }
  return moved;
}

function panel({ title, left, value }: Panel, node: MachineResults, colours: Colours): string[] {
  const sizes = sizesOf(node);
  const modes = modesOf(node);
  const marks = marksUpTo(Math.max(...node.cells.map(value)));
  const high = marks.at(-1) ?? 1;
  const most = Math.max(...sizes);
  const x = (services: number) => left + (services / most) * PLOT.width;
  const y = (height: number) => PLOT.bottom - (height / high) * (PLOT.bottom - PLOT.top);
  const ends = modes.map((mode) => value(cellOf(node, mode, most)));
  const labels = apart(ends.map(y));
  return [
    text(left, 40, title, `fill="${colours.text}" font-size="14" font-weight="600"`),
    ...marks.flatMap((mark) => [
      `<line x1="${left}" x2="${left + PLOT.width}" y1="${y(mark).toFixed(1)}" y2="${y(mark).toFixed(1)}" stroke="${colours.grid}"/>`,
      text(left - 8, y(mark) + 4, grouped(mark), `fill="${colours.faint}" text-anchor="end"`),
    ]),
    ...sizes
      .filter((services) => services >= most / 10)
      .map((services) =>
        text(x(services), PLOT.bottom + 20, grouped(services), `fill="${colours.faint}" text-anchor="middle"`),
      ),
    ...modes.flatMap((mode, index) => {
      const points = sizes.map((services) => [x(services), y(value(cellOf(node, mode, services)))] as const);
      const colour = colours.modes[mode];
      return [
        `<polyline points="${points.map((point) => point.map((each) => each.toFixed(1)).join(',')).join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
        ...points.map(([cx, cy]) => `<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="3.5" fill="${colour}"/>`),
        text(
          left + PLOT.width + 10,
          (labels[index] ?? 0) + 4,
          `${NAMES[mode]} ${short(ends[index] ?? 0)}`,
          `fill="${colour}" font-weight="600"`,
        ),
      ];
    }),
  ];
}

/** The kernel node's table as two plots. */
export function plot({ node }: Results, theme: Theme): string {
  const colours = COLOURS[theme];
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" font-family="system-ui, sans-serif" font-size="12">`,
    '<title>Set-up of a connection and time of one more Service, by number of Services, in three modes of kube-proxy</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="${colours.surface}"/>`,
    ...PANELS.flatMap((each) => panel(each, node, colours)),
    ...PANELS.map(({ left }) =>
      text(left + PLOT.width / 2, PLOT.bottom + 40, 'Services', `fill="${colours.faint}" text-anchor="middle"`),
    ),
    '</svg>',
  ].join('\n')}\n`;
}
