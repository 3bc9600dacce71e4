import * as z from 'zod/mini';
import type { FieldManager } from '../../core/preflight/field-managers.ts';
import { CALICO, CILIUM } from '../../core/preflight/replacement.ts';
import {
  type DaemonSetSummary,
  type EndpointCount,
  findDaemonSet,
  type NodeObject,
  type Read,
  type RolloutRule,
  type ServiceAddresses,
  type ServiceTotals,
  type Workloads,
} from '../../core/preflight/workloads.ts';
import { hasCode } from './client.ts';
import { configMapPath, readConfigWithMarks } from './config-map.ts';
import { ConfigMap, EndpointSlice, FelixConfiguration, marksOf, Node, Service, WorkloadDaemonSet } from './objects.ts';
import { everyItem, everyPage } from './pages.ts';
import { type Api, pathOf } from './request.ts';

/** The parts that are read separately; the other members come with one of these. */
type Part = Exclude<keyof Workloads, 'configMapMarks' | 'serviceTotals' | 'felixNftables'>;

/**
 * Whether the policies that the workflow grants, `AmazonEKSViewPolicy` for the cluster and `AmazonEKSEditPolicy` for
 * kube-system, show a part. They show neither nodes nor custom resources.
 * https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
 */
const GRANTED: Readonly<Record<Part, boolean>> = {
  daemonSets: true,
  configMap: true,
  services: true,
  endpoints: true,
  ciliumReplacement: true,
  felixBpf: false,
  securityGroupPolicies: false,
  nodes: false,
};

/**
 * Reads the workloads that the preflight checks need. A part that the API does not serve (404), or that no policy
 * grants (403), is unreadable; the other parts are not affected. A 403 on a granted part is thrown: the grant has not
 * taken effect everywhere yet, so it says nothing about the cluster.
 */
export async function readWorkloads(api: Api, wanted: { endpoints: boolean }): Promise<Workloads> {
  const asked = [
    attempt('daemonSets', () => listDaemonSets(api)),
    attempt('configMap', () => readConfigWithMarks(api)),
    attempt('services', () => listServices(api)),
    attempt('securityGroupPolicies', () => countSecurityGroupPolicies(api)),
    attempt('nodes', () => listNodes(api)),
    wanted.endpoints ? attempt('endpoints', () => countEndpoints(api)) : null,
  ] as const;
  // A function must not return while a request is open: the request would continue in the next call.
  await Promise.allSettled(asked);
  const [daemonSets, marked, listed, securityGroupPolicies, nodes, endpoints] = await Promise.all(asked);
  const configMap: Workloads['configMap'] =
    marked.kind === 'read' ? { kind: 'read', value: marked.value?.text ?? null } : marked;
  const configMapMarks = marked.kind === 'read' ? marked.value?.marks : undefined;
  const services: Workloads['services'] =
    listed.kind === 'read'
      ? { kind: 'read', value: listed.value.map(serviceOf).filter(({ addresses }) => addresses.length > 0) }
      : listed;
  const found = {
    daemonSets,
    configMap,
    ...(configMapMarks && { configMapMarks }),
    services,
    ...(listed.kind === 'read' && { serviceTotals: totalsOf(listed.value) }),
    ...(endpoints && { endpoints }),
    securityGroupPolicies,
    nodes,
  };
  if (daemonSets.kind === 'unreadable') return found;
  const cilium = findDaemonSet(daemonSets.value, CILIUM);
  const calico = findDaemonSet(daemonSets.value, CALICO);
  return {
    ...found,
    ...(cilium && {
      ciliumReplacement: await attempt('ciliumReplacement', () => ciliumReplacement(api, cilium.namespace)),
    }),
    ...(calico && (await felixParts(api))),
  };
}

/** Throws 401 and all other errors: then no part can be read. */
async function attempt<Value>(part: Part, work: () => Promise<Value>): Promise<Read<Value>> {
  try {
    return { kind: 'read', value: await work() };
  } catch (error) {
    if (hasCode(error, 403) && !GRANTED[part]) return { kind: 'unreadable', why: 'the API server refused it (403)' };
    if (hasCode(error, 404)) return { kind: 'unreadable', why: 'the API server has nothing of that kind (404)' };
    throw error;
  }
}

async function listDaemonSets(api: Api): Promise<DaemonSetSummary[]> {
  return (await everyItem(api, WorkloadDaemonSet, pathOf('apis', 'apps', 'v1', 'daemonsets'))).map(daemonSetOf);
}

