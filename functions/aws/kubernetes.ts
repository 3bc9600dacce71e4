import {
  ApiException,
  type CoreV1Api,
  PatchStrategy,
  setHeaderOptions,
  type V1DaemonSet,
  type V1Pod,
} from '@kubernetes/client-node';
import type { KubeProxyPod } from '../core/nodes.ts';
import type { Workloads } from '../core/preflight/workloads.ts';
import { mapLimited } from './clients.ts';
import type { ApiServerEndpoint } from './eks.ts';
import { type CanaryPods, canaryPods, deletePod, dnsNodes, listPods } from './kubernetes/canary.ts';
import { apis, classified, despiteConflicts, KUBE_PROXY as NAME, NAMESPACE } from './kubernetes/client.ts';
import { editConfig, type KubeProxyConfig, readConfig } from './kubernetes/config-map.ts';
import { readWorkloads } from './kubernetes/workloads.ts';

/** The DaemonSet's state, and its pods that were made from the template as it is now. */
export interface Rollout {
  generation: number;
  observedGeneration: number;
  desired: number;
  updated: number;
  available: number;
  newPods: { name: string; nodeName: string; restarts: number; waiting: string | null }[];
}

/** One cluster's Kubernetes API, as far as nightshift uses it. Every call throws KubernetesUnreachable or KubernetesForbidden. */
export interface Kubernetes extends KubeProxyConfig, CanaryPods {
  /** The pods of kube-proxy; `proxyMode` is null: only `proxyModes` asks for it. */
  kubeProxyPods(): Promise<KubeProxyPod[]>;
  /** What kube-proxy answers on `/proxyMode`, by pod name; null where it does not answer. */
  proxyModes(pods: readonly string[]): Promise<Map<string, string | null>>;
  /** What `kubectl rollout restart` does. The same time again changes nothing. Throws RolloutFailed without DaemonSet. */
  restartKubeProxy(restartedAt: string): Promise<{ generation: number }>;
  /** Throws RolloutFailed when there is no DaemonSet. */
  rollout(): Promise<Rollout>;
  /** What the preflight checks ask of the cluster's workloads; what is refused or not there is said so in its part. */
  workloads(): Promise<Workloads>;
}

const SELECTOR = 'k8s-app=kube-proxy';
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
/** kube-proxy's metricsBindAddress on EKS is 0.0.0.0:10249. */
const METRICS_PORT = 10249;

/** The API of one cluster with a bearer token for it. */
export function kubernetes(endpoint: ApiServerEndpoint, token: string): Kubernetes {
  const { core, apps, custom } = apis(endpoint, token);
  const said = <Value>(work: () => Promise<Value>) => classified(endpoint, work);
  const daemonSet = { name: NAME, namespace: NAMESPACE };
  return {
    kubeProxyPods: () => said(async () => (await listPods(core, SELECTOR)).map(podOf)),

    async proxyModes(pods) {
      const modes = await mapLimited(pods, 10, (pod) => said(() => proxyMode(core, pod)));
      return new Map(pods.map((pod, index) => [pod, modes[index] ?? null]));
    },

    restartKubeProxy: (restartedAt) =>
      said(async () => {
        const body = { spec: { template: { metadata: { annotations: { [RESTARTED_AT]: restartedAt } } } } };
        const options = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
        const patched = await despiteConflicts(() => apps.patchNamespacedDaemonSet({ ...daemonSet, body }, options));
        return { generation: generationOf(patched) };
      }),

    kubeProxyConfig: () => said(() => readConfig(core)),
    editKubeProxyConfig: (edit) => said(() => editConfig(core, endpoint.cluster, edit)),
    canaryPods: (nodeName) => said(() => canaryPods(core, nodeName)),
    dnsNodes: () => said(() => dnsNodes(core)),
    deletePod: (pod) => said(() => deletePod(core, pod)),

    workloads: () => said(() => readWorkloads({ core, apps, custom })),

    rollout: () =>
      said(async () => {
        const found = await apps.readNamespacedDaemonSet(daemonSet);
        return rolloutOf(found, await listPods(core, SELECTOR));
      }),
  };
}

/** A pod that does not answer gives no proof, which is for core to judge: 404, 502 to 504 are answers about the pod. */
async function proxyMode(core: CoreV1Api, pod: string): Promise<string | null> {
  try {
    const request = { name: `${pod}:${METRICS_PORT}`, namespace: NAMESPACE, path: 'proxyMode' };
    return (await core.connectGetNamespacedPodProxyWithPath(request)).trim();
  } catch (error) {
    if (error instanceof ApiException && [404, 500, 502, 503, 504].includes(error.code)) return null;
    throw error;
  }
}

/** Throws when the API server leaves out what a pod is judged by. */
export function podOf(pod: V1Pod): KubeProxyPod {
  const name = pod.metadata?.name;
  if (!name) throw new Error('the API server listed a pod without a name');
  return {
    name,
    nodeName: pod.spec?.nodeName ?? '',
    hostIp: pod.status?.hostIP ?? null,
    ready: pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false,
    restarts: restartsOf(pod),
    proxyMode: null,
    startedAt: pod.status?.startTime ?? null,
  };
}

/** The new pods are those that carry the template's own restart annotation: a DaemonSet copies it to its pods. */
export function rolloutOf(daemonSet: V1DaemonSet, pods: readonly V1Pod[]): Rollout {
  const restartedAt = daemonSet.spec?.template.metadata?.annotations?.[RESTARTED_AT];
  const fresh = pods.filter((pod) => pod.metadata?.annotations?.[RESTARTED_AT] === restartedAt);
  return {
    generation: generationOf(daemonSet),
    observedGeneration: daemonSet.status?.observedGeneration ?? 0,
    desired: daemonSet.status?.desiredNumberScheduled ?? 0,
    updated: daemonSet.status?.updatedNumberScheduled ?? 0,
    available: daemonSet.status?.numberAvailable ?? 0,
    newPods: fresh.map((pod) => ({
      name: pod.metadata?.name ?? '',
      nodeName: pod.spec?.nodeName ?? '',
      restarts: restartsOf(pod),
      waiting: pod.status?.containerStatuses?.find(({ state }) => state?.waiting)?.state?.waiting?.reason ?? null,
    })),
  };
}

const restartsOf = (pod: V1Pod) =>
  (pod.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0);

function generationOf(daemonSet: V1DaemonSet): number {
  const generation = daemonSet.metadata?.generation;
  if (generation === undefined) throw new Error('the API server answered a DaemonSet without its generation');
  return generation;
}
