import { METRICS_PORT } from '../../core/nodes/metrics-address.ts';
import { mapLimited } from '../clients.ts';
import { askPod } from './canary.ts';
import { hasCode } from './client.ts';
import { type Api, TimedOut } from './request.ts';

/** Limits for requests to many pods; times in milliseconds. */
export interface ProxyModeLimits {
  /** How many pods are asked at a time. */
  atOnce: number;
  /** kube-proxy answers in milliseconds; for a node that drops packets the API server would wait half a minute. */
  each: number;
  /** The limit for all pods together: the calling function has 170 s. */
  together: number;
}

const LIMITS: ProxyModeLimits = { atOnce: 32, each: 5_000, together: 75_000 };

/**
 * kube-proxy's answers on `/proxyMode`, by pod name. A pod that does not answer is asked once more after all others;
 * its value is null if it still does not answer, or if the time for all pods is over.
 */
export async function askProxyModes(
  api: Api,
  pods: readonly string[],
  limits: ProxyModeLimits = LIMITS,
): Promise<Map<string, string | null>> {
  const ends = performance.now() + limits.together;
  const modes = new Map<string, string | null>(pods.map((pod) => [pod, null]));
  const ask = async (pod: string) => {
    if (performance.now() < ends) modes.set(pod, await proxyMode(api, pod, limits.each));
  };
  await mapLimited(pods, limits.atOnce, ask);
  const silent = pods.filter((pod) => modes.get(pod) === null);
  await mapLimited(silent, limits.atOnce, ask);
  return modes;
}

/**
 * If the API server cannot reach a pod, it answers 404, 500 or 502 to 504. If it does not answer in time, it is still
 * waiting for the pod: a security group that blocks it drops the packets.
 */
async function proxyMode(api: Api, pod: string, timeout: number): Promise<string | null> {
  try {
    return (await askPod(api, pod, { port: METRICS_PORT, path: 'proxyMode', timeout })).trim();
  } catch (error) {
    if (error instanceof TimedOut || hasCode(error, 404, 500, 502, 503, 504)) return null;
    throw error;
  }
}
