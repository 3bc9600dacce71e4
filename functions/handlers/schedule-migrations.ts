import { ec2 } from '../aws/ec2.ts';
import { Input, type Output } from '../contracts/schedule-migrations.ts';
import { clock } from '../runtime/clock.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { keepAllSchedules, keepSchedule, liveSchedules, type SweepDeps } from './shared/keep-schedules.ts';

/**
 * Keeps exactly one one-time schedule for every enrolled cluster that is not compliant, and deletes all others. Clusters
 * with fewer nodes get earlier slots. Runs daily, or by hand, also for one cluster. Throws SweepIncomplete, naming
 * clusters, when all others are done.
 */
export function scheduleMigrations(deps: SweepDeps, clock: () => Date): Run<Input, Output> {
  return ({ cluster, now = clock() }, log) =>
    cluster === undefined ? keepAllSchedules(deps, now, log) : keepSchedule(deps, cluster, now, log);
}

export const handler = wrap(Input, scheduleMigrations({ ...liveSchedules, ec2 }, clock));
