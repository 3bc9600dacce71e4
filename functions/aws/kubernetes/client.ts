import {
  ApiException,
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  createConfiguration,
  KubeConfig,
  type RequestContext,
  type SecurityAuthentication,
  ServerConfiguration,
} from '@kubernetes/client-node';
import { KubernetesForbidden, KubernetesUnreachable, RolloutFailed } from '../../core/errors.ts';
import type { ApiServerEndpoint } from '../eks.ts';

export const NAMESPACE = 'kube-system';
export const KUBE_PROXY = 'kube-proxy';
const TIMEOUT_MS = 15_000;

/** The clients of one cluster's API with a bearer token for it. */
export function apis(
  endpoint: ApiServerEndpoint,
  token: string,
): { core: CoreV1Api; apps: AppsV1Api; custom: CustomObjectsApi } {
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(endpoint.url, {}),
    authMethods: { default: authentication(endpoint, token) },
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
  return {
    core: new CoreV1Api(configuration),
    apps: new AppsV1Api(configuration),
    custom: new CustomObjectsApi(configuration),
  };
}

/** What carries requests to one API server: undici's pool of TLS connections. */
type Connections = NonNullable<ReturnType<RequestContext['getDispatcher']>>;
const kept = new Map<string, Connections>();
/** A function that goes from cluster to cluster must not collect their pools; an idle one closes itself. */
const KEPT = 8;

/**
 * KubeConfig makes a new pool for every request, which costs a TLS handshake each: here the requests to one API server,
 * whose certificate one authority vouches for, share a pool. The token is a header of the request, not of the pool.
 */
function authentication(endpoint: ApiServerEndpoint, token: string): SecurityAuthentication {
  const config = new KubeConfig();
  config.loadFromClusterAndUser(
    { name: endpoint.cluster, server: endpoint.url, caData: endpoint.certificateAuthority, skipTLSVerify: false },
    { name: 'nightshift', token },
  );
  const key = `${endpoint.url} ${endpoint.certificateAuthority}`;
  return {
    getName: () => config.getName(),
    async applySecurityAuthentication(context) {
      const connections = kept.get(key);
      if (connections) {
        context.setHeaderParam('Authorization', `Bearer ${token}`);
        context.setDispatcher(connections);
        return;
      }
      await config.applySecurityAuthentication(context);
      const made = context.getDispatcher();
      if (!made) return;
      if (kept.size === KEPT) kept.clear();
      kept.set(key, made);
    },
  };
}

const TRIES = 5;

/** Tries again what conflicts with another writer (409). Throws the conflict when it does so five times. */
export async function despiteConflicts<Value>(work: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === TRIES || !hasCode(error, 409)) throw error;
    }
  }
}

export function hasCode(error: unknown, code: number): boolean {
  return error instanceof ApiException && error.code === code;
}

/** Names what stands between nightshift and the API server; what is neither passes as it is. */
export async function classified<Value>(endpoint: ApiServerEndpoint, work: () => Promise<Value>): Promise<Value> {
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
    return new RolloutFailed(`Cluster ${cluster} has no DaemonSet ${NAMESPACE}/${KUBE_PROXY}.`, {
      nextStep: 'See `kubectl -n kube-system get daemonset kube-proxy`.',
      cause: error,
    });
  if (error.code === 409 || error.code === 429 || error.code >= 500)
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
