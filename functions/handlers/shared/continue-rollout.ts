import type { ObjectStore } from '../../aws/s3.ts';
import type { StepFunctions } from '../../aws/step-functions.ts';
import { continuedExecution, isLeftToPeople, rolloutOfFleet } from '../../core/fleet/rollout.ts';
import type { Fleet } from '../../core/fleet/stages.ts';
import type { Log } from '../../runtime/wrap.ts';
import { findRollout } from './rollout-store.ts';

export interface RolloutDeps {
  stepFunctions: Pick<StepFunctions, 'running' | 'standing' | 'start'>;
  store: Pick<ObjectStore, 'find'>;
  fleet: () => Fleet | null;
  /** ARNs of migrate-fleet: as StartExecution takes it, and of the state machine itself. */
  fleetAliasArn: () => string;
  fleetStateMachineArn: () => string;
}

/**
 * Starts an execution that continues the rollout of the configured stages, if `staged` clusters wait for it. Does
 * nothing while a rollout runs, and after one that a person stopped, that a person denied, or that is held: a person
 * resumes it.
 */
export async function continueRollout(deps: RolloutDeps, staged: number, now: Date, log: Log): Promise<void> {
  const fleet = deps.fleet();
  if (fleet === null || staged === 0) return;
  const rollout = rolloutOfFleet(fleet);
  const why = await whyNot(deps, rollout);
  if (why !== null) return log.decision('rollout.left', { rollout, staged, reason: why });
  const name = continuedExecution(rollout, now);
  const input = { ...fleet, rollout, requestedBy: 'the daily sweep' };
  const { started } = await deps.stepFunctions.start({ stateMachineArn: deps.fleetAliasArn(), name, input });
  log.decision('rollout.continued', { rollout, staged, name, started });
}

async function whyNot(deps: RolloutDeps, rollout: string): Promise<string | null> {
  const [running] = await deps.stepFunctions.running(deps.fleetStateMachineArn());
  if (running !== undefined) return `The execution ${running.name} of migrate-fleet is running.`;
  const record = await findRollout(deps.store, rollout);
  const last = record && (await deps.stepFunctions.standing(record.execution));
  return last !== null && isLeftToPeople(last) ? `Its last execution ended ${last.status}, ${last.error}.` : null;
}
