/** The port on which a node's proof asks kube-proxy for its mode: its own default, which EKS leaves as it is. */
export const METRICS_PORT = 10249;
/** The port on which it says whether it is healthy: its own default, too. */
export const HEALTHZ_PORT = 10256;

/** Where kube-proxy answers on `/proxyMode`: an address of the node, and a port. */
export interface MetricsAddress {
  host: string;
  port: number;
}

/**
 * Reads `metricsBindAddress` as kube-proxy does: not set is 127.0.0.1:10249, an address without a port gets 10249. Null
 * for a text with which kube-proxy does not start.
 * https://kubernetes.io/docs/reference/config-api/kube-proxy-config.v1alpha1/
 */
export function metricsAddress(text: string): MetricsAddress | null {
  if (text === '') return { host: '127.0.0.1', port: METRICS_PORT };
  const [, bracketed, plain, port] = /^(?:\[([0-9a-fA-F:.]*)\]|([^:[\]]*))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined) return { host, port: port === undefined ? METRICS_PORT : Number(port) };
  // An IPv6 address alone needs no brackets.
  return /^[0-9a-fA-F:.]+$/.test(text) && text.split(':').length > 2 ? { host: text, port: METRICS_PORT } : null;
}

const EVERY_ADDRESS = ['', '0.0.0.0', '::'];
const LOOPBACK = ['127.0.0.1', '::1'];

/** Whether validate-node.sh, which asks 127.0.0.1 and ::1 on the node itself, gets an answer. */
export const answersOnNode = ({ host, port }: MetricsAddress): boolean =>
  port === METRICS_PORT && (EVERY_ADDRESS.includes(host) || LOOPBACK.includes(host));

/** Whether the API server, which asks the node's own address, gets an answer. */
export const answersFromOutside = ({ host, port }: MetricsAddress): boolean =>
  port === METRICS_PORT && EVERY_ADDRESS.includes(host);
