import { mapLimited } from '../aws/clients.ts';
import { type EventBus, eventBus } from '../aws/events.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { Input, type Output } from '../contracts/record-rollout.ts';
import { failureByOurName } from '../core/errors.ts';
import { isProven, namesOf, summaryKey } from '../core/fleet/rollout.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { endCurrentRollout, findMembers, readStages } from './shared/rollout-store.ts';
import { sentenceOf } from './shared/sentence-of.ts';

export interface Deps {
  store: ObjectStore;
  bus: EventBus;
}

/**
 * Publishes `nightshift.RolloutEnded` and writes the summary of the rollout: how each stage stands, and how its clusters
 * ended. Throws if the bus or the bucket does not answer; the state machine repeats it.
 */
export function recordRollout({ store, bus }: Deps): Run<Input, Output> {
  return async ({ execution, rollout, startedAt, failure, now }, log) => {
    const error = failure && failureByOurName({ name: failure.Error, cause: sentenceOf(failure.Cause ?? '') });
    const status = statusOf(error?.name ?? null);
    const stages = rollout === null ? [] : await stagesOf(store, rollout, execution);
    const summary = {
      rollout,
      status,
      error,
      startedAt: startedAt.toISOString(),
      endedAt: now.toISOString(),
      execution,
      stages,
    };
    await bus.put({
      detailType: 'nightshift.RolloutEnded',
      resources: [execution.arn],
      detail: { cluster: null, ...summary },
    });
    const key = rollout === null ? null : summaryKey(rollout);
    if (key !== null) await store.put(key, JSON.stringify(summary, null, 2));
    if (rollout !== null && status === 'succeeded') await endCurrentRollout(store, rollout);
    log.decision('rollout.ended', { rollout, status, error: error?.name ?? null });
    return { status, error, summary: key };
  };
}

function statusOf(error: string | null): Output['status'] {
  switch (error) {
    case null:
      return 'succeeded';
    case 'RolloutHeld':
      return 'held';
    case 'ApprovalDenied':
      return 'denied';
    default:
      return 'failed';
  }
}

const MOST_NAMED = 50;

/**
 * How each stage that was opened stands, with the clusters that are not proven: the first fifty of each stage. Those
 * without a record are `waiting`, as far as this execution opened their stage.
 */
async function stagesOf(store: ObjectStore, rollout: string, execution: Input['execution']) {
  const recorded = [...(await readStages(store, rollout)).values()];
  return mapLimited(recorded, 1, async ({ stage, record, clusters }) => {
    const members = await findMembers(store, { rollout, stage }, execution);
    const known = new Set(clusters.map(({ cluster }) => cluster));
    const failed = clusters.filter((cluster) => !isProven(cluster));
    const waiting = members === null ? [] : namesOf(members).filter((cluster) => !known.has(cluster));
    const left = [
      ...failed,
      ...waiting.map((cluster) => ({ cluster, ending: 'waiting' as const, error: null, execution: null })),
    ];
    return {
      stage,
      status: record?.status ?? 'opened',
      reason: record?.reason ?? null,
      clusters: record?.clusters ?? null,
      proven: clusters.length - failed.length,
      notProven: left.slice(0, MOST_NAMED).map(({ cluster, ending, error, execution }) => ({
        cluster,
        ending,
        error: error?.name ?? null,
        execution,
      })),
    };
  });
}

export const handler = wrap(
  Input,
  recordRollout({ store: objectStore(environment.evidenceBucket), bus: eventBus(environment.eventBus) }),
);
