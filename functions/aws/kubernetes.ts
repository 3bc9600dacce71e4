import type { SyncFacts } from '../core/evidence/syncs.ts';
import type { KubeProxyPod } from '../core/nodes/nodes.ts';
import type { Workloads } from '../core/preflight/workloads.ts';
import {
  type CanaryPods,
  canaryPods,
  deletePod,
  dnsNodes,
  isReady,
  isTerminating,
  listPods,
  restartsOf,
  waitingOf,
} from './kubernetes/canary.ts';
import { classified, despiteConflicts, KUBE_PROXY, NAMESPACE } from './kubernetes/client.ts';
import { editConfig, type KubeProxyConfig, readConfig } from './kubernetes/config-map.ts';
import { type Pod, RollingDaemonSet, Written } from './kubernetes/objects.ts';
import { askProxyModes } from './kubernetes/proxy-modes.ts';
import { type ApiServerEndpoint, api as apiOf, pathOf } from './kubernetes/request.ts';
import { askSyncs } from './kubernetes/syncs.ts';
import { readWorkloads } from './kubernetes/workloads.ts';

/** The DaemonSet's state, and its pods that were made from the present template. */
export interface Rollout {
  generation: number;
  observedGeneration: number;
  desired: number;
  updated: number;
  available: number;
  newPods: { name: string; nodeName: string; restarts: number; waiting: string | null }[];
}

/**
 * The calls that nightshift makes to a cluster's Kubernetes API. Each throws KubernetesUnreachable or
 * KubernetesForbidden.
 */
export interface Kubernetes extends KubeProxyConfig, CanaryPods {
  /** The pods of kube-proxy; their `proxyMode` is null, because only `proxyModes` reads it. */
  kubeProxyPods(): Promise<KubeProxyPod[]>;
  /** kube-proxy's answers on `/proxyMode`, by pod name; null for a pod that does not answer two requests. */
  proxyModes(pods: readonly string[]): Promise<Map<string, string | null>>;
  /** What each kube-proxy reports about its own work on /healthz and /metrics, by pod name. */
  syncs(pods: readonly string[]): Promise<Map<string, SyncFacts>>;
  /**
   * Does `kubectl rollout restart`. A repeated call with the same time changes nothing. Throws RolloutFailed without
   * DaemonSet.
   */
  restartKubeProxy(restartedAt: string): Promise<{ generation: number }>;
  /** Throws RolloutFailed if there is no DaemonSet. */
  rollout(): Promise<Rollout>;
  /**
   * The workloads that the preflight checks need; a part that is refused or not served has the reason. Endpoints are
   * counted only if they are wanted.
   */
  workloads(wanted?: { endpoints: boolean }): Promise<Workloads>;
}

const SELECTOR = 'k8s-app=kube-proxy';
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';

const DAEMON_SET = pathOf('apis', 'apps', 'v1', 'namespaces', NAMESPACE, 'daemonsets', KUBE_PROXY);
const STRATEGIC_MERGE = 'application/strategic-merge-patch+json';

/** The API of one cluster with a bearer token for it. */
export function kubernetes(endpoint: ApiServerEndpoint, token: string): Kubernetes {
  const api = apiOf(endpoint, token);
  const said = <Value>(work: () => Promise<Value>) => classified(endpoint, work);
  return {
    kubeProxyPods: () => said(async () => (await listPods(api, SELECTOR)).map(podOf)),

    proxyModes: (pods) => said(() => askProxyModes(api, pods)),
    syncs: (pods) => said(() => askSyncs(api, pods)),

    restartKubeProxy: (restartedAt) =>
      said(async () => {
        const body = { spec: { template: { metadata: { annotations: { [RESTARTED_AT]: restartedAt } } } } };
        const { metadata } = await despiteConflicts(() =>
          api.json(Written, { method: 'PATCH', path: DAEMON_SET, body, contentType: STRATEGIC_MERGE }),
        );
        return { generation: metadata.generation };
      }),

    kubeProxyConfig: () => said(() => readConfig(api)),
    editKubeProxyConfig: (edit) => said(() => editConfig(api, endpoint.cluster, edit)),
    canaryPods: (nodeName) => said(() => canaryPods(api, nodeName)),
    dnsNodes: () => said(() => dnsNodes(api)),
    deletePod: (pod) => said(() => deletePod(api, pod)),

    workloads: (wanted = { endpoints: false }) => said(() => readWorkloads(api, wanted)),

    rollout: () =>
      said(async () => {
        const found = await api.json(RollingDaemonSet, { path: DAEMON_SET });
        return rolloutOf(found, await listPods(api, SELECTOR));
      }),
  };
}

function podOf(pod: Pod): KubeProxyPod {
  const { metadata, spec, status } = pod;
  return {
    name: metadata.name,
    nodeName: spec.nodeName ?? '',
    hostIp: status.hostIP ?? null,
    ready: isReady(pod),
    terminating: isTerminating(pod),
    restarts: restartsOf(pod),
    proxyMode: null,
    syncs: null,
    startedAt: status.startTime ?? null,
  };
}

/** New pods have the template's restart annotation, because a DaemonSet copies it to its pods. */
function rolloutOf({ metadata, spec, status }: RollingDaemonSet, pods: readonly Pod[]): Rollout {
  const restartedAt = spec.template.metadata?.annotations?.[RESTARTED_AT];
  const fresh = pods.filter((pod) => pod.metadata.annotations?.[RESTARTED_AT] === restartedAt);
  return {
    generation: metadata.generation,
    observedGeneration: status.observedGeneration ?? 0,
    desired: status.desiredNumberScheduled,
    updated: status.updatedNumberScheduled ?? 0,
    available: status.numberAvailable ?? 0,
    newPods: fresh.map((pod) => ({
      name: pod.metadata.name,
      nodeName: pod.spec.nodeName ?? '',
      restarts: restartsOf(pod),
      waiting: waitingOf(pod),
    })),
  };
}
