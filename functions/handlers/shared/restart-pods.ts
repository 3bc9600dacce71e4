import * as z from 'zod/mini';
import type { Kubernetes } from '../../aws/kubernetes.ts';
import type { ObjectStore } from '../../aws/s3.ts';
import { evidenceKey, readInventory, understood } from './evidence.ts';
import type { Execution } from './input.ts';

const Pods = z.array(z.object({ name: z.string(), uid: z.string() }));
type Pods = z.output<typeof Pods>;

/**
 * Restarts kube-proxy on the nodes of an inventory and on no other: its pods there are deleted, Ready or not, and the
 * DaemonSet makes new ones. The pods are written down first: a repetition deletes those, and never the new ones.
 * @throws EvidenceMissing, KubernetesUnreachable, KubernetesForbidden
 */
export async function restartPods(
  { api, store }: { api: Pick<Kubernetes, 'canaryPods' | 'deletePod'>; store: ObjectStore },
  { execution, step, inventory }: { execution: Execution; step: string; inventory: string },
): Promise<Pods> {
  const key = evidenceKey(execution, step, 'pods.json');
  const noted = await store.find(key);
  const pods = noted ? understood(Pods, key, () => JSON.parse(noted.text)) : await podsOn(api, store, inventory);
  if (!noted) await store.put(key, JSON.stringify(pods));
  for (const pod of pods) await api.deletePod(pod);
  return pods;
}

async function podsOn(api: Pick<Kubernetes, 'canaryPods'>, store: ObjectStore, inventory: string): Promise<Pods> {
  const nodes = await readInventory(store, { key: inventory });
  const found = await Promise.all(nodes.map(({ name }) => api.canaryPods(name)));
  return found.flat().flatMap(({ name, uid, terminating }) => (terminating ? [] : [{ name, uid }]));
}
