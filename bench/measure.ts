/** A count, which is the same on every machine; not a time. */
export interface Count {
  what: string;
  value: number;
  /** The most that it may be, if there is a limit. */
  most?: number;
}

/** One row of a bench's table. */
export interface Row {
  what: string;
  /** The number of lines, nodes or starts of one run. */
  count: number;
  /** The fastest of the runs, in milliseconds. */
  milliseconds: number;
  /** The limit in milliseconds, if there is one. */
  limit?: number;
  counts?: Count[];
}

/** A benchmark file in this folder: `rows` measures and returns the results. */
export interface Bench {
  title: string;
  rows(): Row[] | Promise<Row[]>;
}

/**
 * The fastest of `runs` runs after a warm-up run, in milliseconds: the cost of the work on an idle machine. Collects
 * garbage before each run if Node exposes it.
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