function daemonSetOf(set: WorkloadDaemonSet): DaemonSetSummary {
  const { metadata, spec } = set;
  const { containers } = spec.template.spec;
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    ...marksOf(metadata),
    ...(metadata.name === 'kube-proxy' && { fieldManagers: fieldManagersOf(metadata), ...rolloutOf(set) }),
    env: Object.fromEntries(
      containers.flatMap(({ env }) =>
        (env ?? []).flatMap(({ name, value }) => (typeof value === 'string' ? [[name, value]] : [])),
      ),
    ),
    args: containers.flatMap(({ command, args }) => [...(command ?? []), ...(args ?? [])]),
    images: containers.flatMap(({ image }) => image ?? []),
  };
}

function fieldManagersOf({ managedFields }: WorkloadDaemonSet['metadata']): FieldManager[] {
  return (managedFields ?? []).map(({ manager, subresource, fieldsV1 }) => ({
    manager: manager ?? '(without a name)',
    subresource: subresource || null,
    fields: fieldsV1,
  }));
}

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/daemon-set-v1/ has the defaults. */
function rolloutOf({ spec, status }: WorkloadDaemonSet): { rollout?: RolloutRule } {
  const desired = status?.desiredNumberScheduled;
  if (typeof desired !== 'number') return {};
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  return {
    rollout: {
      strategy: type ?? 'RollingUpdate',
      maxUnavailable: rollingUpdate?.maxUnavailable ?? 1,
      maxSurge: rollingUpdate?.maxSurge ?? 0,
      desired,
      available: status?.numberAvailable ?? 0,
    },
  };
}

const listServices = (api: Api): Promise<Service[]> => everyItem(api, Service, pathOf('api', 'v1', 'services'));

/** kube-proxy handles all Services but headless ones and external names. */
export function totalsOf(all: readonly Service[]): ServiceTotals {
  const services = all.filter(({ spec }) => spec.type !== 'ExternalName' && spec.clusterIP !== 'None');
  const open = services.filter(({ spec }) => (spec.ports ?? []).some(({ nodePort }) => (nodePort ?? 0) > 0));
  return { count: services.length, nodePorts: open.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`) };
}

/** Enough to know that a cluster is above every limit of a check. */
const ENOUGH_ENDPOINTS = 50_000;

/**
 * EndpointSlices have no count in their metadata, so their endpoints are counted, up to the first page after the most
 * that a check asks about.
 */
async function countEndpoints(api: Api): Promise<EndpointCount> {
  let count = 0;
  for await (const page of everyPage(api, EndpointSlice, pathOf('apis', 'discovery.k8s.io', 'v1', 'endpointslices'))) {
    count += page.reduce((sum, { endpoints }) => sum + (endpoints?.length ?? 0), 0);
    if (count > ENOUGH_ENDPOINTS) return { count, atLeast: true };
  }
  return { count, atLeast: false };
}

/** With `ipMode: Proxy` kube-proxy does not bind the load balancer's address. */
export function serviceOf({ metadata, spec, status }: Service): ServiceAddresses {
  const balanced = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    typeof ip !== 'string' || ipMode === 'Proxy' ? [] : [ip],
  );
  return {
    service: `${metadata.namespace}/${metadata.name}`,
    addresses: [...new Set([...(spec.externalIPs ?? []), ...balanced])],
  };
}

async function ciliumReplacement(api: Api, namespace: string): Promise<string | null> {
  const { data } = await api.json(ConfigMap, { path: configMapPath(namespace, 'cilium-config') });
  return data?.['kube-proxy-replacement']?.trim().toLowerCase() ?? null;
}

async function felixParts(api: Api): Promise<Pick<Workloads, 'felixBpf' | 'felixNftables'>> {
  const path = pathOf('apis', 'crd.projectcalico.org', 'v1', 'felixconfigurations', 'default');
  const read = await attempt('felixBpf', () => api.json(FelixConfiguration, { path }));
  if (read.kind === 'unreadable') return { felixBpf: read };
  const { bpfEnabled, nftablesMode } = read.value.spec ?? {};
  return { felixBpf: { kind: 'read', value: bpfEnabled ?? null }, felixNftables: nftablesMode ?? null };
}

async function countSecurityGroupPolicies(api: Api): Promise<number> {
  const path = pathOf('apis', 'vpcresources.k8s.aws', 'v1beta1', 'securitygrouppolicies');
  return (await everyItem(api, z.unknown(), path)).length;
}

async function listNodes(api: Api): Promise<NodeObject[]> {
  const nodes = await everyItem(api, Node, pathOf('api', 'v1', 'nodes'));
  return nodes.flatMap(({ metadata, status }) => {
    const kernel = status?.nodeInfo?.kernelVersion;
    const image = status?.nodeInfo?.osImage;
    const ready = status?.conditions?.find(({ type }) => type === 'Ready');
    const notReady = ready !== undefined && ready.status !== 'True' && { notReady: true as const };
    return kernel ? [{ name: metadata.name, kernel, ...(image && { image }), ...notReady }] : [];
  });
}
