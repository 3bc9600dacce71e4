import * as z from 'zod/mini';
import { clock } from '../runtime/clock.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { ClusterName } from './shared/input.ts';
import {
  type KeptSchedules,
  keepAllSchedules,
  keepSchedule,
  liveSchedules,
  type ScheduleDeps,
} from './shared/keep-schedules.ts';
import { SWEEP } from './shared/sweep.ts';

const Input = z.strictObject({ ...SWEEP, cluster: z.exactOptional(ClusterName.shape.name) });
type Input = z.output<typeof Input>;

/**
 * Keeps exactly one one-time schedule for every enrolled cluster that is not compliant, and none for any other: daily,
 * or by hand, for one cluster too. Throws SweepIncomplete, naming clusters, when all others are done.
 */
export function scheduleMigrations(deps: ScheduleDeps, clock: () => Date): Run<Input, KeptSchedules> {
  return ({ cluster, now = clock() }, say) =>
    cluster === undefined ? keepAllSchedules(deps, now, say) : keepSchedule(deps, cluster, now, say);
}

export const handler = wrap(Input, scheduleMigrations(liveSchedules, clock));
