import { type SyncFacts, syncFactsOf } from '../../core/evidence/syncs.ts';
import { HEALTHZ_PORT, METRICS_PORT } from '../../core/nodes/metrics-address.ts';
import { mapLimited } from '../clients.ts';
import { askPod } from './canary.ts';
import { hasCode } from './client.ts';
import type { ProxyModeLimits } from './proxy-modes.ts';
import { type Api, TimedOut } from './request.ts';

const LIMITS: ProxyModeLimits = { atOnce: 32, each: 5_000, together: 60_000 };

/**
 * What the kube-proxy of each pod reports about its own work, by pod name: through the API server, which asks the pod.
 * All pods are asked for their metrics twice, the second time after all others, so that a counter has time to rise.
 * After the time for all pods, what was not asked is unknown.
 */
export async function askSyncs(
  api: Api,
  pods: readonly string[],
  limits: ProxyModeLimits = LIMITS,
): Promise<Map<string, SyncFacts>> {
  const ends = performance.now() + limits.together;
  const ask = async (pod: string, port: number, path: string): Promise<Answer> =>
    performance.now() < ends ? answerOf(api, pod, { port, path, timeout: limits.each }) : SILENT;
  /** On a node that is to be removed, a healthy kube-proxy answers 503 on /healthz, so that load balancers leave the node. */
  const health = async (pod: string): Promise<Answer> => {
    const answer = await ask(pod, HEALTHZ_PORT, 'healthz');
    return answer.kind === 'failed' && (await ask(pod, HEALTHZ_PORT, 'livez')).kind === 'ok'
      ? { ...answer, kind: 'ok' }
      : answer;
  };
  const first = new Map(
    await mapLimited(
      pods,
      limits.atOnce,
      async (pod): Promise<[string, { healthz: Answer; metrics: Answer }]> => [
        pod,
        { healthz: await health(pod), metrics: await ask(pod, METRICS_PORT, 'metrics') },
      ],
    ),
  );
  return new Map(
    await mapLimited(pods, limits.atOnce, async (pod): Promise<[string, SyncFacts]> => {
      const { healthz, metrics } = first.get(pod) ?? { healthz: SILENT, metrics: SILENT };
      const later = await ask(pod, METRICS_PORT, 'metrics');
      return [pod, syncFactsOf(healthz.kind, metrics.text, later.text)];
    }),
  );
}

interface Answer {
  kind: SyncFacts['healthz'];
  text: string | null;
}
const SILENT: Answer = { kind: 'unreachable', text: null };

/** A kube-proxy that is not healthy answers 503, which the API server passes on. */
async function answerOf(
  api: Api,
  pod: string,
  request: { port: number; path: string; timeout: number },
): Promise<Answer> {
  try {
    return { kind: 'ok', text: await askPod(api, pod, request) };
  } catch (error) {
    if (hasCode(error, 503)) return { kind: 'failed', text: null };
    if (error instanceof TimedOut || hasCode(error, 404, 500, 502, 504)) return SILENT;
    throw error;
  }
}
