import { Input, type Output } from '../contracts/on-cluster-tagged.ts';
import { EventTime } from '../contracts/shared/input.ts';
import { parseResourceTagged, whyRefused } from '../core/fleet/cloudtrail.ts';
import { parseInput } from '../core/values/parse-input.ts';
import { clock, readAt } from '../runtime/clock.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { keepSchedule, liveSchedules, type ScheduleDeps } from './shared/keep-schedules.ts';

/**
 * Makes, moves or deletes the schedule of a cluster whose tags may have changed. Only the tags count that the cluster
 * has when the event is read: a late or repeated event does no harm. Throws InvalidRequest for any other event.
 */
export function onClusterTagged(deps: ScheduleDeps, now: () => Date): Run<unknown, Output> {
  return async (event, log) => {
    const tagged = parseResourceTagged(event);
    const cluster = tagged.kind === 'made' ? tagged.cluster : null;
    const { time } = parseInput(EventTime, event, 'The event');
    if (cluster !== null)
      return { kind: 'kept', cluster, ...(await keepSchedule(deps, cluster, readAt(time, now()), log)) };
    const reason = tagged.kind === 'made' ? `${tagged.resourceArn} is not a cluster.` : whyRefused(tagged);
    log.decision('tags.ignored', { reason });
    return { kind: 'ignored', reason };
  };
}

export const handler = wrap(Input, onClusterTagged(liveSchedules, clock));
