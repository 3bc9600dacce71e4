import type { Clock } from '../clock.ts';
import { hears, listening } from '../nodes/metrics-address.ts';
import { metricsText, startSyncs } from '../nodes/syncs.ts';
import type { KubeProxyAnswer } from '../region.ts';
import type { DaemonSetController } from './daemonset-controller.ts';
import { imageMinorVersion } from './kube-proxy-objects.ts';
import type { Pod } from './pod-objects.ts';
import type { ApiRequest, Reply } from './request.ts';
import { RESOURCES } from './resources.ts';
import { pathNotFound, serviceUnavailable } from './status.ts';
import type { Store } from './store.ts';

/** `pods/NAME:PORT/proxy/…`: a request to kube-proxy's ports for metrics and health through the API server. */
export async function proxyToPod(
  store: Store,
  controller: DaemonSetController,
  clock: Clock,
  request: ApiRequest,
): Promise<Reply> {
  const { namespace, name = '', rest } = request.path;
  const [, podName = '', port = '80'] = /^(?:https?:)?([^:]+)(?::(\d+))?:?$/.exec(name) ?? [];
  const object = store.get(RESOURCES.pods, namespace, podName);
  const pod = controller.pod(object.metadata.name);
  const refused = serviceUnavailable(
    `error trying to reach service: dial tcp ${pod?.node.address ?? podName}:${port}: connect: connection refused`,
  );
  if (pod?.state.kind !== 'running' || !pod.node.machine) throw refused;
  const { machine } = pod.node;
  const { since } = pod.state;
  const answer = async (path: 'metrics' | 'healthz' | 'livez'): Promise<Reply> => {
    const given = machine.askKubeProxy ? await machine.askKubeProxy(path) : usualAnswer(path, pod, since, clock.now());
    if (given === null) throw refused;
    return { ...given, contentType: path === 'metrics' ? METRICS : 'application/json' };
  };
  if (port === HEALTH_PORT) {
    if (rest === 'healthz' || rest === 'livez') return clock.busy(() => answer(rest));
    throw pathNotFound();
  }
  if (!hears(listening(pod.metricsBindAddress), 'outside', port)) throw refused;
  const { runningMode } = await clock.busy(() => machine.report());
  if (runningMode === null) throw refused;
  switch (rest) {
    case 'proxyMode':
      return { status: 200, contentType: 'text/plain; charset=utf-8', text: runningMode };
    case 'healthz':
      return { status: 200, contentType: 'text/plain; charset=utf-8', text: 'ok' };
    case 'metrics':
      return clock.busy(() => answer('metrics'));
    default:
      throw pathNotFound();
  }
}

/** `healthzBindAddress` of EKS's configuration: all addresses. */
const HEALTH_PORT = '10256';
const METRICS = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores';

/** The answer of a kube-proxy that works, on a machine that is not asked itself. */
function usualAnswer(
  path: 'metrics' | 'healthz' | 'livez',
  pod: Readonly<Pod>,
  since: Date,
  now: Date,
): KubeProxyAnswer {
  const mode = pod.state.kind === 'running' ? pod.state.mode : 'iptables';
  const version = imageMinorVersion(pod.image) ?? '1.34';
  const syncs = startSyncs({ mode, version, services: 0 }, since, undefined);
  const current = now.toISOString();
  return {
    status: 200,
    text: path === 'metrics' ? metricsText(syncs, now) : JSON.stringify({ lastUpdated: current, currentTime: current }),
  };
}
