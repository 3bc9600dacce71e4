import type { Clock, Timer } from '../clock.ts';
import type { TaskState } from './asl.ts';
import { errorAndCause } from './execution.ts';
import { Interrupted, StateFailure } from './failure.ts';
import type { Json } from './json.ts';
import { Payload } from './json.ts';
import { argumentsObject, parseResource } from './resource.ts';
import type { Thread, Visit } from './thread.ts';
import type { TaskResource } from './world.ts';

/** What a task with a token waits for, and who hears its heartbeats. */
interface Callback {
  readonly result: Promise<Json>;
  readonly heard: { deadlines?: Deadlines };
}

/** Rejects with the signal's reason as soon as it aborts, whatever `work` does. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function secondsOf(
  thread: Thread,
  visit: Visit,
  field: 'TimeoutSeconds' | 'HeartbeatSeconds',
  template: number | string | undefined,
): Promise<number | undefined> {
  if (template === undefined) return undefined;
  const seconds = await thread.evaluate(visit, template, field);
  if (typeof seconds === 'number' && Number.isInteger(seconds) && seconds >= 1 && seconds <= 99_999_999) return seconds;
  throw thread.failEvaluation(
    visit,
    field,
    `The field '${field}' must be an integer from 1 to 99999999, but was ${JSON.stringify(seconds)}.`,
  );
}

/** What ends an attempt before its integration answers. */
class Deadlines {
  readonly over = new AbortController();
  readonly #clock: Clock;
  readonly #heartbeat: number | undefined;
  #timeout: Timer | undefined;
  #silence: Timer | undefined;

  constructor(clock: Clock, timeout: number | undefined, heartbeat: number | undefined) {
    this.#clock = clock;
    this.#heartbeat = heartbeat;
    if (timeout !== undefined)
      this.#timeout = this.#after(timeout, () => this.over.abort(new StateFailure('States.Timeout', undefined)));
    this.beat();
  }

  /**
   * Starts the time between two heartbeats again. The history calls their absence States.Timeout, as LocalStack's
   * snapshots record it against AWS; Retry and Catch may also name it States.HeartbeatTimeout.
   */
  beat(): void {
    if (this.#heartbeat === undefined || this.over.signal.aborted) return;
    this.#silence?.cancel();
    this.#silence = this.#after(this.#heartbeat, () =>
      this.over.abort(new StateFailure('States.Timeout', undefined, 'States.HeartbeatTimeout')),
    );
  }

  cancel(): void {
    this.#timeout?.cancel();
    this.#silence?.cancel();
  }

  #after(seconds: number, run: () => void): Timer {
    return this.#clock.at(new Date(this.#clock.now().getTime() + seconds * 1000), run);
  }
}

/** Runs the integration until it answers, its time is over, or its execution ends. */
async function attempt(
  thread: Thread,
  resource: TaskResource,
  args: Payload,
  { deadlines, callback }: { deadlines: Deadlines; callback: Promise<Json> | undefined },
): Promise<Json> {
  const { over } = deadlines;
  const interrupt = () => over.abort(thread.signal.reason);
  thread.signal.addEventListener('abort', interrupt, { once: true });
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
    callback,
    ended: thread.run.ended,
  });
  try {
    return await untilAborted(work, over.signal);
  } finally {
    thread.hold.take();
    deadlines.cancel();
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
  if (!resource.hasToken) return perform(thread, visit, state, { resource });
  const heard: { deadlines?: Deadlines } = {};
  const { token, result } = thread.run.tokens.issue(() => heard.deadlines?.beat());
  try {
    const callback = { result, heard };
    return await perform(thread, { ...visit, token }, state, { resource, callback });
  } finally {
    thread.run.tokens.close(token);
  }
}

async function perform(
  thread: Thread,
  visit: Visit,
  state: TaskState,
  { resource, callback }: { resource: TaskResource; callback?: Callback },
): Promise<Payload> {
  const name = { resourceType: resource.resourceType, resource: resource.resource };
  const args = new Payload(await thread.evaluate(visit, state.Arguments, 'Arguments')).within(
    `The state '${visit.name}' evaluated arguments with`,
  );
  const timeout = await secondsOf(thread, visit, 'TimeoutSeconds', state.TimeoutSeconds);
  const heartbeat = await secondsOf(thread, visit, 'HeartbeatSeconds', state.HeartbeatSeconds);
  thread.record('TaskScheduled', {
    taskScheduledEventDetails: {
      ...name,
      region: thread.run.world.region.name,
      parameters: args.text,
      ...(timeout === undefined ? {} : { timeoutInSeconds: timeout }),
      ...(heartbeat === undefined ? {} : { heartbeatInSeconds: heartbeat }),
    },
  });
  thread.record('TaskStarted', { taskStartedEventDetails: name });
  const deadlines = new Deadlines(thread.run.world.region.clock, timeout, heartbeat);
  if (callback) callback.heard.deadlines = deadlines;
  try {
    const result = new Payload(await attempt(thread, resource, args, { deadlines, callback: callback?.result })).within(
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
