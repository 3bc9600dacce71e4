import * as z from 'zod/mini';
import type { Ending, NodeRecord } from './parts.ts';

/** Medians over the nodes that reported a figure before the change and after it, in microseconds. */
export interface Figure {
  before: number;
  after: number;
  nodes: number;
}

/** What a migration was worth; null for a figure that no node reported on both sides. */
export interface Effect {
  /** A sync of kube-proxy's rules: on each node the average since its kube-proxy started. */
  sync: Figure | null;
  /** One TCP connection from the node to the API server's ClusterIP. */
  connect: Figure | null;
}

/** The endings after which the nodes run the target: of the migration, or of the recovery that finished it. */
const ON_TARGET: readonly string[] = ['migrated', 'finished'];

const Micros = z.number().check(z.positive());

/**
 * Compares what nodes reported when they were prepared with what the last proof of the target reported, in the migration
 * or in the recovery that finished it. Null if no node reported a figure on both sides, for example because nothing was
 * changed, and after a rollback: then the nodes run the mode that they ran before, and the proofs of the target in between
 * failed. Nodes that joined after the change never ran the former mode: their preparation, `newcomers-…`, does not count.
 * `endings`: of the migration and of the rollbacks and recoveries that followed, oldest first.
 */
export function buildEffect(nodes: readonly NodeRecord[], endings: readonly Ending[]): Effect | null {
  if (!ON_TARGET.includes(endings.at(-1)?.kind ?? '')) return null;
  const before = lastOf(nodes, /^prepare-/);
  const after = lastOf(nodes, /^(canary|validate|finish)-/);
  const figure = (name: string): Figure | null => {
    const pairs = [...after].flatMap(([node, facts]) => {
      const [one, other] = [before.get(node)?.[name], facts[name]].map((value) => Micros.safeParse(value).data);
      return one === undefined || other === undefined ? [] : [[one, other] as const];
    });
    if (pairs.length === 0) return null;
    return {
      before: median(pairs.map(([one]) => one)),
      after: median(pairs.map(([, other]) => other)),
      nodes: pairs.length,
    };
  };
  const effect = { sync: figure('syncMicros'), connect: figure('connectMicros') };
  return effect.sync === null && effect.connect === null ? null : effect;
}

/** The facts of the last verdict that each node passed in such steps. */
function lastOf(nodes: readonly NodeRecord[], steps: RegExp): Map<string, NodeRecord['facts']> {
  return new Map(nodes.filter(({ step, pass }) => pass && steps.test(step)).map(({ node, facts }) => [node, facts]));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const around = sorted.slice(Math.ceil(middle) - 1, Math.floor(middle) + 1);
  return Math.round(around.reduce((sum, value) => sum + value, 0) / around.length);
}

/** One sentence, such as `kube-proxy's sync took 812 ms before and 9 ms after (median of 12 nodes).` */
export function effectSentence({ sync, connect }: Effect): string {
  const took = ({ before, after }: Figure) => `${showMicros(before)} before and ${showMicros(after)} after`;
  const over = ({ nodes }: Figure) => (nodes === 1 ? ' (one node)' : ` (median of ${nodes} nodes)`);
  if (sync === null)
    return connect === null ? '' : `A connection to the API server took ${took(connect)}${over(connect)}.`;
  const first = `kube-proxy's sync took ${took(sync)}${over(sync)}`;
  if (connect === null) return `${first}.`;
  return `${first}; a connection to the API server ${took(connect)}${sync.nodes === connect.nodes ? '' : over(connect)}.`;
}

/** `9 µs`, `1.3 ms`, `812 ms`, `133 s`: three digits at most. */
export function showMicros(micros: number): string {
  const units = [
    ['s', 1_000_000],
    ['ms', 1_000],
  ] as const;
  const [unit, size] = units.find(([, least]) => micros >= least * 0.9995) ?? ['µs', 1];
  const amount = micros / size;
  const digits = amount < 10 && size > 1 ? 1 : 0;
  return `${amount.toFixed(digits).replace(/\.0$/, '')} ${unit}`;
}
