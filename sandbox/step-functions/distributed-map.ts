import type { MapState } from './asl.ts';
import { errorAndCause } from './execution.ts';
import { Interrupted, StateFailure } from './failure.ts';
import type { Json, Payload } from './json.ts';
import { concurrencyOf, itemsOf } from './map.ts';
import { batch, readItems, selectItems } from './map-items.ts';
import { mapResult } from './map-results.ts';
import type { Batch, Limits, MapRun } from './map-run.ts';
import { childNeeds, mapRunRefusal, refusalOf } from './rights.ts';
import type { Thread, Visit } from './thread.ts';

async function tolerated(
  thread: Thread,
  visit: Visit,
  field: 'ToleratedFailureCount' | 'ToleratedFailurePercentage',
  template: number | string | undefined,
): Promise<number | undefined> {
  if (template === undefined) return undefined;
  const value = await thread.evaluate(visit, template, field);
  const percentage = field === 'ToleratedFailurePercentage';
  if (typeof value === 'number' && value >= 0 && (percentage ? value <= 100 : Number.isInteger(value))) return value;
  const range = percentage ? 'a number from 0 to 100' : 'a non-negative integer';
  throw thread.failEvaluation(visit, field, `The field '${field}' must be ${range}, but was ${JSON.stringify(value)}.`);
}

async function limitsOf(thread: Thread, visit: Visit, state: MapState): Promise<Limits> {
  const { ToleratedFailureCount: count, ToleratedFailurePercentage: percentage } = state;
  return {
    maxConcurrency: await concurrencyOf(thread, visit, state),
    toleratedFailureCount: await tolerated(thread, visit, 'ToleratedFailureCount', count),
    toleratedFailurePercentage: await tolerated(thread, visit, 'ToleratedFailurePercentage', percentage),
  };
}

/** Runs the children until all have ended. Throws States.ExceedToleratedFailureThreshold, or Interrupted. */
async function process(
  thread: Thread,
  mapRun: MapRun,
  batches: readonly Batch[],
  start: (each: Batch) => MapRun['parent'],
): Promise<void> {
  const { clock } = thread.run.world.region;
  const interrupt = () => mapRun.end('ABORTED', clock.now());
  thread.signal.addEventListener('abort', interrupt, { once: true });
  try {
    await thread.hold.wait(() => mapRun.process(batches, start));
  } finally {
    thread.signal.removeEventListener('abort', interrupt);
  }
  if (thread.signal.aborted) throw new Interrupted();
}

/** Ends what still runs of a Map Run that has failed or was interrupted, if the role may: otherwise it goes on. */
function stopChildren({ run: { world } }: Thread, mapRun: MapRun): void {
  const asking = { world, execution: mapRun.parent };
  if (refusalOf(asking, ...childNeeds('StopExecution', mapRun)) !== undefined) return;
  for (const child of mapRun.children) child.end({ status: 'ABORTED', error: undefined, cause: undefined }, 0);
}

/** Everything between MapRunStarted and the Map Run's end. Answers the state's result. */
async function conduct(
  thread: Thread,
  visit: Visit,
  state: MapState,
  given: Json[] | null,
  { mapRun, start }: { mapRun: MapRun; start: (each: Batch) => MapRun['parent'] },
): Promise<Payload> {
  const { clock } = thread.run.world.region;
  try {
    const refusal = mapRunRefusal(thread.run.world, mapRun);
    if (refusal !== undefined) throw new StateFailure('States.Permissions', refusal);
    const items = given ?? (await readItems(thread, visit, state));
    const batches = await batch(thread, visit, state, await selectItems(thread, visit, state, items));
    await process(thread, mapRun, batches, start);
    const { exceeded } = mapRun;
    if (exceeded) mapRun.end('FAILED', clock.now());
    stopChildren(thread, mapRun);
    const result = await mapResult(thread, visit, state, mapRun);
    mapRun.resultsWritten = true;
    if (exceeded)
      throw new StateFailure(
        'States.ExceedToleratedFailureThreshold',
        'The specified tolerated failure threshold was exceeded',
      );
    mapRun.end('SUCCEEDED', clock.now());
    return result;
  } catch (error) {
    mapRun.end(error instanceof StateFailure ? 'FAILED' : 'ABORTED', clock.now());
    stopChildren(thread, mapRun);
    throw error;
  }
}

/**
 * A distributed Map: a Map Run whose items, or batches of them, are child executions with histories of their own.
 * Answers the children's outputs in the items' order, or where the results are in S3.
 * https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html
 */
export async function runDistributedMap(thread: Thread, visit: Visit, state: MapState): Promise<Payload> {
  const { execution } = thread.run;
  const items = state.ItemReader ? null : await itemsOf(thread, visit, state);
  // Step Functions does not know yet how many items a reader will find.
  thread.record('MapStateStarted', { mapStateStartedEventDetails: { length: items?.length ?? 0 } });
  const opened = thread.run.openMapRun(state, await limitsOf(thread, visit, state));
  const started = thread.record('MapRunStarted', { mapRunStartedEventDetails: { mapRunArn: opened.mapRun.arn } });
  execution.openMapRuns.add(started);
  try {
    const result = await conduct(thread, visit, state, items, opened);
    thread.record('MapRunSucceeded');
    result.within(`The state '${visit.name}' returned a result with`);
    thread.record('MapStateSucceeded');
    // LocalStack's snapshots record it against AWS: MapStateExited follows MapRunStarted.
    thread.previous = started;
    return result;
  } catch (error) {
    if (error instanceof StateFailure) recordFailure(thread, opened.mapRun, error);
    else if (thread.signal.aborted && execution.status === 'RUNNING') execution.record('MapRunAborted', started);
    throw error;
  } finally {
    execution.openMapRuns.delete(started);
  }
}

function recordFailure(thread: Thread, mapRun: MapRun, { error, detail }: StateFailure): void {
  if (mapRun.status === 'FAILED')
    thread.record('MapRunFailed', { mapRunFailedEventDetails: errorAndCause(error, detail) });
  thread.record('MapStateFailed');
}
