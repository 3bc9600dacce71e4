import type { Countdown } from '../faults/countdown.ts';
import type { ProxyMode } from '../region.ts';
import type { ModuleTree } from './kube-proxy-start.ts';
import { hears, type Listening } from './metrics-address.ts';
import type { Programmed } from './model-rules.ts';
import { metricsText, reportSyncs, type Syncs, type SyncTrouble } from './syncs.ts';

/** Everything that a model node remembers. */
export interface ModelState {
  readonly kernel: string;
  /** `none`: a node with a different package manager. */
  readonly packageManager: 'dnf' | 'yum' | 'apt-get' | 'none';
  packageMirror: 'up' | 'down';
  ipvsadmInstalled: boolean;
  readonly modules: ModuleTree;
  /** The mode that `/proxyMode` answers; null if kube-proxy does not answer. */
  kubeProxy: ProxyMode | null;
  /** Where it answers. */
  metrics: Listening;
  /** How its syncs go, and what they write; null if it does not run. */
  syncs: (Syncs & { readonly writes: Followed; readonly scheduler: string }) | null;
  iptables: Programmed | null;
  ipvs: Programmed | null;
  /** The maps of kube-proxy's two tables. */
  nftables: Programmed | null;
  /** Whether the ipsets of IPVS mode are there: on an IPv6 node they may be there without the rest of that mode. */
  ipsets: boolean;
  /** Of the virtual servers that are there. */
  ipvsScheduler: string | null;
  /**
   * Virtual servers that kube-proxy did not make, as `tcp/10.0.0.5:80` or `fwm/7`. One in IPVS mode deletes them, and
   * one that enters nftables mode.
   */
  foreignVirtualServers: readonly string[];
  /** Whether KUBE-SERVICES in table nat leads to the chains of iptables mode. */
  natLeadsToIptables: boolean;
  /** Starts of kube-proxy that are to fail, by the mode that they are for. */
  readonly crashes: Countdown<ProxyMode | 'any'>;
  /** Proofs that are to show cluster DNS without a real server. */
  readonly dnsWithoutBackends: Countdown<'dns'>;
  /**
   * Proofs of iptables mode that shall not reach the API server's ClusterIP, as pods on the host network may after
   * IPVS mode: https://github.com/aws/containers-roadmap/issues/2826
   */
  readonly apiServerLost: Countdown<'api-server'>;
  /** Starts of kube-proxy in a mode after which all its syncs fail, or take very long. */
  readonly syncTroubles: Countdown<{ trouble: SyncTrouble; mode: ProxyMode }>;
  /** Starts of kube-proxy that shall leave the tables of nftables mode where they are. */
  readonly nftLeftovers: Countdown<'tables'>;
  /** Base chains of others that drop what they do not know, as `inet/filter/input`. */
  readonly dropChains: readonly string[];
  /** Packets to node ports on 127.0.0.1 that kube-proxy counts in iptables mode. */
  readonly localhostNodePorts: number;
  readonly now: () => Date;
}

type Followed = Extract<Programmed, { kind: 'followed' }>;

/** What kube-proxy answers on the node itself at this moment; null where nobody listens. */
export interface KubeProxyAnswers {
  /** Port 10249. */
  proxyMode: ProxyMode | null;
  /** Port 10249. Each answer of a kube-proxy whose syncs fail counts one more failure. */
  metrics: string | null;
  /** Port 10256. */
  healthz: 'ok' | 'failed' | null;
}

/** What the scripts of a node's documents get from its kube-proxy; `later`: milliseconds from now. */
export function askKubeProxy(state: ModelState, later = 0): KubeProxyAnswers {
  const { kubeProxy, syncs, metrics } = state;
  if (kubeProxy === null || syncs === null) return { proxyMode: null, metrics: null, healthz: null };
  const now = new Date(state.now().getTime() + later);
  const heard = hears(metrics, 'node', '10249');
  return {
    proxyMode: heard ? kubeProxy : null,
    metrics: heard ? metricsText(syncs, now, state.localhostNodePorts) : null,
    healthz: reportSyncs(syncs, now).healthy ? 'ok' : 'failed',
  };
}

/** kube-proxy writes its rules for both families of addresses, whatever the cluster has. */
export const NFT_TABLES = 2;
