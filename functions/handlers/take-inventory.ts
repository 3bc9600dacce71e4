import { ec2 } from '../aws/ec2.ts';
import { eks } from '../aws/eks.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { ssm } from '../aws/ssm.ts';
import { Input, type Output } from '../contracts/take-inventory.ts';
import { turnover } from '../core/nodes/joined-and-left.ts';
import { countInventory, type InventoryNode } from '../core/nodes/nodes.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { evidenceKey, readInventory, writeInventory } from './shared/evidence.ts';
import { type InventoryDeps, seeNodes } from './shared/inventory.ts';

export interface Deps extends InventoryDeps {
  openKubernetes: OpenKubernetes;
  store: ObjectStore;
}

/**
 * Takes an inventory of the nodes as they are now, and of nothing else: nodes join and leave while an execution runs.
 * Throws EvidenceMissing, KubernetesUnreachable, KubernetesForbidden.
 */
export function takeInventory(deps: Deps): Run<Input, Output> {
  return async ({ execution, step, cluster, kubernetes, since, evidence = 'required' }, log) => {
    const api = kubernetes ? await deps.openKubernetes(cluster, execution) : null;
    const { inventory } = await seeNodes(deps, cluster.name, api);
    const key = evidenceKey(execution, step, 'inventory.ndjson.gz');
    const stored = await writeInventory(deps.store, key, inventory, evidence);
    const counts = countInventory(inventory);
    const changes = await changesSince(deps.store, since, inventory);
    const { newcomers, gone } = changes;
    log.decision('inventory.taken', {
      cluster: cluster.name,
      step,
      newcomers,
      gone,
      stored: stored.unstored === undefined,
      ...counts,
    });
    return { inventory: { ...stored, counts }, ...changes };
  };
}

async function changesSince(
  store: ObjectStore,
  since: { key: string; inline?: string } | null,
  inventory: InventoryNode[],
): Promise<Pick<Output, 'newcomers' | 'gone' | 'notes'>> {
  if (!since) return { newcomers: 0, gone: 0, notes: [] };
  const { newcomers, gone, notes } = turnover(await readInventory(store, since), inventory);
  return { newcomers: newcomers.length, gone: gone.length, notes };
}

const live: Deps = { eks, ec2, ssm, openKubernetes, store: objectStore(environment.evidenceBucket) };

export const handler = wrap(Input, takeInventory(live));
