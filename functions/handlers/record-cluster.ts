import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { Input, type Output } from '../contracts/record-cluster.ts';
import type { OutcomeRecord } from '../contracts/shared/outcome-record.ts';
import type { ClusterEnding, ClusterRecord, RolloutStep } from '../core/fleet/rollout.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { findOutcome } from './shared/evidence.ts';
import { writeCluster } from './shared/rollout-store.ts';

export interface Deps {
  store: ObjectStore;
  migrateStateMachineArn: () => string;
}

/**
 * Records how a cluster's part in a stage ended, from the outcome that its execution recorded. An execution that
 * recorded nothing counts as failed.
 */
export function recordCluster(deps: Deps): Run<Input, Output> {
  return async ({ rollout, stage, step, cluster, name, failure, now }, log) => {
    const arn = `${deps.migrateStateMachineArn().replace(':stateMachine:', ':execution:')}:${name}`;
    const outcome = await findOutcome(deps.store, { name, arn });
    const ending = step === 'migrate' && outcome === null && isNotStarted(failure) ? 'held' : endingOf(step, outcome);
    const error = isGood(ending) ? null : (outcome?.error ?? unrecorded(failure));
    const nodes = outcome?.modes.reduce((sum, mode) => sum + mode.nodes, 0) ?? 0;
    const record: ClusterRecord = { cluster, step, ending, execution: arn, nodes, error, at: now.toISOString() };
    await writeCluster(deps.store, { rollout, stage }, record);
    log.decision('rollout.cluster', { rollout, stage, step, cluster, ending, error: error?.name ?? null });
    return { ending };
  };
}

/** Whether Step Functions refused to start the execution, so that the cluster has not begun. */
const isNotStarted = (failure: string | null) =>
  (failure?.startsWith('StepFunctions.') ?? false) && failure !== 'StepFunctions.ExecutionAlreadyExistsException';

const isGood = (ending: ClusterEnding) => ending === 'migrated' || ending === 'already-compliant';

function endingOf(step: RolloutStep, outcome: OutcomeRecord | null): ClusterEnding {
  switch (outcome?.ending) {
    case 'migrated':
    case 'already-compliant':
      return outcome.ending;
    case 'finished':
      return 'migrated';
    case 'refused':
      return step === 'prove' ? 'not-proven' : 'refused';
    default:
      if (step === 'prove') return 'not-proven';
      return outcome?.error?.name === 'OnHold' && !outcome.changed ? 'held' : 'failed';
  }
}

const unrecorded = (failure: string | null) => ({
  name: 'NoReason',
  cause: `The execution recorded no outcome${failure === null ? '' : ` (${failure})`}.`,
});

export const handler = wrap(
  Input,
  recordCluster({
    store: objectStore(environment.evidenceBucket),
    migrateStateMachineArn: environment.migrateStateMachineArn,
  }),
);
