import type { Clock } from '../clock.ts';
import { hears, listening } from '../nodes/metrics-address.ts';
import type { DaemonSetController } from './daemonset-controller.ts';
import type { ApiRequest, Reply } from './request.ts';
import { RESOURCES } from './resources.ts';
import { pathNotFound, serviceUnavailable } from './status.ts';
import type { Store } from './store.ts';

/** `pods/NAME:PORT/proxy/…`: a request to kube-proxy's metrics port through the API server. */
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
  if (!hears(listening(pod.metricsBindAddress), 'outside', port)) throw refused;
  const { machine } = pod.node;
  const { runningMode } = await clock.busy(() => machine.report());
  if (runningMode === null) throw refused;
  switch (rest) {
    case 'proxyMode':
      return { status: 200, contentType: 'text/plain; charset=utf-8', text: runningMode };
    case 'healthz':
      return { status: 200, contentType: 'text/plain; charset=utf-8', text: 'ok' };
    default:
      throw pathNotFound();
  }
}
