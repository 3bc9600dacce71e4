import { setTimeout as sleep } from 'node:timers/promises';
import type { DescribeExecutionOutput, HistoryEvent } from '@aws-sdk/client-sfn';
import type { Connection } from '../aws.ts';
import { Failure } from '../exit.ts';
import { auditCommand } from '../terminal/paste.ts';
import { describeExecution, eventsAfter } from './executions.ts';

/** Milliseconds between two looks: `shortest` while the execution moves, growing to `longest` while it waits. */
export interface Pace {
  shortest: number;
  longest: number;
}

/** A sandbox has no limits worth sparing; Step Functions refills GetExecutionHistory at 5 to 20 calls a second. */
export function paceFor(connection: Connection): Pace {
  return connection.endpoint === null ? { shortest: 1000, longest: 20_000 } : { shortest: 100, longest: 1000 };
}

/** The pause before the next look; it depends on whether the last look found new events. */
export function nextPause(pause: number, news: boolean, pace: Pace): number {
  return news ? pace.shortest : Math.min(Math.ceil(pause * 1.5), pace.longest);
}

const TIRED_AFTER = 8;

/**
 * Looks at an execution until it has ended, and hands on each batch of new events, oldest first. A look that fails is
 * repeated: the execution goes on meanwhile.
 *
 * @returns what DescribeExecution says at the end, and all events.
 * @throws Failure `NotFollowed` when eight looks in a row failed; the signal's reason when it is aborted.
 */
export async function followExecution(
  connection: Connection,
  arn: string,
  options: { onEvents: (events: HistoryEvent[]) => void; pace: Pace; signal: AbortSignal },
): Promise<{ execution: DescribeExecutionOutput; events: HistoryEvent[] }> {
  const events: HistoryEvent[] = [];
  let pause = options.pace.shortest;
  let failures = 0;
  let afterEnd = 0;
  for (;;) {
    options.signal.throwIfAborted();
    try {
      const execution = await describeExecution(connection, arn);
      const fresh = await eventsAfter(connection, arn, events.at(-1)?.id ?? 0);
      failures = 0;
      if (fresh.length > 0) {
        events.push(...fresh);
        options.onEvents(fresh);
      }
      const ended = execution.status !== 'RUNNING' && execution.status !== 'PENDING_REDRIVE';
      // The history may lag behind the status; it is waited for, but not for ever.
      if (ended) afterEnd += 1;
      if (ended && (hasEnd(events) || afterEnd > TIRED_AFTER)) return { execution, events };
      pause = nextPause(pause, fresh.length > 0, options.pace);
    } catch (error) {
      failures += 1;
      if (isFinal(error) || failures >= TIRED_AFTER) throw notFollowed(error, arn);
      pause = nextPause(pause, false, options.pace);
    }
    await sleep(pause, undefined, { signal: options.signal }).catch(() => options.signal.throwIfAborted());
  }
}

function hasEnd(events: readonly HistoryEvent[]): boolean {
  const last = events.at(-1)?.type ?? '';
  return /^Execution(Succeeded|Failed|TimedOut|Aborted)$/.test(last);
}

/** Whether a repeated look would fail in the same way. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof Failure ? error.name !== 'NoAnswer' : error.name === 'ValidationException';
}

/** Why following was given up. The execution `arn` exists, so its audit is the next step. */
export function notFollowed(error: unknown, arn: string): Failure {
  if (error instanceof Failure && error.name !== 'NoAnswer') return error;
  const why = error instanceof Error ? error.message : String(error);
  return new Failure('NotFollowed', `could not look at ${arn} any more: ${why}`, {
    nextStep: `the execution itself goes on; read it with: ${auditCommand({ arn })}`,
    cause: error,
  });
}
