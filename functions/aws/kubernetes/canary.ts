import type { CoreV1Api, V1Pod } from '@kubernetes/client-node';
import type { CanaryPod } from '../../core/canary.ts';
import { despiteConflicts, hasCode, NAMESPACE } from './client.ts';
import { everyPage } from './pages.ts';

/** The calls for restarting kube-proxy on one node first. */
export interface CanaryPods {
  /** Each kube-proxy pod; only those of one node when it is named. */
  canaryPods(nodeName?: string): Promise<CanaryPod[]>;
  /** The names of the nodes that run CoreDNS pods. */
  dnsNodes(): Promise<Set<string>>;
  /** Deletes exactly this pod; one that is gone already, or was replaced under its name, is left as it is. */
  deletePod(pod: { name: string; uid: string }): Promise<void>;
}

/** CoreDNS has kept the label of its predecessor: https://docs.aws.amazon.com/eks/latest/userguide/managing-coredns.html */
const DNS = 'k8s-app=kube-dns';
const KUBE_PROXY = 'k8s-app=kube-proxy';

/** All pods of kube-system with these labels. */
export function listPods(core: CoreV1Api, labelSelector: string, fieldSelector?: string): Promise<V1Pod[]> {
  const which = { namespace: NAMESPACE, labelSelector, ...(fieldSelector !== undefined && { fieldSelector }) };
  return everyPage((page) => core.listNamespacedPod({ ...which, ...page }));
}

export async function canaryPods(core: CoreV1Api, nodeName?: string): Promise<CanaryPod[]> {
  const pods = await listPods(core, KUBE_PROXY, nodeName === undefined ? undefined : `spec.nodeName=${nodeName}`);
  return pods.map(canaryPodOf);
}

export async function dnsNodes(core: CoreV1Api): Promise<Set<string>> {
  const names = (await listPods(core, DNS)).map(({ spec }) => spec?.nodeName);
  return new Set(names.filter((name) => name !== undefined));
}

export async function deletePod(core: CoreV1Api, { name, uid }: { name: string; uid: string }): Promise<void> {
  const pod = { name, namespace: NAMESPACE };
  await despiteConflicts(async () => {
    try {
      if ((await core.readNamespacedPod(pod)).metadata?.uid !== uid) return;
      await core.deleteNamespacedPod({ ...pod, body: { preconditions: { uid } } });
    } catch (error) {
      if (!hasCode(error, 404)) throw error;
    }
  });
}

/** Throws when the API server leaves out what a pod is known by. */
export function canaryPodOf({ metadata, spec, status }: V1Pod): CanaryPod {
  const { name, uid } = metadata ?? {};
  if (!name || !uid) throw new Error(`the API server listed pod ${name} without its name or uid`);
  const containers = status?.containerStatuses ?? [];
  return {
    name,
    uid,
    nodeName: spec?.nodeName ?? '',
    ready: status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    terminating: metadata?.deletionTimestamp !== undefined,
    restarts: containers.reduce((sum, { restartCount }) => sum + restartCount, 0),
    waiting: containers.find(({ state }) => state?.waiting)?.state?.waiting?.reason ?? null,
  };
}
