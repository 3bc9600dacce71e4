import * as z from 'zod/mini';
import type { Kubernetes } from '../../aws/kubernetes.ts';
import type { ObjectStore } from '../../aws/s3.ts';
import type { Execution } from '../../contracts/shared/input.ts';
import { evidenceKey, readInventory, understood } from './evidence.ts';
import { reasonOf } from './store-or-carry.ts';

const Pods = z.array(z.object({ name: z.string(), uid: z.string() }));
type Pods = z.output<typeof Pods>;

/**
 * Restarts kube-proxy on the nodes of an inventory and on no other node: deletes its pods there, Ready or not, and the
 * DaemonSet makes new ones. The pods' names are stored first: a repetition deletes these pods, and never the new ones.
 * If the bucket refuses the names, the rollback goes on, and a repetition restarts these few nodes once more; `unnoted`
 * is the reason.
 * @throws EvidenceMissing, KubernetesUnreachable, KubernetesForbidden
 */
export async function restartPods(
  { api, store }: { api: Pick<Kubernetes, 'canaryPods' | 'deletePod'>; store: ObjectStore },
  { execution, step, inventory }: { execution: Execution; step: string; inventory: string },
): Promise<{ pods: Pods; unnoted: string | null }> {
  const key = evidenceKey(execution, step, 'pods.json');
  const noted = await store.find(key);
  const pods = noted ? understood(Pods, key, () => JSON.parse(noted.text)) : await podsOn(api, store, inventory);
  const unnoted = noted ? null : await note(store, key, pods);
  for (const pod of pods) await api.deletePod(pod);
  return { pods, unnoted };
}

async function note(store: Pick<ObjectStore, 'put'>, key: string, pods: Pods): Promise<string | null> {
  try {
    await store.put(key, JSON.stringify(pods));
    return null;
  } catch (error) {
    return reasonOf(error);
  }
}

async function podsOn(api: Pick<Kubernetes, 'canaryPods'>, store: ObjectStore, inventory: string): Promise<Pods> {
  const nodes = await readInventory(store, { key: inventory });
  const found = await Promise.all(nodes.map(({ name }) => api.canaryPods(name)));
  return found.flat().flatMap(({ name, uid, terminating }) => (terminating ? [] : [{ name, uid }]));
}
