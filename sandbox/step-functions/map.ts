import type { MapState } from './asl.ts';
import { Interrupted, StateFailure } from './failure.ts';
import type { Json } from './json.ts';
import { Payload } from './json.ts';
import type { MapItem, Visit } from './thread.ts';
import { Thread } from './thread.ts';

/** Iterations of an inline Map that run at once at most. */
const INLINE_CONCURRENCY = 40;

/** What a Map works on. Throws States.QueryEvaluationError for anything but an array. */
export async function itemsOf(thread: Thread, visit: Visit, state: MapState): Promise<Json[]> {
  const items = state.Items === undefined ? visit.input.value : await thread.evaluate(visit, state.Items, 'Items');
  if (Array.isArray(items)) return items;
  throw thread.failEvaluation(visit, 'Items', `The field 'Items' must be an array, but was ${JSON.stringify(items)}.`);
}

/** MaxConcurrency; 0 where there is none. Throws States.QueryEvaluationError. */
export async function concurrencyOf(thread: Thread, visit: Visit, state: MapState): Promise<number> {
  const limit = await thread.evaluate(visit, state.MaxConcurrency ?? 0, 'MaxConcurrency');
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 0)
    throw thread.failEvaluation(
      visit,
      'MaxConcurrency',
      `The field 'MaxConcurrency' must be a non-negative integer, but was ${JSON.stringify(limit)}.`,
    );
  return limit;
}

/** One iteration, from MapIterationStarted to how it ended. */
async function iterate(map: Thread, visit: Visit, state: MapState, item: MapItem, signal: AbortSignal): Promise<Json> {
  const details = { name: visit.name, index: item.Index };
  const thread = new Thread(map.run, { signal, previous: map.previous, outer: map.scope, item });
  thread.hold.take();
  try {
    thread.record('MapIterationStarted', { mapIterationStartedEventDetails: details });
    const selected = await thread.evaluate(visit, state.ItemSelector ?? item.Value, 'ItemSelector');
    const output = await thread.follow(state.processor, new Payload(state.ItemSelector ? selected : item.Value));
    thread.record('MapIterationSucceeded', { mapIterationSucceededEventDetails: details });
    return output.value;
  } catch (error) {
    if (signal.aborted && map.run.execution.status === 'RUNNING')
      map.run.execution.record('MapIterationAborted', thread.previous, { mapIterationAbortedEventDetails: details });
    else if (error instanceof StateFailure)
      thread.record('MapIterationFailed', { mapIterationFailedEventDetails: details });
    throw error;
  } finally {
    thread.hold.release();
  }
}

async function iterateAll(
  thread: Thread,
  visit: Visit,
  state: MapState,
  items: Json[],
  limit: number,
): Promise<Json[]> {
  const over = new AbortController();
  const interrupt = () => over.abort(new Interrupted());
  thread.signal.addEventListener('abort', interrupt, { once: true });
  const results: Json[] = items.map(() => null);
  let next = 0;
  let failure: unknown;
  const work = async () => {
    while (next < items.length && !over.signal.aborted) {
      const index = next++;
      try {
        results[index] = await iterate(
          thread,
          visit,
          state,
          { Index: index, Value: items[index] ?? null },
          over.signal,
        );
      } catch (error) {
        if (!over.signal.aborted) failure = error;
        interrupt();
      }
    }
  };
  try {
    await thread.hold.wait(() => Promise.all(Array.from({ length: Math.min(limit, items.length) }, work)));
  } finally {
    thread.signal.removeEventListener('abort', interrupt);
  }
  if (failure !== undefined) throw failure;
  if (thread.signal.aborted) throw new Interrupted();
  return results;
}

/**
 * An inline Map: every item goes through the ItemProcessor's states; the first iteration that fails ends the others.
 * Answers the iterations' outputs in the items' order.
 * https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
 */
export async function runMap(thread: Thread, visit: Visit, state: MapState): Promise<Payload> {
  const items = await itemsOf(thread, visit, state);
  const limit = Math.min((await concurrencyOf(thread, visit, state)) || INLINE_CONCURRENCY, INLINE_CONCURRENCY);
  thread.record('MapStateStarted', { mapStateStartedEventDetails: { length: items.length } });
  try {
    const results = await iterateAll(thread, visit, state, items, limit);
    thread.record('MapStateSucceeded');
    return new Payload(results).within(`The state '${visit.name}' returned a result with`);
  } catch (error) {
    if (error instanceof StateFailure) thread.record('MapStateFailed');
    throw error;
  }
}
