import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { type FollowedState, followedState, type Machine } from '../../state-machines/phases.ts';

/** The error name and the cause that a failed task or execution left in the history. */
export interface HistoryError {
  name: string;
  cause: string;
}

/**
 * One event of an execution's history. `value` is the answer of a task, without the integration's envelope.
 * `parameters` is the JSON text that the task was called with; null if the history does not have it. `next` is what
 * followed a failed attempt: a further attempt, or nothing in its state; `unknown` if the history ends with it.
 */
export type Step = { id: number; at: Date } & (
  | { kind: 'started'; input: unknown }
  | (Place & { kind: 'entered' | 'left' })
  | (Place & { kind: 'submitted'; value: unknown })
  | (Place & { kind: 'succeeded'; parameters: string | null; value: unknown })
  | (Place & { kind: 'failed'; parameters: string | null; error: HistoryError; next: 'retried' | 'over' | 'unknown' })
  | { kind: 'ended'; status: EndStatus; output: unknown; error: HistoryError | null }
);

/** The state in which a step happens, with the details of the step. */
export type Place = { state: string } & FollowedState;

export type EndStatus = 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED';

const LambdaEnvelope = z.object({ Payload: z.unknown() });
const LambdaError = z.object({ errorMessage: z.string() });
const NestedError = z.object({
  ExecutionArn: z.string(),
  Status: z.string(),
  Error: z.string().nullish(),
  Cause: z.string().nullish(),
});

/**
 * Reads events, in any order, as steps ordered by id. Events without information of their own (scheduled, started) are
 * left out.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export function readHistory(events: readonly HistoryEvent[], machine: Machine = 'migrate-cluster'): Step[] {
  const ordered = events.toSorted((a, b) => (a.id ?? 0) - (b.id ?? 0));
  const stateOf = new Map<number, string>();
  const parametersOf = new Map<number, string>();
  const following = new Map(ordered.map(({ previousEventId = 0, type = '' }) => [previousEventId, type]));
  const steps: Step[] = [];
  for (const event of ordered) {
    const { id = 0, timestamp } = event;
    // Each event names the previous event of its branch: so the state of an answer is found.
    const state = event.stateEnteredEventDetails?.name ?? stateOf.get(event.previousEventId ?? 0);
    if (state !== undefined) stateOf.set(id, state);
    const entered = event.stateEnteredEventDetails !== undefined;
    const called = event.taskScheduledEventDetails?.parameters;
    const parameters = called ?? (entered ? undefined : parametersOf.get(event.previousEventId ?? 0));
    if (parameters !== undefined) parametersOf.set(id, parameters);
    const place = state && { state, ...followedState(state, machine), parameters: parameters ?? null };
    const step = timestamp && readEvent(event, { id, at: timestamp }, place, following.get(id));
    if (step) steps.push(step);
  }
  return steps;
}

function readEvent(
  event: HistoryEvent,
  base: { id: number; at: Date },
  place: (Place & { parameters: string | null }) | '' | undefined,
  following: string | undefined,
): Step | null {
  const type = event.type ?? '';
  if (type === 'ExecutionStarted')
    return { ...base, kind: 'started', input: parseJson(event.executionStartedEventDetails?.input) };
  const end = readEnd(event, base);
  if (end) return end;
  if (!place) return null;
  const { parameters, ...where } = place;
  const at = { ...base, ...where };
  if (type.endsWith('StateEntered')) return { ...at, kind: 'entered' };
  if (type.endsWith('StateExited')) return { ...at, kind: 'left' };
  const answer = event.taskSucceededEventDetails ?? event.lambdaFunctionSucceededEventDetails;
  if (answer) return { ...at, kind: 'succeeded', parameters, value: unwrap(parseJson(answer.output)) };
  const nested = event.taskSubmittedEventDetails;
  if (nested) return { ...at, kind: 'submitted', value: parseJson(nested.output) };
  const failure =
    event.taskFailedEventDetails ??
    event.taskTimedOutEventDetails ??
    event.taskStartFailedEventDetails ??
    event.taskSubmitFailedEventDetails ??
    event.lambdaFunctionFailedEventDetails ??
    event.lambdaFunctionTimedOutEventDetails;
  return failure ? { ...at, kind: 'failed', parameters, error: readError(failure), next: nextOf(following) } : null;
}

/** Step Functions schedules a task again for each attempt. Otherwise it leaves the state or ends the execution. */
function nextOf(following: string | undefined): 'retried' | 'over' | 'unknown' {
  if (following === undefined) return 'unknown';
  return following.endsWith('Scheduled') ? 'retried' : 'over';
}

const ENDS: Readonly<Record<string, EndStatus>> = {
  ExecutionSucceeded: 'SUCCEEDED',
  ExecutionFailed: 'FAILED',
  ExecutionTimedOut: 'TIMED_OUT',
  ExecutionAborted: 'ABORTED',
};

function readEnd(event: HistoryEvent, base: { id: number; at: Date }): Step | null {
  const status = ENDS[event.type ?? ''];
  if (status === undefined) return null;
  const output = parseJson(event.executionSucceededEventDetails?.output);
  const details =
    event.executionFailedEventDetails ?? event.executionTimedOutEventDetails ?? event.executionAbortedEventDetails;
  const error = status === 'SUCCEEDED' ? null : readError(details ?? {}, defaultError(status));
  return { ...base, kind: 'ended', status, output, error };
}

function defaultError(status: EndStatus): string {
  if (status === 'TIMED_OUT') return 'States.Timeout';
  return status === 'ABORTED' ? 'ExecutionAborted' : 'States.TaskFailed';
}

/**
 * A function's error has its message inside JSON: `{"errorType":…,"errorMessage":…,"trace":[…]}`. The error of a nested
 * execution is its DescribeExecution answer, of which only `Error` and `Cause` are meaningful.
 */
export function readError(
  details: { error?: string | undefined; cause?: string | undefined },
  name = 'States.TaskFailed',
): HistoryError {
  const cause = parseJson(details.cause);
  const nested = NestedError.safeParse(cause);
  if (nested.success) {
    const { ExecutionArn: arn, Status: status, Error: error, Cause: sentence } = nested.data;
    return { name: error || details.error || name, cause: sentence || `${arn} ended ${status}` };
  }
  const inner = LambdaError.safeParse(cause);
  return { name: details.error || name, cause: inner.success ? inner.data.errorMessage : (details.cause ?? '') };
}

/** The document in `text`; undefined if there is no document, or the history has cut it off. */
export function parseJson(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unwrap(output: unknown): unknown {
  const envelope = LambdaEnvelope.safeParse(output);
  return envelope.success && envelope.data.Payload !== undefined ? envelope.data.Payload : output;
}
