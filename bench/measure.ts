/** Something that was counted, and not timed: it is the same on every machine. */
export interface Count {
  what: string;
  value: number;
  /** What it must not exceed, where there is a promise. */
  most?: number;
}

/** One row of a bench's table. */
export interface Row {
  what: string;
  /** How many of what was done once: lines, nodes, starts. */
  count: number;
  /** The fastest of the runs, in milliseconds. */
  milliseconds: number;
  /** What the milliseconds must stay under, where there is a promise. */
  limit?: number;
  counts?: Count[];
}

/** A file in this folder: `rows` measures, and gives what it found. */
export interface Bench {
  title: string;
  rows(): Row[] | Promise<Row[]>;
}

/**
 * The fastest of `runs` runs after one that warms up, in milliseconds: what the work costs when nothing else runs on the
 * machine. Garbage is collected before each run where it can be.
 */
export function fastest(work: () => unknown, runs = 9): number {
  work();
  const times = Array.from({ length: runs }, () => {
    globalThis.gc?.();
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return Math.min(...times);
}
