import ipaddr from 'ipaddr.js';
import type { ClusterService } from '../region.ts';

/**
 * What one mode of kube-proxy has programmed on a node. While kube-proxy runs in that mode it follows the cluster's
 * Services (the array is the cluster's own and shared by all its nodes); once it has left, nothing changes any more.
 */
export type Programmed =
  | { kind: 'followed'; services: readonly ClusterService[] }
  | ({ kind: 'left'; services: readonly ClusterService[] } & Numbers);

/** Ports of Services, those of them that have something behind them, and all that is behind them. */
export interface Numbers {
  total: number;
  withEndpoints: number;
  endpoints: number;
}

/** The Services of the API server and of DNS: the only ones of which a proof asks more than their number. */
const isProven = (service: ClusterService): boolean =>
  (service.namespace === 'default' && service.name === 'kubernetes') ||
  (service.namespace === 'kube-system' && service.name === 'kube-dns');

/** Keeps what a mode leaves behind: numbers, and copies of the few Services that a proof asks for. */
export function leave(programmed: Programmed | null): Programmed | null {
  if (programmed === null || programmed.kind === 'left') return programmed;
  const { services } = programmed;
  return {
    kind: 'left',
    services: services.filter(isProven).map((service) => ({ ...service, endpoints: [...service.endpoints] })),
    ...count(programmed),
  };
}

/** How much is programmed. */
export function count(programmed: Programmed | null): Numbers {
  if (programmed === null) return { total: 0, withEndpoints: 0, endpoints: 0 };
  if (programmed.kind === 'left')
    return { total: programmed.total, withEndpoints: programmed.withEndpoints, endpoints: programmed.endpoints };
  let withEndpoints = 0;
  let endpoints = 0;
  for (const service of programmed.services) {
    if (service.endpoints.length > 0) withEndpoints += 1;
    endpoints += service.endpoints.length;
  }
  return { total: programmed.services.length, withEndpoints, endpoints };
}

/** The endpoints of one virtual server in the order of their addresses, or null if there is no such server. */
export function endpointsOf(
  programmed: Programmed | null,
  wanted: { protocol: 'TCP' | 'UDP'; address: string; port: number },
): string[] | null {
  const found = programmed?.services.find(
    (service) =>
      service.clusterIp === wanted.address && service.port === wanted.port && service.protocol === wanted.protocol,
  );
  return found ? [...found.endpoints].sort(byAddress) : null;
}

/** An endpoint's two parts; the address without brackets. */
export const split = (endpoint: string): { address: string; port: number } => {
  const colon = endpoint.lastIndexOf(':');
  return { address: endpoint.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(endpoint.slice(colon + 1)) };
};

function byAddress(left: string, right: string): number {
  const a = ipaddr.parse(split(left).address).toByteArray();
  const b = ipaddr.parse(split(right).address).toByteArray();
  for (const [index, byte] of a.entries()) {
    const other = b[index] ?? 0;
    if (byte !== other) return byte - other;
  }
  return split(left).port - split(right).port;
}
