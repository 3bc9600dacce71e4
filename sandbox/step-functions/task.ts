import type { TaskState } from './asl.ts';
import { errorAndCause } from './execution.ts';
import { Interrupted, StateFailure } from './failure.ts';
import type { Json } from './json.ts';
import { Payload } from './json.ts';
import { argumentsObject, parseResource } from './resource.ts';
import type { Thread, Visit } from './thread.ts';
import type { TaskResource } from './world.ts';

/** Rejects with the signal's reason as soon as it aborts, whatever `work` does. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function timeoutSeconds(thread: Thread, visit: Visit, state: TaskState): Promise<number | undefined> {
  if (state.TimeoutSeconds === undefined) return undefined;
  const seconds = await thread.evaluate(visit, state.TimeoutSeconds, 'TimeoutSeconds');
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 1 && seconds <= 99_999_999) return seconds;
  throw thread.failEvaluation(
    visit,
    'TimeoutSeconds',
    `The field 'TimeoutSeconds' must be an integer from 1 to 99999999, but was ${JSON.stringify(seconds)}.`,
  );
}

/** Runs the integration until it answers, its time is over, or its execution ends. */
async function attempt(
  thread: Thread,
  resource: TaskResource,
  args: Payload,
  timeout: number | undefined,
): Promise<Json> {
  const { clock } = thread.run.world.region;
  const over = new AbortController();
  const interrupt = () => over.abort(thread.signal.reason);
  thread.signal.addEventListener('abort', interrupt, { once: true });
  const timer =
    timeout === undefined
      ? undefined
      : clock.at(new Date(clock.now().getTime() + timeout * 1000), () =>
          over.abort(new StateFailure('States.Timeout', undefined)),
        );
  const { resourceType, resource: action } = resource;
  const work = resource.run(argumentsObject(args.value), {
    world: thread.run.world,
    execution: thread.run.execution,
    signal: over.signal,
    wait: async (waiting) => {
      const pending = untilAborted(waiting(), over.signal);
      thread.hold.release();
      try {
        return await pending;
      } finally {
        // After an abort the thread has gone on without this integration and may be waiting for something else.
        if (!over.signal.aborted) thread.hold.take();
      }
    },
    submitted: (output) => {
      const taskSubmittedEventDetails = { resourceType, resource: action, output, outputDetails: { truncated: false } };
      thread.record('TaskSubmitted', { taskSubmittedEventDetails });
    },
    ended: thread.run.ended,
  });
  try {
    return await untilAborted(work, over.signal);
  } finally {
    thread.hold.take();
    timer?.cancel();
    thread.signal.removeEventListener('abort', interrupt);
  }
}

/**
 * One attempt of a Task: TaskScheduled, TaskStarted and how it ended. Answers its result.
 * Throws StateFailure, recorded as TaskFailed or TaskTimedOut.
 */
export async function runTask(thread: Thread, visit: Visit, state: TaskState): Promise<Payload> {
  const resource = parseResource(state.Resource);
  if (typeof resource === 'string') throw new StateFailure('States.Runtime', resource);
  const name = { resourceType: resource.resourceType, resource: resource.resource };
  const args = new Payload(await thread.evaluate(visit, state.Arguments, 'Arguments')).within(
    `The state '${visit.name}' evaluated arguments with`,
  );
  const timeout = await timeoutSeconds(thread, visit, state);
  thread.record('TaskScheduled', {
    taskScheduledEventDetails: {
      ...name,
      region: thread.run.world.region.name,
      parameters: args.text,
      ...(timeout === undefined ? {} : { timeoutInSeconds: timeout }),
    },
  });
  thread.record('TaskStarted', { taskStartedEventDetails: name });
  try {
    const result = new Payload(await attempt(thread, resource, args, timeout)).within(
      `The state/task '${state.Resource}' returned a result with`,
    );
    const succeeded = { ...name, output: result.text, outputDetails: { truncated: false } };
    thread.record('TaskSucceeded', { taskSucceededEventDetails: succeeded });
    return result;
  } catch (error) {
    if (thread.signal.aborted) throw new Interrupted();
    if (error instanceof StateFailure) recordFailure(thread, name, error);
    throw error;
  }
}

function recordFailure(thread: Thread, name: { resourceType: string; resource: string }, failure: StateFailure): void {
  const details = { ...name, ...errorAndCause(failure.error, failure.detail) };
  // A function may itself throw an error of this name; only the state's own timeout comes without a cause.
  if (failure.error === 'States.Timeout' && failure.detail === undefined)
    thread.record('TaskTimedOut', { taskTimedOutEventDetails: details });
  else thread.record('TaskFailed', { taskFailedEventDetails: details });
}
