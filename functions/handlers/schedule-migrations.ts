import { ec2 } from '../aws/ec2.ts';
import { stepFunctions } from '../aws/step-functions.ts';
import { Input, type Output } from '../contracts/schedule-migrations.ts';
import { clock } from '../runtime/clock.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { continueRollout, type RolloutDeps } from './shared/continue-rollout.ts';
import { keepAllSchedules, keepSchedule, liveSchedules, type SweepDeps } from './shared/keep-schedules.ts';

/**
 * Keeps exactly one one-time schedule for every enrolled cluster that is not compliant, and deletes all others. Clusters
 * with fewer nodes get earlier slots. A cluster of a configured stage gets no schedule: its rollout is started or
 * continued. Runs daily, or by hand, also for one cluster. Throws SweepIncomplete, naming clusters, when all others are
 * done.
 */
export function scheduleMigrations(deps: SweepDeps & RolloutDeps, clock: () => Date): Run<Input, Output> {
  return async ({ cluster, now = clock() }, log) => {
    if (cluster !== undefined) return keepSchedule(deps, cluster, now, log);
    const kept = await keepAllSchedules(deps, now, log);
    await continueRollout(deps, kept.clusters.staged, now, log);
    return kept;
  };
}

export const handler = wrap(
  Input,
  scheduleMigrations(
    {
      ...liveSchedules,
      ec2,
      stepFunctions,
      fleetAliasArn: environment.fleetAliasArn,
      fleetStateMachineArn: environment.fleetStateMachineArn,
    },
    clock,
  ),
);
