import type { MapState, Retrier, TaskState } from './asl.ts';
import { StateFailure } from './failure.ts';
import type { Payload } from './json.ts';
import type { Thread, Transition, Visit } from './thread.ts';

/** Seconds before retry number `attempt` (from 0). */
function retryDelay(retrier: Retrier, attempt: number, random: () => number): number {
  const grown = retrier.IntervalSeconds * retrier.BackoffRate ** attempt;
  const delay = Math.min(grown, retrier.MaxDelaySeconds ?? Number.POSITIVE_INFINITY);
  return retrier.JitterStrategy === 'FULL' ? delay * random() : delay;
}

/** Decides by the first retrier that names the error; each retrier counts its own attempts during one visit. */
class Retries {
  readonly #retriers: readonly Retrier[];
  readonly #attempts = new Map<Retrier, number>();
  readonly #random: () => number;

  constructor(retriers: readonly Retrier[], random: () => number) {
    this.#retriers = retriers;
    this.#random = random;
  }

  /** Seconds to wait before the next attempt; null when there is none. */
  next(failure: StateFailure): number | null {
    const retrier = this.#retriers.find((each) => failure.matches(each.ErrorEquals));
    if (!retrier) return null;
    const attempt = this.#attempts.get(retrier) ?? 0;
    if (attempt >= retrier.MaxAttempts) return null;
    this.#attempts.set(retrier, attempt + 1);
    return retryDelay(retrier, attempt, this.#random);
  }
}

/**
 * Runs a Task's or Map's work with its Retry and Catch; errors of its Assign and Output count as its own.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
 */
export async function withRecovery(
  thread: Thread,
  visit: Visit,
  state: TaskState | MapState,
  work: () => Promise<Payload>,
): Promise<Transition> {
  const exit = state.Type === 'Task' ? 'TaskStateExited' : 'MapStateExited';
  const retries = new Retries(state.Retry, thread.run.world.region.random);
  for (;;) {
    try {
      const result = await work();
      return await thread.leave(visit, state, exit, state.Next ?? null, { result: result.value });
    } catch (error) {
      if (!(error instanceof StateFailure)) throw error;
      const delay = retries.next(error);
      if (delay === null) {
        const index = state.Catch.findIndex((each) => error.matches(each.ErrorEquals));
        const catcher = state.Catch[index];
        if (!catcher) throw error;
        const errorOutput = { Error: error.error ?? error.absent, Cause: error.detail ?? error.absent };
        return await thread.leave(visit, catcher, exit, catcher.Next, { errorOutput }, `Catch[${index}]/`);
      }
      await thread.sleep(delay);
      visit.retryCount += 1;
    }
  }
}
