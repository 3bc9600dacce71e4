import * as z from 'zod/mini';
import type { CanaryPod } from '../../core/nodes/canary.ts';
import { despiteConflicts, hasCode, NAMESPACE } from './client.ts';
import { Pod } from './objects.ts';
import { everyItem } from './pages.ts';
import { type Api, pathOf } from './request.ts';

/** The calls for restarting kube-proxy on one node first. */
export interface CanaryPods {
  /** All kube-proxy pods, or only those of the named node. */
  canaryPods(nodeName?: string): Promise<CanaryPod[]>;
  /** The names of the nodes that run CoreDNS pods. */
  dnsNodes(): Promise<Set<string>>;
  /** Deletes exactly this pod; does nothing if it is gone or another pod has its name. */
  deletePod(pod: { name: string; uid: string }): Promise<void>;
}

/** CoreDNS has kept the label of its predecessor: https://docs.aws.amazon.com/eks/latest/userguide/managing-coredns.html */
const DNS = 'k8s-app=kube-dns';
const KUBE_PROXY = 'k8s-app=kube-proxy';

const PODS = ['api', 'v1', 'namespaces', NAMESPACE, 'pods'];

/** All pods of kube-system with these labels. */
export function listPods(api: Api, labelSelector: string, fieldSelector?: string): Promise<Pod[]> {
  const which = { labelSelector, ...(fieldSelector !== undefined && { fieldSelector }) };
  return everyItem(api, Pod, pathOf(...PODS), which);
}

/** A kube-proxy pod's answer on a path of its metrics port, through the API server; `timeout` in milliseconds. */
export function askPod(
  api: Api,
  pod: string,
  { port, path, timeout }: { port: number; path: string; timeout: number },
): Promise<string> {
  return api.text({ path: pathOf(...PODS, `${pod}:${port}`, 'proxy', path), timeout });
}

export async function canaryPods(api: Api, nodeName?: string): Promise<CanaryPod[]> {
  const pods = await listPods(api, KUBE_PROXY, nodeName === undefined ? undefined : `spec.nodeName=${nodeName}`);
  return pods.map(canaryPodOf);
}

export async function dnsNodes(api: Api): Promise<Set<string>> {
  const names = (await listPods(api, DNS)).map(({ spec }) => spec.nodeName ?? '');
  return new Set(names.filter((name) => name !== ''));
}

export async function deletePod(api: Api, { name, uid }: { name: string; uid: string }): Promise<void> {
  const path = pathOf(...PODS, name);
  await despiteConflicts(async () => {
    try {
      if ((await api.json(Pod, { path })).metadata.uid !== uid) return;
      await api.json(z.unknown(), { method: 'DELETE', path, body: { preconditions: { uid } } });
    } catch (error) {
      if (!hasCode(error, 404)) throw error;
    }
  });
}

function canaryPodOf(pod: Pod): CanaryPod {
  const { metadata, spec } = pod;
  return {
    name: metadata.name,
    uid: metadata.uid,
    nodeName: spec.nodeName ?? '',
    ready: isReady(pod),
    terminating: isTerminating(pod),
    restarts: restartsOf(pod),
    waiting: waitingOf(pod),
  };
}

export function isTerminating({ metadata }: Pod): boolean {
  return typeof metadata.deletionTimestamp === 'string';
}

export function isReady({ status }: Pod): boolean {
  return status.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false;
}

/** The restarts of all its containers together. */
export function restartsOf({ status }: Pod): number {
  return (status.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);
}

/** The reason of its first waiting container. */
export function waitingOf({ status }: Pod): string | null {
  return status.containerStatuses?.find(({ state }) => state?.waiting)?.state?.waiting?.reason ?? null;
}
