import * as z from 'zod/mini';
import type { Kubernetes } from '../../aws/kubernetes.ts';
import type { ObjectStore, StoredObject } from '../../aws/s3.ts';
import { chooseCanary } from '../../core/canary.ts';
import { assertNever, CanaryFailed } from '../../core/errors.ts';
import { evidenceKey, readInventory, understood, writeInventory } from './evidence.ts';
import type { Execution } from './input.ts';

/** The canary, a one-node inventory to prove it by, and the pod that was deleted; all null where none is possible. */
const Canary = z.object({
  node: z.nullable(z.object({ id: z.string(), name: z.string() })),
  inventory: z.nullable(z.object({ key: z.string() })),
  formerPod: z.nullable(z.object({ name: z.string(), uid: z.string() })),
  reason: z.string(),
});
export type CanaryOutput = z.output<typeof Canary> & { stored: StoredObject[] };

interface Task {
  execution: Execution;
  step: string;
  cluster: { name: string };
  /** Key of the inventory to choose from. */
  inventory: string;
}

/**
 * Chooses a node, notes it in S3, and deletes its kube-proxy pod; the DaemonSet makes a new one with the new
 * configuration. The note comes first: a repetition deletes the pod that was noted, which may be gone, and never that of
 * a second node. Throws CanaryFailed when there are nodes and none has a working kube-proxy.
 */
export async function restartCanary(
  deps: { api: Pick<Kubernetes, 'canaryPods' | 'dnsNodes' | 'deletePod'>; store: ObjectStore },
  task: Task,
): Promise<CanaryOutput> {
  const key = evidenceKey(task.execution, task.step, 'canary.json');
  const output = (await noted(deps.store, key)) ?? (await note(deps, key, task));
  if (output.formerPod) await deps.api.deletePod(output.formerPod);
  return output;
}

async function noted(store: ObjectStore, key: string): Promise<CanaryOutput | null> {
  const found = await store.find(key);
  if (!found) return null;
  const { text, ...stored } = found;
  return { ...understood(Canary, key, () => JSON.parse(text)), stored: [stored] };
}

async function note(deps: Parameters<typeof choose>[0], key: string, task: Task): Promise<CanaryOutput> {
  const { stored, ...canary } = await choose(deps, task);
  return { ...canary, stored: [...stored, await deps.store.put(key, JSON.stringify(canary))] };
}

async function choose(
  { api, store }: { api: Pick<Kubernetes, 'canaryPods' | 'dnsNodes'>; store: ObjectStore },
  { execution, step, cluster, inventory }: Task,
): Promise<CanaryOutput> {
  const choice = chooseCanary(await readInventory(store, inventory), await api.canaryPods(), await api.dnsNodes());
  switch (choice.kind) {
    case 'impossible':
      return { node: null, inventory: null, formerPod: null, reason: choice.reason, stored: [] };
    case 'unhealthy':
      throw new CanaryFailed(`No canary can be chosen in ${cluster.name}: ${choice.reason}.`, {
        nextStep: 'Look at the kube-proxy pods: `kubectl -n kube-system get pods -l k8s-app=kube-proxy`.',
      });
    case 'chosen': {
      const { node, pod, reason } = choice;
      const stored = await writeInventory(store, evidenceKey(execution, step, 'inventory.ndjson.gz'), [node]);
      return {
        node: { id: node.id, name: node.name },
        inventory: { key: stored.key },
        formerPod: { name: pod.name, uid: pod.uid },
        reason,
        stored: [stored],
      };
    }
    default:
      return assertNever(choice);
  }
}
