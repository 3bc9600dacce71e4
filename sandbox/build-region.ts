import { createHash } from 'node:crypto';
import { kernelRelease } from './nodes/kernel-release.ts';
import type { ClusterService, WorkerNode } from './region.ts';
import { serviceNetwork } from './service-network.ts';
import type { WorldCluster, WorldNodeGroup } from './world.ts';

/** The mulberry32 generator: enough for spreading latencies, and the same everywhere for the same seed. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Where the API server and CoreDNS run in every sandbox cluster, as kube-proxy sees them. */
const API_SERVER_ENDPOINTS = {
  ipv4: ['192.168.113.81', '192.168.162.166'],
  ipv6: ['[2600:1f14::a1]', '[2600:1f14::a2]'],
};
const DNS_ENDPOINTS = { ipv4: ['192.168.104.215', '192.168.123.227'], ipv6: ['[2600:1f14::d1]', '[2600:1f14::d2]'] };

/**
 * The Services of a cluster, one entry a port: `default/kubernetes` and `kube-system/kube-dns` first, then as many
 * applications as the world asks for, of which the first `servicesWithoutEndpoints` have nothing behind them. That the
 * service CIDR holds them was checked with the world file.
 */
export function buildServices(cluster: WorldCluster): ClusterService[] {
  const { apiServer, dns, family, nth } = serviceNetwork(cluster.serviceCidr);
  const at = (hosts: string[], port: number) => hosts.map((host) => `${host}:${port}`);
  const port = (
    namespace: string,
    name: string,
    clusterIp: string,
    number: number,
    protocol: 'TCP' | 'UDP',
    endpoints: string[],
  ) => ({
    namespace,
    name,
    clusterIp,
    port: number,
    protocol,
    endpoints,
  });
  const services: ClusterService[] = [
    port('default', 'kubernetes', apiServer, 443, 'TCP', at(API_SERVER_ENDPOINTS[family], 443)),
    port('kube-system', 'kube-dns', dns, 53, 'UDP', at(DNS_ENDPOINTS[family], 53)),
    port('kube-system', 'kube-dns', dns, 53, 'TCP', at(DNS_ENDPOINTS[family], 53)),
    port('kube-system', 'kube-dns', dns, 9153, 'TCP', at(DNS_ENDPOINTS[family], 9153)),
  ];
  const applications = Math.max(0, cluster.services - 2);
  for (let index = 0; index < applications; index += 1) {
    const endpoints = index < cluster.servicesWithoutEndpoints ? [] : at(podAddresses(family, index), 8080);
    services.push(port('default', `app-${index + 1}`, nth(index + 16), 80, 'TCP', endpoints));
  }
  return services;
}

const podAddresses = (family: 'ipv4' | 'ipv6', index: number): string[] =>
  [0, 1].map((replica) =>
    family === 'ipv4'
      ? `192.168.${128 + (((index * 2 + replica) >> 8) % 64)}.${(index * 2 + replica) & 255}`
      : `[2600:1f14::${(0x1000 + index * 2 + replica).toString(16)}]`,
  );

/** What a worker node is before its machine runs. */
export type NodePlan = Pick<WorkerNode, 'id' | 'name' | 'os' | 'address' | 'agent' | 'kernel'> & {
  group: WorldNodeGroup;
};

/** The identities of a cluster's worker nodes; the same world file gives the same ones. */
export function planNodes(cluster: WorldCluster, region: string): NodePlan[] {
  const family = cluster.serviceCidr.includes(':') ? 'ipv6' : 'ipv4';
  return cluster.nodeGroups
    .flatMap((group) => Array.from({ length: group.count }, () => group))
    .map((group, index) =>
      planNode({ clusterName: cluster.name, version: cluster.version, region, family, group, index }),
    );
}

/** The `index`th worker node of a cluster, counted over all its node groups from 0. */
export function planNode(from: {
  clusterName: string;
  /** Kubernetes minor version. */
  version: string;
  region: string;
  family: 'ipv4' | 'ipv6';
  group: WorldNodeGroup;
  index: number;
}): NodePlan {
  const { clusterName, version, region, family, group, index } = from;
  const ipv4 = `192.168.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
  const domain = region === 'us-east-1' ? 'ec2.internal' : `${region}.compute.internal`;
  const host = `ip-${ipv4.replaceAll('.', '-')}.${domain}`;
  const name = group.os === 'fargate' ? `fargate-${host}` : host;
  const id = createHash('sha256').update(`${clusterName}/${index}`).digest('hex').slice(0, 16);
  return {
    id: group.os === 'fargate' ? name : `i-0${id}`,
    name,
    os: group.os,
    address: family === 'ipv4' ? ipv4 : `2600:1f14::b:${(index + 1).toString(16)}`,
    agent: group.os === 'fargate' ? 'none' : group.ssm,
    kernel: group.kernel ?? kernelRelease(group.os, version),
    group,
  };
}
