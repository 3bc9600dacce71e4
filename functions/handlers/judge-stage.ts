import { type EventBus, eventBus } from '../aws/events.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { Input, type Output } from '../contracts/judge-stage.ts';
import {
  countStage,
  isProven,
  itemsKey,
  judgeStage as judge,
  migrationName,
  namesOf,
  nextLook,
  type RolloutItem,
  type StageRecord,
  withoutProof,
} from '../core/fleet/rollout.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { findStage, readClusters, readMembers, writeItems, writeStage } from './shared/rollout-store.ts';

export interface Deps {
  store: ObjectStore;
  bus: EventBus;
}

/**
 * Judges a stage by the records of its clusters: after the migrations, and again after the soak and the second proof.
 * Publishes `nightshift.StageEnded` when the stage is proven or held. Throws EvidenceMissing.
 */
export function judgeStage(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const { execution, rollout, stage, tolerate, step, now } = input;
    const ref = { rollout, stage };
    const members = await readMembers(deps.store, ref, execution);
    const records = await readClusters(deps.store, ref);
    const names = namesOf(members);
    const unproven = step === 'prove' ? withoutProof(records, execution) : [];
    const judgement = judge(stage, tolerate, names, records, unproven);
    const former = await findStage(deps.store, ref);
    const soakUntil = judgement.kind === 'passed' && step === 'migrate' ? soakOf(input, records, former) : null;
    const status = judgement.kind === 'held' ? 'held' : soakUntil === null ? 'proven' : 'soaking';
    const reason = judgement.kind === 'held' ? judgement.reason : null;
    await writeStage(deps.store, rollout, {
      stage,
      status,
      clusters: names.length,
      tolerate,
      soakUntil,
      reason,
      at: now.toISOString(),
    });
    const counts = countStage(names, records);
    log.decision(`stage.${status}`, { ...ref, ...counts });
    if (soakUntil !== null) {
      const proofs = itemsKey(ref, execution, 'prove');
      const proven = new Set(records.filter(isProven).map(({ cluster }) => cluster));
      await writeItems(deps.store, proofs, proofsOf(members.items, proven, input));
      return { kind: 'soak', soakUntil, nextLook: nextLook(now, new Date(soakUntil)).toISOString(), proofs };
    }
    await deps.bus.put({
      detailType: 'nightshift.StageEnded',
      resources: [execution.arn],
      detail: { cluster: null, ...ref, status, reason, clusters: counts, execution },
    });
    return reason === null ? { kind: 'proven' } : { kind: 'held', reason };
  };
}

/**
 * Until when the stage soaks; null if it does not. A stage in which nothing was migrated since its last proof does not
 * soak again, and a soak that an earlier execution began goes on.
 */
function soakOf(
  { execution, soakSeconds, now }: Input,
  records: readonly { ending: string; execution: string | null; cluster: string }[],
  former: StageRecord | null,
): string | null {
  if (soakSeconds === 0) return null;
  const migratedNow = records.some(
    ({ ending, execution: arn, cluster }) =>
      ending === 'migrated' && arn?.endsWith(`:${migrationName(cluster, execution, 'migrate')}`),
  );
  if (!migratedNow && former?.status === 'proven') return null;
  if (!migratedNow && former?.soakUntil) return former.soakUntil;
  return new Date(now.getTime() + soakSeconds * 1000).toISOString();
}

/** The executions that prove the stage's nodes again, and change nothing. */
function proofsOf(members: readonly RolloutItem[], proven: ReadonlySet<string>, { execution }: Input): RolloutItem[] {
  return members
    .filter(({ cluster }) => proven.has(cluster))
    .map(({ request, ...member }) => ({
      ...member,
      name: migrationName(member.cluster, execution, 'prove'),
      request: { ...request, proofOnly: true },
    }));
}

export const handler = wrap(
  Input,
  judgeStage({ store: objectStore(environment.evidenceBucket), bus: eventBus(environment.eventBus) }),
);
