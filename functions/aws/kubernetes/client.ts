import { KubernetesForbidden, KubernetesUnreachable, RolloutFailed } from '../../core/errors.ts';
import { type ApiServerEndpoint, NoAnswer, StatusError } from './request.ts';

export const NAMESPACE = 'kube-system';
export const KUBE_PROXY = 'kube-proxy';

const TRIES = 5;

/** Retries a write that conflicts with another writer (409). Throws the conflict at the fifth attempt. */
export async function despiteConflicts<Value>(work: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (error) {
      if (attempt === TRIES || !hasCode(error, 409)) throw error;
    }
  }
}

export function hasCode(error: unknown, ...codes: number[]): boolean {
  return error instanceof StatusError && codes.includes(error.code);
}

/** Turns refusals and missing answers of the API server into named errors; other errors pass unchanged. */
export async function classified<Value>(endpoint: ApiServerEndpoint, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw classify(error, endpoint);
  }
}

function classify(error: unknown, { cluster, url }: ApiServerEndpoint): unknown {
  if (error instanceof NoAnswer)
    return new KubernetesUnreachable(`The API server of ${cluster} (${url}) ${error.message}`, {
      nextStep: 'Give the functions a way to the endpoint, or open the public one.',
      cause: error,
    });
  if (!(error instanceof StatusError)) return error;
  if (error.code === 401 || error.code === 403)
    return new KubernetesForbidden(`The API server of ${cluster} refused nightshift (${error.code}).`, {
      nextStep: `See that the Kubernetes role has an access entry with AmazonEKSViewPolicy and, for kube-system, AmazonEKSEditPolicy: \`aws eks list-access-entries --cluster-name ${cluster}\`.`,
      cause: error,
    });
  if (error.code === 404)
    return new RolloutFailed(`Cluster ${cluster} has no DaemonSet ${NAMESPACE}/${KUBE_PROXY}.`, {
      nextStep: 'See `kubectl -n kube-system get daemonset kube-proxy`.',
      cause: error,
    });
  if (error.code === 409 || error.code === 429 || error.code >= 500)
    return new KubernetesUnreachable(`The API server of ${cluster} cannot answer (${error.code}).`, {
      nextStep: 'Start again when it can.',
      cause: error,
    });
  return error;
}
