import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { HistoryEvent, HistoryEventType } from '@aws-sdk/client-sfn';
import type { Region } from '../region.ts';
import type { Definition } from './asl.ts';
import { Interrupted } from './failure.ts';
import type { Payload } from './json.ts';

/** Events that an execution's history may hold. */
export const HISTORY_LIMIT = 25_000;

/** Under which ARN an execution was started, where that was not the state machine's own. */
export interface Origin {
  readonly versionArn?: string;
  readonly aliasArn?: string;
}

/** The Map Run that started an execution, and how many of its items the execution has. */
export interface MapRunShare {
  readonly arn: string;
  readonly items: number;
}

/** What an execution needs of the sandbox around it. */
export interface ExecutionWorld {
  readonly region: Pick<Region, 'clock'>;
  /** Hears RUNNING once, then the status in which the execution ended. */
  readonly onStatusChange?: (execution: Execution) => void;
}

export interface StateMachine {
  readonly name: string;
  readonly arn: string;
  readonly roleArn: string;
  readonly createdAt: Date;
  /** The text as it was given, with placeholders filled. */
  readonly text: string;
  readonly definition: Definition;
  readonly revisionId: string;
}

export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';
export type EventDetails = Omit<HistoryEvent, 'timestamp' | 'type' | 'id' | 'previousEventId'>;

export type Ending =
  | { status: 'SUCCEEDED'; output: Payload }
  | { status: 'FAILED' | 'ABORTED'; error: string | undefined; cause: string | undefined }
  | { status: 'TIMED_OUT' };

/** `{error, cause}` without what is undefined. */
export function errorAndCause(
  error: string | undefined,
  cause: string | undefined,
): { error?: string; cause?: string } {
  return { ...(error === undefined ? {} : { error }), ...(cause === undefined ? {} : { cause }) };
}

/** One execution of a state machine with its history. It can end once, at any moment. */
export class Execution {
  readonly machine: StateMachine;
  readonly arn: string;
  readonly name: string;
  readonly input: Payload;
  readonly startDate: Date;
  readonly origin: Origin;
  /** Only of a child of a distributed Map. */
  readonly mapRun: MapRunShare | undefined;
  /** Ids of the MapRunStarted events whose Map Runs have not ended. */
  readonly openMapRuns = new Set<number>();
  /** Resolves when the execution has ended, however. */
  readonly ended: Promise<void>;
  status: ExecutionStatus = 'RUNNING';
  stopDate: Date | undefined;
  output: Payload | undefined;
  error: string | undefined;
  cause: string | undefined;
  readonly #world: ExecutionWorld;
  readonly #over = new AbortController();
  readonly #resolve: () => void;
  /** The history, or its packed form once `pack` was called. */
  #events: HistoryEvent[] | Uint8Array = [];
  #count = 0;

  constructor(
    world: ExecutionWorld,
    machine: StateMachine,
    fields: { arn: string; name: string; input: Payload; origin: Origin; mapRun?: MapRunShare | undefined },
  ) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#world = world;
    this.machine = machine;
    this.arn = fields.arn;
    this.name = fields.name;
    this.input = fields.input;
    this.origin = fields.origin;
    this.mapRun = fields.mapRun;
    this.startDate = world.region.clock.now();
    this.ended = promise;
    this.#resolve = resolve;
  }

  get history(): HistoryEvent[] {
    return Array.isArray(this.#events) ? this.#events : unpack(this.#events);
  }

  /** Bytes that a packed history takes; 0 before it is packed. */
  get bytesHeld(): number {
    return Array.isArray(this.#events) ? 0 : this.#events.byteLength;
  }

  /** Keeps an ended execution's history in a hundredth of its memory: a Map Run may start thousands of them. */
  pack(): void {
    if (this.status !== 'RUNNING' && Array.isArray(this.#events))
      // A copy of its own length: zlib answers a part of a buffer of 16 KiB.
      this.#events = new Uint8Array(deflateRawSync(JSON.stringify(this.#events), { level: 1 }));
  }

  /** Aborts when the execution ends. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /**
   * Adds an event and answers its id. Throws Interrupted when the execution has ended; the event that would be the
   * 25,000th is ExecutionFailed instead.
   * https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html
   */
  record(type: HistoryEventType, previousEventId: number, details: EventDetails = {}): number {
    if (this.status !== 'RUNNING') throw new Interrupted();
    if (this.#count >= HISTORY_LIMIT - 1) {
      const cause = `The execution reached the maximum number of history events (${HISTORY_LIMIT}).`;
      this.end({ status: 'FAILED', error: 'States.Runtime', cause }, previousEventId);
      throw new Interrupted();
    }
    return this.#append(type, previousEventId, details);
  }

  /** Ends the execution; does nothing when it has ended. */
  end(ending: Ending, previousEventId: number): void {
    if (this.status !== 'RUNNING') return;
    if (ending.status === 'ABORTED' || ending.status === 'TIMED_OUT')
      for (const started of this.openMapRuns) this.#append('MapRunAborted', started, {});
    switch (ending.status) {
      case 'SUCCEEDED':
        this.output = ending.output;
        this.#append('ExecutionSucceeded', previousEventId, {
          executionSucceededEventDetails: { output: ending.output.text, outputDetails: { truncated: false } },
        });
        break;
      case 'TIMED_OUT':
        // Only the event names the error; DescribeExecution shows none.
        this.#append('ExecutionTimedOut', previousEventId, {
          executionTimedOutEventDetails: { error: 'States.Timeout' },
        });
        break;
      case 'FAILED':
      case 'ABORTED':
        this.error = ending.error;
        this.cause = ending.cause;
        this.#appendError(ending.status, previousEventId, errorAndCause(ending.error, ending.cause));
        break;
    }
    this.status = ending.status;
    this.stopDate = this.#world.region.clock.now();
    this.#over.abort(new Interrupted());
    this.#resolve();
    this.#world.onStatusChange?.(this);
  }

  #appendError(
    status: 'FAILED' | 'ABORTED',
    previousEventId: number,
    details: { error?: string; cause?: string },
  ): void {
    if (status === 'FAILED') this.#append('ExecutionFailed', previousEventId, { executionFailedEventDetails: details });
    else this.#append('ExecutionAborted', previousEventId, { executionAbortedEventDetails: details });
  }

  #append(type: HistoryEventType, previousEventId: number, details: EventDetails): number {
    this.#count += 1;
    if (Array.isArray(this.#events))
      this.#events.push({
        timestamp: this.#world.region.clock.now(),
        type,
        id: this.#count,
        previousEventId,
        ...details,
      });
    return this.#count;
  }
}

function unpack(packed: Uint8Array): HistoryEvent[] {
  const events: HistoryEvent[] = JSON.parse(inflateRawSync(packed).toString());
  return events.map((event) => ({ ...event, timestamp: new Date(event.timestamp ?? Number.NaN) }));
}
