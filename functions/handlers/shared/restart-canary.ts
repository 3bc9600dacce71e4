import type { Kubernetes } from '../../aws/kubernetes.ts';
import type { ObjectStore } from '../../aws/s3.ts';
import { Canaries, type RestartedCanaries } from '../../contracts/restart-kube-proxy.ts';
import type { Execution } from '../../contracts/shared/input.ts';
import { assertNever, CanaryFailed } from '../../core/errors.ts';
import { chooseCanaries } from '../../core/nodes/canary.ts';
import { evidenceKey, readInventory, understood, writeInventory } from './evidence.ts';

interface Task {
  execution: Execution;
  step: string;
  cluster: { name: string };
  /** Key of the inventory to choose from. */
  inventory: string;
}

/**
 * Chooses one node for each kind of proof, stores the choice in S3, and deletes these nodes' kube-proxy pods; the
 * DaemonSet makes new pods with the new configuration. The choice is stored first: a retry deletes the same
 * pods (some may be gone already) and never restarts another node. Throws CanaryFailed when there are nodes and none has
 * a working kube-proxy.
 */
export async function restartCanary(
  deps: { api: Pick<Kubernetes, 'canaryPods' | 'dnsNodes' | 'deletePod'>; store: ObjectStore },
  task: Task,
): Promise<RestartedCanaries> {
  const key = evidenceKey(task.execution, task.step, 'canary.json');
  const output = (await noted(deps.store, key)) ?? (await note(deps, key, task));
  for (const { formerPod } of output.canaries) await deps.api.deletePod(formerPod);
  return output;
}

async function noted(store: ObjectStore, key: string): Promise<RestartedCanaries | null> {
  const found = await store.find(key);
  if (!found) return null;
  const { text, ...stored } = found;
  return { ...understood(Canaries, key, () => JSON.parse(text)), stored: [stored] };
}

async function note(deps: Parameters<typeof choose>[0], key: string, task: Task): Promise<RestartedCanaries> {
  const { stored, ...canary } = await choose(deps, task);
  return { ...canary, stored: [...stored, await deps.store.put(key, JSON.stringify(canary))] };
}

async function choose(
  { api, store }: { api: Pick<Kubernetes, 'canaryPods' | 'dnsNodes'>; store: ObjectStore },
  { execution, step, cluster, inventory }: Task,
): Promise<RestartedCanaries> {
  const choice = chooseCanaries(
    await readInventory(store, { key: inventory }),
    await api.canaryPods(),
    await api.dnsNodes(),
  );
  switch (choice.kind) {
    case 'impossible':
      return { canaries: [], inventory: null, reason: choice.reason, stored: [] };
    case 'unhealthy':
      throw new CanaryFailed(`No canary can be chosen in ${cluster.name}: ${choice.reason}.`, {
        nextStep: 'Look at the kube-proxy pods: `kubectl -n kube-system get pods -l k8s-app=kube-proxy`.',
      });
    case 'chosen': {
      const nodes = choice.canaries.map(({ node }) => node);
      const stored = await writeInventory(store, evidenceKey(execution, step, 'inventory.ndjson.gz'), nodes);
      const canaries = choice.canaries.map(({ node: { id, name }, pod, reason }) => ({
        node: { id, name },
        formerPod: { name: pod.name, uid: pod.uid },
        reason,
      }));
      const reason = [...new Set(canaries.map((canary) => canary.reason))].join('; ');
      return { canaries, inventory: { key: stored.key }, reason, stored: [stored] };
    }
    default:
      return assertNever(choice);
  }
}
