import {
  answersFromOutside,
  answersOnNode,
  HEALTHZ_PORT,
  METRICS_PORT,
  metricsAddress,
} from '../nodes/metrics-address.ts';
import type { InventoryNode } from '../nodes/nodes.ts';
import { named } from '../values/named.ts';
import { type Checks, type Finding, notYet, pass, refuse, type Subject } from './check.ts';
import { metricsBindAddress } from './config-map.ts';
import type { Workloads } from './workloads.ts';

const provenBy = ({ inventory }: Subject, by: 'ssm' | 'proxy-mode') =>
  inventory.filter(({ handling }) => handling.by === by);

const OPEN = `Let the API server reach port ${METRICS_PORT} of these nodes: allow it from the cluster security group in the security group of the nodes, and give kube-proxy the metricsBindAddress 0.0.0.0:${METRICS_PORT}.`;

/** Nodes that would be proven through the API server, and did not answer it in this look. */
function silent(nodes: readonly InventoryNode[]): InventoryNode[] {
  return nodes.filter(({ handling }) => handling.by === 'proxy-mode' && handling.mode === null);
}

/** Nodes whose health check does not answer through the API server: it answers 503 for both of the reasons. */
function ill(nodes: readonly InventoryNode[]): InventoryNode[] {
  return nodes.filter(
    ({ handling }) => handling.by === 'proxy-mode' && handling.syncs && handling.syncs.healthz !== 'ok',
  );
}

const FIX_ADDRESS = `Set metricsBindAddress to 0.0.0.0:${METRICS_PORT} in the ConfigMap kube-proxy-config and restart kube-proxy.`;

/**
 * A finding on the address at which the next kube-proxy answers, from the ConfigMap; null if its nodes can be proven
 * there. With the way `addon` EKS writes the ConfigMap again, but a plan that only restarts sends nothing to EKS.
 */
function unheard(subject: Subject, configMap: Workloads['configMap']): Finding | null {
  const [onNode, outside] = [provenBy(subject, 'ssm'), provenBy(subject, 'proxy-mode')];
  if (configMap.kind === 'unreadable')
    return refuse(
      `unknown: where kube-proxy answers on /proxyMode, since its ConfigMap cannot be read: ${configMap.why}`,
      'Give nightshift access to the ConfigMap kube-proxy-config.',
    );
  if (configMap.value === null) return null;
  const text = metricsBindAddress(configMap.value);
  if (text === null)
    return refuse('the ConfigMap kube-proxy-config has a metricsBindAddress that cannot be read', FIX_ADDRESS);
  const address = metricsAddress(text);
  const shown = text === '' ? `127.0.0.1:${METRICS_PORT} (metricsBindAddress is not set)` : text;
  const nodes = [
    ...(address !== null && answersOnNode(address) ? [] : onNode),
    ...(address !== null && answersFromOutside(address) ? [] : outside),
  ];
  if (nodes.length === 0) return null;
  return refuse(
    `kube-proxy answers on ${shown} (metricsBindAddress), but the proof asks on port ${METRICS_PORT}: ${named(nodes.map(({ name }) => name))}`,
    FIX_ADDRESS,
  );
}

/** Checks everything that the proof of a node needs before anything is changed; an unknown answer is refused. */
function proof(subject: Subject): Finding | null {
  const { workloads, strategy } = subject;
  const [onNode, outside] = [provenBy(subject, 'ssm'), provenBy(subject, 'proxy-mode')];
  if (onNode.length + outside.length === 0) return null;
  if (strategy === 'pod-annotations')
    return pass(`EKS writes kube-proxy's ConfigMap anew, with metricsBindAddress 0.0.0.0:${METRICS_PORT}`);
  if (workloads === null)
    return notYet('where kube-proxy answers', 'Nothing to do: it is checked before anything is changed.');
  const wrong = unheard(subject, workloads.configMap);
  if (wrong !== null) return wrong;
  const lost = silent(outside);
  if (lost.length > 0)
    return refuse(
      `kube-proxy does not answer now on port ${METRICS_PORT} through the API server on ${lost.length} of ${outside.length} nodes that are proven so: ${named(lost.map(({ name, id }) => `${name} (${id})`))}`,
      OPEN,
    );
  const unhealthy = ill(outside);
  if (unhealthy.length > 0)
    return refuse(
      `kube-proxy's health check on port ${HEALTHZ_PORT} does not answer with 200 now on ${unhealthy.length} of ${outside.length} nodes that are proven through the API server: ${named(unhealthy.map(({ name, id }) => `${name} (${id})`))}`,
      `Let the API server reach port ${HEALTHZ_PORT} of these nodes, as port ${METRICS_PORT}; if it can, kube-proxy is not healthy there: read its log.`,
    );
  return pass(
    outside.length === 0
      ? `kube-proxy is configured to answer where the proof of ${onNode.length} nodes asks`
      : `kube-proxy answers now on each of ${outside.length} nodes that are proven through the API server`,
  );
}

export const PROOF_CHECKS = {
  proof: {
    source: 'https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/',
    acknowledgeable: false,
    changeOnly: false,
    find: proof,
  },
} satisfies Checks;
