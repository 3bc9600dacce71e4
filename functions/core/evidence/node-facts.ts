import type { VirtualServer } from '../modes/ipvs-tables.ts';

/** The facts of a node, under the names that the document prints. */
export type NodeFacts = {
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
  source: string;
  apiServerProbe: string;
  dnsProbe: string;
};

/** What validate-node.sh prints, read and not yet judged. */
export interface ValidateOutput {
  facts: NodeFacts;
  servers: VirtualServer[];
  /** The raw tables. */
  excerpt: string;
}
