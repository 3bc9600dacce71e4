import { mapLimited } from '../aws/clients.ts';
import { type CloudWatch, cloudwatch } from '../aws/cloudwatch.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { type StepFunctions, stepFunctions } from '../aws/step-functions.ts';
import { Input, type Output } from '../contracts/check-soak.ts';
import { EvidenceMissing } from '../core/errors.ts';
import { readExecutionArn } from '../core/execution/executions.ts';
import { type ClusterRecord, listed, nextLook, rollbackName } from '../core/fleet/rollout.ts';
import type { Settings } from '../core/fleet/settings.ts';
import { guardText, type RaisedAlarm } from '../core/guards/alarms.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { askGuards } from './shared/guards.ts';
import { findStage, readClusters, readMembers, writeCluster, writeStage } from './shared/rollout-store.ts';

export interface Deps {
  store: ObjectStore;
  cloudwatch: CloudWatch;
  stepFunctions: Pick<StepFunctions, 'start'>;
  settings: () => Pick<Settings, 'guards'>;
  rollbackAliasArn: () => string;
}

/** The most rollbacks that are started at the same time. */
const AT_ONCE = 10;

/**
 * Decides whether a stage soaks on, from the alarms that guard its clusters. A raised alarm holds the rollout; with
 * `onGuard: rollback` the clusters that it guards, and that this rollout migrated, are restored as well.
 * Throws EvidenceMissing.
 */
export function checkSoak(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const { execution, rollout, stage, soakUntil, now } = input;
    const members = await readMembers(deps.store, { rollout, stage }, execution);
    const { onGuard, onUnknown } = deps.settings().guards;
    const alarms = [...new Set(members.items.flatMap((item) => item.alarms))];
    const guards = await askGuards(deps.cloudwatch, { alarms, onUnknown }, log);
    if (guards.kind === 'raised') {
      const raised = new Set(guards.alarms.map(({ name }) => name));
      const guarded = members.items.flatMap((item) =>
        item.alarms.some((alarm) => raised.has(alarm)) ? [item.cluster] : [],
      );
      const restored = onGuard === 'rollback' ? await restore(deps, input, guarded) : [];
      const reason = reasonOf(stage, guards.alarms, restored);
      await hold(deps.store, input, reason);
      log.decision('soak.held', { rollout, stage, reason });
      return { kind: 'held', reason, rollbacks: restored.map(({ name }) => name) };
    }
    const output: Output =
      now >= soakUntil ? { kind: 'over' } : { kind: 'soaking', nextLook: nextLook(now, soakUntil).toISOString() };
    log.decision(`soak.${output.kind}`, { rollout, stage });
    return output;
  };
}

const reasonOf = (stage: string, alarms: readonly RaisedAlarm[], restored: readonly { cluster: string }[]) =>
  `Stage ${stage} is held during its soak: ${guardText(alarms)}${
    restored.length === 0
      ? ''
      : `; these clusters are being restored: ${listed(restored.map(({ cluster }) => cluster))}`
  }.`;

/** Starts the rollback of each of these clusters that the rollout migrated, and records that it is not proven. */
async function restore(
  deps: Deps,
  { rollout, stage, now }: Input,
  guarded: readonly string[],
): Promise<{ cluster: string; name: string }[]> {
  const records = await readClusters(deps.store, { rollout, stage });
  const migrated = records.filter(({ cluster, ending }) => ending === 'migrated' && guarded.includes(cluster));
  return mapLimited(migrated, AT_ONCE, async (record) => {
    const { cluster } = record;
    const name = await startRollback(deps, record);
    const error = { name: 'GuardRaised', cause: `An alarm rang during the soak; ${name} restores the cluster.` };
    await writeCluster(deps.store, { rollout, stage }, { ...record, ending: 'failed', error, at: now.toISOString() });
    return { cluster, name };
  });
}

async function startRollback({ stepFunctions, rollbackAliasArn }: Deps, record: ClusterRecord): Promise<string> {
  const { cluster } = record;
  const arn = record.execution ?? '';
  const migration = readExecutionArn(arn);
  if (migration === null) throw new EvidenceMissing(`The record of ${cluster} names no migration.`);
  const name = rollbackName(cluster, arn);
  const execution = { name: migration.name, arn };
  const input = { mode: 'rollback', cluster, execution, reason: 'GuardRaised', attempt: 1 };
  await stepFunctions.start({ stateMachineArn: rollbackAliasArn(), name, input });
  return name;
}

/** The record of the stage keeps the end of the soak, which goes on when a person resumes the rollout. */
async function hold(store: ObjectStore, { rollout, stage, now }: Input, reason: string): Promise<void> {
  const record = await findStage(store, { rollout, stage });
  if (record === null) throw new EvidenceMissing(`Stage ${stage} of rollout ${rollout} was not judged.`);
  await writeStage(store, rollout, { ...record, status: 'held', reason, at: now.toISOString() });
}

export const handler = wrap(
  Input,
  checkSoak({
    store: objectStore(environment.evidenceBucket),
    cloudwatch,
    stepFunctions,
    settings: environment.settings,
    rollbackAliasArn: environment.rollbackAliasArn,
  }),
);
