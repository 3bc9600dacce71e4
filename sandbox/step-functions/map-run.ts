import type { Execution } from './execution.ts';
import type { Payload } from './json.ts';

export type MapRunStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';

/** One child execution to be, with how many of the Map's items it has. */
export interface Batch {
  readonly input: Payload;
  readonly items: number;
}

/** What decides how many children run at once and when the Map Run fails; UpdateMapRun changes it. */
export interface Limits {
  /** 0 means as many as Step Functions runs. */
  maxConcurrency: number;
  toleratedFailureCount: number | undefined;
  toleratedFailurePercentage: number | undefined;
}

/** Children that run at once at most, whatever the Map asks for. */
const LARGEST_CONCURRENCY = 10_000;

/** As DescribeMapRun counts, once by children and once by items. */
export type Counts = Record<
  'pending' | 'running' | 'succeeded' | 'failed' | 'timedOut' | 'aborted' | 'total' | 'resultsWritten',
  number
>;

const COUNTED = {
  RUNNING: 'running',
  SUCCEEDED: 'succeeded',
  FAILED: 'failed',
  TIMED_OUT: 'timedOut',
  ABORTED: 'aborted',
} as const;

/**
 * The child executions that one visit of a distributed Map starts.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-examine-map-run.html
 */
export class MapRun {
  readonly arn: string;
  /** The labelled state machine, whose name and ARN the children carry. */
  readonly machineArn: string;
  readonly parent: Execution;
  readonly startDate: Date;
  readonly limits: Limits;
  status: MapRunStatus = 'RUNNING';
  stopDate: Date | undefined;
  /** Whether the results went to where they belong: the state's output, or S3. */
  resultsWritten = false;
  /** In the batches' order; a child starts when there is room for it. */
  readonly children: Execution[] = [];
  batches: readonly Batch[] = [];
  #running = 0;
  #failedItems = 0;
  #items = 0;
  #settle: (() => void) | null = null;
  #start: ((batch: Batch) => Execution) | null = null;

  constructor(fields: { arn: string; machineArn: string; parent: Execution; startDate: Date; limits: Limits }) {
    this.arn = fields.arn;
    this.machineArn = fields.machineArn;
    this.parent = fields.parent;
    this.startDate = fields.startDate;
    this.limits = fields.limits;
  }

  /** Whether more items failed or timed out than are tolerated; each of the two limits counts by itself. */
  get exceeded(): boolean {
    const { toleratedFailureCount: count, toleratedFailurePercentage: percentage } = this.limits;
    if (count !== undefined && this.#failedItems > count) return true;
    if (percentage !== undefined) return (this.#failedItems / this.#items) * 100 > percentage;
    return count === undefined && this.#failedItems > 0;
  }

  /** Resolves when every child has ended, more items failed than are tolerated, or the Map Run was ended. */
  process(batches: readonly Batch[], start: (batch: Batch) => Execution): Promise<void> {
    this.batches = batches;
    this.#items = batches.reduce((sum, { items }) => sum + items, 0);
    this.#start = start;
    return new Promise((resolve) => {
      this.#settle = resolve;
      this.pump();
    });
  }

  /** Starts children while there is room. */
  pump(): void {
    const start = this.#start;
    if (this.status !== 'RUNNING' || !start) return;
    if (this.exceeded) {
      this.#settle?.();
      return;
    }
    const limit = Math.min(this.limits.maxConcurrency || LARGEST_CONCURRENCY, LARGEST_CONCURRENCY);
    while (this.#running < limit) {
      const batch = this.batches[this.children.length];
      if (!batch) break;
      const child = start(batch);
      this.children.push(child);
      this.#running += 1;
      void child.ended.then(() => this.#ended(child, batch));
    }
    if (this.#running === 0) this.#settle?.();
  }

  /** Ends the Map Run; children that still run are for the caller to stop. */
  end(status: Exclude<MapRunStatus, 'RUNNING'>, at: Date): void {
    if (this.status !== 'RUNNING') return;
    this.status = status;
    this.stopDate = at;
    this.#start = null;
    this.#settle?.();
  }

  /** By children, and by the items that they have. */
  counts(): { executions: Counts; items: Counts } {
    return { executions: this.#count(() => 1), items: this.#count(({ items }) => items) };
  }

  #ended(child: Execution, { items }: Batch): void {
    this.#running -= 1;
    if (child.status === 'FAILED' || child.status === 'TIMED_OUT') this.#failedItems += items;
    this.pump();
  }

  #count(weigh: (batch: Batch) => number): Counts {
    const counts: Counts = {
      pending: 0,
      running: 0,
      succeeded: 0,
      failed: 0,
      timedOut: 0,
      aborted: 0,
      total: 0,
      resultsWritten: 0,
    };
    for (const [index, batch] of this.batches.entries()) {
      const child = this.children[index];
      counts[child ? COUNTED[child.status] : 'pending'] += weigh(batch);
      counts.total += weigh(batch);
    }
    if (this.resultsWritten) counts.resultsWritten = counts.total - counts.pending;
    return counts;
  }
}
