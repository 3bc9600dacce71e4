import * as z from 'zod/mini';
import type { EventBus } from '../../aws/events.ts';
import type { ObjectStore } from '../../aws/s3.ts';
import type { Ssm } from '../../aws/ssm.ts';
import { ClusterName } from '../../contracts/shared/input.ts';
import {
  Batch,
  BatchFailure,
  exceeds,
  failedClusters,
  failureKey,
  failuresPrefix,
  heldKey,
  holdReason,
  MOST_LISTED,
  whatIsHeld,
} from '../../core/fleet/batch.ts';
import { type Hold, holdParameter } from '../../core/guards/holds.ts';
import type { Log } from '../../runtime/wrap.ts';
import { understood } from './evidence.ts';

export interface BatchDeps {
  store: Pick<ObjectStore, 'put' | 'find' | 'list'>;
  bus: EventBus;
  holds: Pick<Ssm, 'createParameter'>;
}

const Batched = z.object({ cluster: ClusterName.shape.name, batch: Batch });
/** The cluster and the batch of a migration's request. */
export type Batched = z.output<typeof Batched>;

/** The batch that a request names; null if it names none. A rollback's request never does. */
export function batchOf(request: unknown): Batched | null {
  return Batched.safeParse(request).data ?? null;
}

/**
 * Records that a cluster failed in its batch. If more have failed than the batch tolerates, puts the batch on hold and
 * publishes that once. Every step is safe to repeat: a repetition finishes what is missing, and does not put a hold
 * again that a person has released. Throws what the bucket, SSM and the bus throw.
 */
export async function countFailure(
  deps: BatchDeps,
  { cluster, batch }: Batched,
  failure: Omit<BatchFailure, 'cluster'>,
  log: Log,
): Promise<void> {
  const key = failureKey(batch.name, cluster);
  const isNew = (await deps.store.find(key)) === null;
  if (isNew) await deps.store.put(key, JSON.stringify({ cluster, ...failure } satisfies BatchFailure));
  const failed = failedClusters(batch.name, await deps.store.list(failuresPrefix(batch.name)));
  const held = exceeds(failed, batch.tolerate);
  log.decision('batch.failed', { batch: batch.name, cluster, failed: failed.length, tolerate: batch.tolerate, held });
  if (held) await hold(deps, batch, { failed, isNew, failure });
}

interface Reached {
  failed: readonly string[];
  isNew: boolean;
  failure: Omit<BatchFailure, 'cluster'>;
}

async function hold(deps: BatchDeps, batch: Batch, { failed, isNew, failure }: Reached): Promise<void> {
  const { name, tolerate } = batch;
  const published = (await deps.store.find(heldKey(name))) !== null;
  if (published && !isNew) return;
  const parameter = holdParameter({ kind: 'batch', batch: name });
  const value: Hold = { reason: holdReason(failed, tolerate), by: 'nightshift', since: failure.at, until: null };
  const created = await deps.holds.createParameter({ name: parameter, value: JSON.stringify(value) });
  if (published && !created) return;
  const detail = {
    cluster: null,
    batch: name,
    tolerate,
    failures: failed.length,
    failed: await failuresOf(deps.store, name, failed.slice(0, MOST_LISTED)),
    hold: parameter,
    held: whatIsHeld(name),
  };
  await deps.bus.put({ detailType: 'nightshift.BatchHeld', resources: [failure.execution.arn], detail });
  await deps.store.put(heldKey(name), JSON.stringify(detail));
}

/** The records of these failed clusters. Throws EvidenceMissing for an object that is not such a record. */
async function failuresOf(store: BatchDeps['store'], batch: string, clusters: readonly string[]) {
  const records: Pick<BatchFailure, 'cluster' | 'error' | 'execution'>[] = [];
  for (const cluster of clusters) {
    const key = failureKey(batch, cluster);
    const found = await store.find(key);
    if (found === null) continue;
    const { error, execution } = understood(BatchFailure, key, () => JSON.parse(found.text));
    records.push({ cluster, error, execution });
  }
  return records;
}
