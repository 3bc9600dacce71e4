import type { VirtualServer } from '../modes/ipvs-tables.ts';
import type { MapElement } from '../modes/nftables-maps.ts';
import type { SyncFacts } from './syncs.ts';

/** The facts of a node, under the names that the document prints. */
export type NodeFacts = SyncFacts & {
  kernel: string;
  proxyMode: string;
  kubeIpvs0: string;
  /** Virtual servers that kube-proxy made. */
  virtualServers: number;
  /** Virtual servers that kube-proxy did not make: of keepalived, of kube-vip, or with a firewall mark. */
  foreignVirtualServers: number;
  /** ipsets that kube-proxy made. */
  ipsets: number | 'unknown';
  rejectRules: number;
  iptablesServices: number;
  /** kube-proxy's own tables in nftables, `ip kube-proxy` and `ip6 kube-proxy`: 0 to 2. */
  nftTables: number | 'unknown';
  source: string;
  apiServerProbe: string;
  dnsProbe: string;
  /** Microseconds that the connection of the API server's probe took; unknown without a program that measures it. */
  connectMicros: number | 'unknown';
};

/** What validate-node.sh prints, read and not yet judged. */
export interface ValidateOutput {
  facts: NodeFacts;
  /** Of IPVS mode. */
  servers: VirtualServer[];
  /** Of nftables mode. */
  elements: MapElement[];
  /** The raw tables. */
  excerpt: string;
}
