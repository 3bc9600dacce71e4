import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  createConfiguration,
  KubeConfig,
  PatchStrategy,
  ServerConfiguration,
  setHeaderOptions,
  type V1DaemonSet,
  type V1Pod,
} from '@kubernetes/client-node';
import { KubernetesForbidden, KubernetesUnreachable, RolloutFailed } from '../core/errors.ts';
import type { KubeProxyPod } from '../core/nodes.ts';
import { mapLimited } from './clients.ts';
import type { ApiServerEndpoint } from './eks.ts';

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
export interface Kubernetes {
  /** The pods of kube-proxy; `proxyMode` is null: only `proxyModes` asks for it. */
  kubeProxyPods(): Promise<KubeProxyPod[]>;
  /** What kube-proxy answers on `/proxyMode`, by pod name; null where it does not answer. */
  proxyModes(pods: readonly string[]): Promise<Map<string, string | null>>;
  /** What `kubectl rollout restart` does. The same time again changes nothing. Throws RolloutFailed without DaemonSet. */
  restartKubeProxy(restartedAt: string): Promise<{ generation: number }>;
  /** Throws RolloutFailed when there is no DaemonSet. */
  rollout(): Promise<Rollout>;
}

const NAMESPACE = 'kube-system';
const NAME = 'kube-proxy';
const SELECTOR = 'k8s-app=kube-proxy';
const RESTARTED_AT = 'kubectl.kubernetes.io/restartedAt';
/** kube-proxy's metricsBindAddress on EKS is 0.0.0.0:10249. */
const METRICS_PORT = 10249;
const PAGE = 500;
const TIMEOUT_MS = 15_000;

/** The API of one cluster with a bearer token for it. */
export function kubernetes(endpoint: ApiServerEndpoint, token: string): Kubernetes {
  const { core, apps } = apis(endpoint, token);
  const said = <Value>(work: () => Promise<Value>) => classified(endpoint, work);
  const daemonSet = { name: NAME, namespace: NAMESPACE };
  return {
    kubeProxyPods: () => said(async () => (await listPods(core)).map(podOf)),

    async proxyModes(pods) {
      const modes = await mapLimited(pods, 10, (pod) => said(() => proxyMode(core, pod)));
      return new Map(pods.map((pod, index) => [pod, modes[index] ?? null]));
    },

    restartKubeProxy: (restartedAt) =>
      said(async () => {
        const body = { spec: { template: { metadata: { annotations: { [RESTARTED_AT]: restartedAt } } } } };
        const options = setHeaderOptions('Content-Type', PatchStrategy.StrategicMergePatch);
        return { generation: generationOf(await apps.patchNamespacedDaemonSet({ ...daemonSet, body }, options)) };
      }),

    rollout: () =>
      said(async () => {
        const found = await apps.readNamespacedDaemonSet(daemonSet);
        return rolloutOf(found, await listPods(core));
      }),
  };
}

function apis(endpoint: ApiServerEndpoint, token: string): { core: CoreV1Api; apps: AppsV1Api } {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: endpoint.cluster, server: endpoint.url, caData: endpoint.certificateAuthority, skipTLSVerify: false },
    { name: 'nightshift', token },
  );
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(endpoint.url, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        // A private endpoint swallows packets: without a limit the function would time out without a name.
        pre: async (request) => {
          request.setSignal(AbortSignal.timeout(TIMEOUT_MS));
          return request;
        },
        post: async (response) => response,
      },
    ],
  });
  return { core: new CoreV1Api(configuration), apps: new AppsV1Api(configuration) };
}

async function listPods(core: CoreV1Api): Promise<V1Pod[]> {
  const pods: V1Pod[] = [];
  let next: string | undefined;
  do {
    const page = await core.listNamespacedPod({
      namespace: NAMESPACE,
      labelSelector: SELECTOR,
      limit: PAGE,
      ...(next !== undefined && { _continue: next }),
    });
    pods.push(...page.items);
    next = page.metadata?._continue || undefined;
  } while (next !== undefined);
  return pods;
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

/** Names what stands between nightshift and the API server; what is neither passes as it is. */
async function classified<Value>(endpoint: ApiServerEndpoint, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw classify(error, endpoint);
  }
}

function classify(error: unknown, { cluster, url }: ApiServerEndpoint): unknown {
  if (!(error instanceof ApiException))
    return connectionFailure(error)
      ? new KubernetesUnreachable(
          `The API server of ${cluster} (${url}) does not answer: ${connectionFailure(error)}`,
          {
            nextStep: 'Give the functions a way to the endpoint, or open the public one.',
            cause: error,
          },
        )
      : error;
  if (error.code === 401 || error.code === 403)
    return new KubernetesForbidden(`The API server of ${cluster} refused nightshift (${error.code}).`, {
      nextStep: 'See that an access entry for the Kubernetes role exists: `aws eks list-access-entries`.',
      cause: error,
    });
  if (error.code === 404)
    return new RolloutFailed(`Cluster ${cluster} has no DaemonSet ${NAMESPACE}/${NAME}.`, {
      nextStep: 'See `kubectl -n kube-system get daemonset kube-proxy`.',
      cause: error,
    });
  if (error.code === 429 || error.code >= 500)
    return new KubernetesUnreachable(`The API server of ${cluster} is not able to answer (${error.code}).`, {
      nextStep: 'Start again when it is.',
      cause: error,
    });
  return error;
}

/** undici says `fetch failed` and puts the reason into `cause`; a timeout is a DOMException of that name. */
function connectionFailure(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if (error.name === 'TimeoutError') return `no answer in ${TIMEOUT_MS / 1000} s`;
  if (!(error instanceof TypeError) || error.message !== 'fetch failed') return null;
  return error.cause instanceof Error ? error.cause.message : error.message;
}
