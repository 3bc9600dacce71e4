import {
  ApiException,
  type AppsV1Api,
  type CoreV1Api,
  type CustomObjectsApi,
  type V1DaemonSet,
  type V1Service,
} from '@kubernetes/client-node';
import { CALICO, CILIUM } from '../../core/preflight/replacement.ts';
import {
  type DaemonSetSummary,
  findDaemonSet,
  type Read,
  type ServiceAddresses,
  type Workloads,
} from '../../core/preflight/workloads.ts';
import { readConfig } from './config-map.ts';
import { everyPage } from './pages.ts';

/** The clients that reading workloads takes. */
export interface WorkloadApis {
  core: CoreV1Api;
  apps: AppsV1Api;
  custom: CustomObjectsApi;
}

/**
 * Reads what the preflight checks ask of a cluster's workloads. A part that the API refuses (403) or does not serve (404)
 * is unreadable, each on its own: `AmazonEKSViewPolicy` shows neither nodes nor custom resources.
 * https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html
 */
export async function readWorkloads(apis: WorkloadApis): Promise<Workloads> {
  const { core, custom } = apis;
  const [daemonSets, configMap, services, securityGroupPolicies, nodes] = await Promise.all([
    attempt(() => listDaemonSets(apis)),
    attempt(() => readConfig(core)),
    attempt(() => listServices(core)),
    attempt(() => countSecurityGroupPolicies(custom)),
    attempt(() => listNodes(core)),
  ]);
  const found = { daemonSets, configMap, services, securityGroupPolicies, nodes };
  if (daemonSets.kind === 'unreadable') return found;
  const cilium = findDaemonSet(daemonSets.value, CILIUM);
  const calico = findDaemonSet(daemonSets.value, CALICO);
  return {
    ...found,
    ...(cilium && { ciliumReplacement: await attempt(() => ciliumReplacement(core, cilium.namespace)) }),
    ...(calico && { felixBpf: await attempt(() => felixBpf(custom)) }),
  };
}

/** 401 and everything else passes: then nothing at all can be read. */
async function attempt<Value>(work: () => Promise<Value>): Promise<Read<Value>> {
  try {
    return { kind: 'read', value: await work() };
  } catch (error) {
    if (!(error instanceof ApiException)) throw error;
    if (error.code === 403) return { kind: 'unreadable', why: 'the API server refused it (403)' };
    if (error.code === 404) return { kind: 'unreadable', why: 'the API server has nothing of that kind (404)' };
    throw error;
  }
}

async function listDaemonSets({ apps }: WorkloadApis): Promise<DaemonSetSummary[]> {
  return (await everyPage((page) => apps.listDaemonSetForAllNamespaces(page))).map(daemonSetOf);
}

/** Throws when the API server leaves out what a DaemonSet is known by. */
export function daemonSetOf({ metadata, spec }: V1DaemonSet): DaemonSetSummary {
  if (!metadata?.name || !metadata.namespace) throw new Error('the API server listed a DaemonSet without its name');
  const containers = spec?.template.spec?.containers ?? [];
  return {
    namespace: metadata.namespace,
    name: metadata.name,
    labels: metadata.labels ?? {},
    env: Object.fromEntries(
      containers.flatMap(({ env }) =>
        (env ?? []).flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
      ),
    ),
    args: containers.flatMap(({ command, args }) => [...(command ?? []), ...(args ?? [])]),
    images: containers.flatMap(({ image }) => image ?? []),
  };
}

async function listServices(core: CoreV1Api): Promise<ServiceAddresses[]> {
  const services = await everyPage((page) => core.listServiceForAllNamespaces(page));
  return services.map(serviceOf).filter(({ addresses }) => addresses.length > 0);
}

/** With `ipMode: Proxy` kube-proxy does not bind a load balancer's address. */
export function serviceOf({ metadata, spec, status }: V1Service): ServiceAddresses {
  const balanced = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    ip === undefined || ipMode === 'Proxy' ? [] : [ip],
  );
  return {
    service: `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`,
    addresses: [...new Set([...(spec?.externalIPs ?? []), ...balanced])],
  };
}

async function ciliumReplacement(core: CoreV1Api, namespace: string): Promise<string | null> {
  const { data } = await core.readNamespacedConfigMap({ namespace, name: 'cilium-config' });
  return data?.['kube-proxy-replacement']?.trim().toLowerCase() ?? null;
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;

async function felixBpf(custom: CustomObjectsApi): Promise<boolean | null> {
  const felix: unknown = await custom.getClusterCustomObject({
    group: 'crd.projectcalico.org',
    version: 'v1',
    plural: 'felixconfigurations',
    name: 'default',
  });
  const enabled = field(field(felix, 'spec'), 'bpfEnabled');
  return typeof enabled === 'boolean' ? enabled : null;
}

async function countSecurityGroupPolicies(custom: CustomObjectsApi): Promise<number> {
  const list: unknown = await custom.listClusterCustomObject({
    group: 'vpcresources.k8s.aws',
    version: 'v1beta1',
    plural: 'securitygrouppolicies',
  });
  const items = field(list, 'items');
  if (!Array.isArray(items)) throw new Error('the API server listed SecurityGroupPolicies without items');
  return items.length;
}

async function listNodes(core: CoreV1Api): Promise<{ name: string; kernel: string }[]> {
  const nodes = await everyPage((page) => core.listNode(page));
  return nodes.flatMap(({ metadata, status }) => {
    const kernel = status?.nodeInfo?.kernelVersion;
    return metadata?.name && kernel ? [{ name: metadata.name, kernel }] : [];
  });
}
