import type { MigrationRequest } from '../execution/request.ts';
import { MODES } from '../modes/index.ts';
import { named } from '../values/named.ts';
import { block, type Checks, type Finding, pass, type Subject, unknown, warn, workloadCheck } from './check.ts';
import { kubeProxyMinor } from './daemon-set.ts';
import { readVersion } from './kube-proxy-version.ts';
import type { ClusterSnapshot } from './snapshot.ts';
import type { Workloads } from './workloads.ts';

/** The first kube-proxy that AWS recommends for nftables mode: it writes only what changed. */
export const RECOMMENDED_MINOR = 36;

const counted = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

function nodePortAddresses({ serviceTotals, services }: Workloads): Finding {
  const fix =
    'Give clients that use another address of a node the primary one. Load balancers that have instances as targets use it already.';
  if (serviceTotals === undefined)
    return unknown(
      `which Services have node ports${services.kind === 'unreadable' ? `: ${services.why}` : ''}`,
      'See `kubectl get services -A`: in nftables mode node ports answer only on the primary address of a node.',
    );
  const { nodePorts } = serviceTotals;
  if (nodePorts.length === 0) return pass('no Service has a node port');
  return warn(
    `in nftables mode node ports answer only on the primary address of a node, and not on 127.0.0.1; ${counted(nodePorts.length, 'Service')} with node ports: ${named(nodePorts)}`,
    fix,
  );
}

/** Whether the number of endpoints matters to the change: they are counted only then. */
export function countsEndpoints({ addon }: ClusterSnapshot, { target }: MigrationRequest): boolean {
  const minor = addon === null ? null : (readVersion(addon.version)?.[1] ?? null);
  return MODES[target.mode].checks.includes('cluster-size') && isAffected(minor);
}
const isAffected = (minor: number | null): boolean => minor === null || minor < RECOMMENDED_MINOR;

const SYNCS =
  'before 1.36 one sync of 5,006 Services with 250,011 endpoints has taken 2 min 13 s on kernel 6.12 and 13 min 15 s on kernel 6.1, in which no change of a Service takes effect';
/** With more Services than this iptables mode is slow, and so is a sync of older kube-proxies in nftables mode. */
export const MANY_SERVICES = 1_000;
/** Inferred from the measured syncs: a fifth of those endpoints. */
const MANY_ENDPOINTS = 50_000;

function clusterSize({ serviceTotals, services, endpoints }: Workloads, subject: Subject): Finding {
  const minor = kubeProxyMinor(subject);
  if (!isAffected(minor)) return pass(`kube-proxy 1.${minor} writes only what changed, in clusters of every size`);
  const fix = `Update the cluster to Kubernetes 1.${RECOMMENDED_MINOR} first.`;
  const version = minor === null ? 'an unknown version' : `1.${minor}`;
  if (endpoints?.kind === 'read' && endpoints.value.count > MANY_ENDPOINTS)
    return block(
      `the cluster has more than ${counted(MANY_ENDPOINTS, 'endpoint')} and kube-proxy ${version}: ${SYNCS}`,
      `${fix} Or acknowledge cluster-size after a test in a cluster of this size.`,
    );
  if (serviceTotals === undefined)
    return unknown(`how many Services there are${services.kind === 'unreadable' ? `: ${services.why}` : ''}`, fix);
  const { count } = serviceTotals;
  const unread = endpoints?.kind === 'unreadable' ? `; endpoints cannot be counted: ${endpoints.why}` : '';
  if (count > MANY_SERVICES)
    return warn(`${counted(count, 'Service')} and kube-proxy ${version}: ${SYNCS}${unread}`, fix);
  if (endpoints?.kind !== 'read')
    return unknown(`how many endpoints the ${counted(count, 'Service')} have${unread.replace(/^; [^:]*/, '')}`, fix);
  return pass(`${counted(count, 'Service')} with ${counted(endpoints.value.count, 'endpoint')}`);
}

export const SERVICE_CHECKS = {
  'node-port-addresses': {
    source: 'https://kubernetes.io/docs/reference/networking/virtual-ips/#migrating-from-iptables-mode-to-nftables',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('Services with node ports', nodePortAddresses),
  },
  'cluster-size': {
    source: 'https://github.com/kubernetes/kubernetes/issues/135639',
    acknowledgeable: true,
    changeOnly: true,
    find: workloadCheck('the number of Services and endpoints', clusterSize),
  },
} satisfies Checks;
