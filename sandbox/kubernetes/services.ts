import type { ClusterService } from '../region.ts';
import type { ClusterData } from './cluster-data.ts';
import { type KubeObject, keyOf, stableSuffix } from './object.ts';
import type { Store } from './store.ts';

/** The ports of one Service, in the world's order. */
type Ports = readonly [ClusterService, ...ClusterService[]];

function grouped(services: readonly ClusterService[]): Ports[] {
  const groups = new Map<string, [ClusterService, ...ClusterService[]]>();
  for (const service of services) {
    const key = keyOf(service.namespace, service.name);
    const group = groups.get(key);
    if (group) group.push(service);
    else groups.set(key, [service]);
  }
  return [...groups.values()];
}

/** kube-dns' and the API server's port names are the ones that every cluster has. */
function portName({ namespace, name, port, protocol }: ClusterService): string {
  if (namespace === 'default' && name === 'kubernetes') return 'https';
  if (name === 'kube-dns' && port === 53) return protocol === 'TCP' ? 'dns-tcp' : 'dns';
  if (name === 'kube-dns' && port === 9153) return 'metrics';
  return `${protocol.toLowerCase()}-${port}`;
}

/** `192.168.1.10:8080` or `[fd00::1]:8080` in its two parts. */
function splitEndpoint(endpoint: string): { ip: string; port: number } {
  const colon = endpoint.lastIndexOf(':');
  return { ip: endpoint.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(endpoint.slice(colon + 1)) };
}

function targetPort(service: ClusterService): number {
  const first = service.endpoints[0];
  return first === undefined ? service.port : splitEndpoint(first).port;
}

function addresses(ports: Ports): string[] {
  return [...new Set(ports.flatMap((port) => port.endpoints.map((endpoint) => splitEndpoint(endpoint).ip)))];
}

/** More addresses of the first application, if the world has some. No machine has an address of 192.0.2.0/24. */
function externalIps({ workloads, nodes, ipFamily }: ClusterData): string[] {
  if (workloads?.externalIps === undefined) return [];
  if (workloads.externalIps === 'other') return [ipFamily === 'ipv6' ? '2001:db8::17' : '192.0.2.17'];
  return nodes.slice(0, 1).map(({ address }) => address);
}

/** Services of the cluster as objects. */
export function serviceObjects(cluster: ClusterData, store: Store): KubeObject[] {
  const external = externalIps(cluster);
  return grouped(cluster.services).map((ports) => {
    const { namespace, name, clusterIp } = ports[0];
    const labels: Record<string, string> =
      name === 'kubernetes' ? { component: 'apiserver', provider: 'kubernetes' } : { app: name };
    return {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { ...store.initialMetadata('Service', namespace, name, cluster.createdAt), labels },
      spec: {
        clusterIP: clusterIp,
        clusterIPs: [clusterIp],
        ...(name === 'app-1' && external.length > 0 ? { externalIPs: external } : {}),
        internalTrafficPolicy: 'Cluster',
        ipFamilies: [cluster.ipFamily === 'ipv6' ? 'IPv6' : 'IPv4'],
        ipFamilyPolicy: 'SingleStack',
        ports: ports.map((port) => ({
          ...(name === 'app-1' && cluster.workloads?.nodePort ? { nodePort: 30_080 } : {}),
          name: portName(port),
          port: port.port,
          protocol: port.protocol,
          targetPort: targetPort(port),
        })),
        ...(name === 'kubernetes' ? {} : { selector: { app: name } }),
        sessionAffinity: 'None',
        type: name === 'app-1' && cluster.workloads?.nodePort ? 'NodePort' : 'ClusterIP',
      },
      status: { loadBalancer: {} },
    };
  });
}

/** One Endpoints object per Service. */
export function endpointsObjects(cluster: ClusterData, store: Store): KubeObject[] {
  return grouped(cluster.services).map((ports) => {
    const { namespace, name } = ports[0];
    const found = addresses(ports);
    const subset = {
      addresses: found.map((ip) => ({ ip })),
      ports: ports.map((port) => ({ name: portName(port), port: targetPort(port), protocol: port.protocol })),
    };
    return {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: store.initialMetadata('Endpoints', namespace, name, cluster.createdAt),
      ...(found.length === 0 ? {} : { subsets: [subset] }),
    };
  });
}

/** One EndpointSlice per Service. */
export function endpointSliceObjects(cluster: ClusterData, store: Store): KubeObject[] {
  return grouped(cluster.services).map((ports) => {
    const { namespace, name } = ports[0];
    const slice =
      name === 'kubernetes' && namespace === 'default' ? name : `${name}-${stableSuffix(5, namespace, name)}`;
    return {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: {
        ...store.initialMetadata('EndpointSlice', namespace, slice, cluster.createdAt),
        labels: { 'kubernetes.io/service-name': name },
      },
      addressType: cluster.ipFamily === 'ipv6' ? 'IPv6' : 'IPv4',
      endpoints: addresses(ports).map((ip) => ({
        addresses: [ip],
        conditions: { ready: true, serving: true, terminating: false },
      })),
      ports: ports.map((port) => ({ name: portName(port), port: targetPort(port), protocol: port.protocol })),
    };
  });
}

/** Every namespace that holds something, and those that each cluster has. */
export function namespaceObjects(cluster: ClusterData, store: Store): KubeObject[] {
  const names = new Set(['default', 'kube-node-lease', 'kube-public', 'kube-system']);
  for (const service of cluster.services) names.add(service.namespace);
  return [...names].map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: {
      ...store.initialMetadata('Namespace', undefined, name, cluster.createdAt),
      labels: { 'kubernetes.io/metadata.name': name },
    },
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }));
}
