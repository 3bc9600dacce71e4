import type { NodeRecord } from './parts.ts';

/** A figure of a node before and after the change: the medians of all nodes that have both. */
export interface BeforeAndAfter {
  nodes: number;
  beforeMicros: number;
  afterMicros: number;
}

/** What a change was worth, by the nodes' own figures; null for a figure that no node has on both sides. */
export interface Worth {
  /** Mean duration of kube-proxy's syncs, in microseconds: before since its start, after since its restart. */
  sync: BeforeAndAfter | null;
  /** Time of a first connection to the API server through its Service, in microseconds. */
  connect: BeforeAndAfter | null;
}

/**
 * Compares each node's preparation with its last validation, both of this execution. Null if no node has a figure on
 * both sides: nodes without SSM have none before the change.
 */
export function buildWorth(nodes: readonly NodeRecord[], execution: string): Worth | null {
  const own = nodes.filter((node) => node.execution === execution && node.pass);
  const last = (step: RegExp) =>
    new Map(own.filter((node) => step.test(node.step)).map((node) => [node.node, node.facts]));
  const before = last(/^prepare-/);
  const after = last(/^validate-/);
  const compared = (fact: string): BeforeAndAfter | null => {
    const pairs = [...after].flatMap(([node, facts]) => {
      const pair = { before: micros(before.get(node)?.[fact]), after: micros(facts[fact]) };
      return pair.before === null || pair.after === null ? [] : [{ before: pair.before, after: pair.after }];
    });
    if (pairs.length === 0) return null;
    const beforeMicros = median(pairs.map((pair) => pair.before));
    return { nodes: pairs.length, beforeMicros, afterMicros: median(pairs.map((pair) => pair.after)) };
  };
  const worth = { sync: compared('syncMicros'), connect: compared('connectMicros') };
  return worth.sync === null && worth.connect === null ? null : worth;
}

/** One sentence for each figure. */
export function worthSentences({ sync, connect }: Worth): string[] {
  return [
    ...(sync ? [`A sync of kube-proxy took ${comparison(sync)}.`] : []),
    ...(connect ? [`A first connection to the API server took ${comparison(connect)}.`] : []),
  ];
}

function comparison({ nodes, beforeMicros, afterMicros }: BeforeAndAfter): string {
  const of = nodes === 1 ? 'one node' : `median of ${nodes} nodes`;
  return `${milliseconds(beforeMicros)} before the change and ${milliseconds(afterMicros)} after it (${of})`;
}

function milliseconds(micros: number): string {
  return `${micros < 10_000 ? (micros / 1_000).toFixed(1) : Math.round(micros / 1_000)} ms`;
}

/** A document prints numbers as text; `unknown` is not a figure. */
function micros(fact: string | number | boolean | null | undefined): number | null {
  const text = String(fact);
  return /^\d+$/.test(text) ? Number(text) : null;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : Math.round(((sorted[middle - 1] ?? upper) + upper) / 2);
}
