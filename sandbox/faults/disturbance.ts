import { spoil } from './garbage.ts';
import type { NodeFault } from './kinds.ts';

/** What goes wrong with one run of a document on a node. */
export interface Disturbance {
  /** It takes so many times as long. */
  readonly slowness: number;
  /** What of its standard output arrives. */
  output(stdout: string): string;
}

const SLOWNESS = 20;

export function disturbance(
  { slow, garbage }: { slow: NodeFault | undefined; garbage: NodeFault | undefined },
  random: () => number,
): Disturbance {
  return {
    slowness: slow ? SLOWNESS : 1,
    output: (stdout) => (garbage ? spoil(stdout, garbage.how ?? (random() < 0.5 ? 'cut' : 'garbled'), random) : stdout),
  };
}
