import { vpcCni } from '../vpc-cni.ts';
import type { ClusterData } from './cluster-data.ts';
import type { Draft, KubeObject } from './object.ts';
import { RESOURCES, type ResourceType } from './resources.ts';
import type { Store } from './store.ts';

interface Agent {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  image: string;
  env?: Record<string, string>;
  args?: string[];
  /** Further containers. */
  sidecars?: { name: string; image: string }[];
}

/** A DaemonSet of another application: it runs everywhere, and the sandbox has no controller for it. */
function daemonSet(cluster: ClusterData, { name, namespace = 'kube-system', labels = {}, ...agent }: Agent): Draft {
  const selector = { 'k8s-app': name, ...labels };
  const nodes = cluster.nodes.filter(({ machine, terminated }) => machine !== null && !terminated).length;
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace, labels: selector },
    spec: {
      selector: { matchLabels: selector },
      template: {
        metadata: { labels: selector },
        spec: {
          hostNetwork: true,
          containers: [
            {
              name,
              image: agent.image,
              ...(agent.args && { args: agent.args }),
              env: Object.entries(agent.env ?? {}).map(([variable, value]) => ({ name: variable, value })),
            },
            ...(agent.sidecars ?? []),
          ],
        },
      },
      updateStrategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' }, type: 'RollingUpdate' },
    },
    status: {
      currentNumberScheduled: nodes,
      desiredNumberScheduled: nodes,
      numberAvailable: nodes,
      numberMisscheduled: 0,
      numberReady: nodes,
      observedGeneration: 1,
      updatedNumberScheduled: nodes,
    },
  };
}

const REGISTRY = '602401143452.dkr.ecr.us-east-1.amazonaws.com';

/** https://docs.aws.amazon.com/eks/latest/userguide/managing-vpc-cni.html */
function vpcCniAgent({ version, cni = vpcCni(version), workloads }: ClusterData): Agent {
  const policies = cni.networkPolicyAgent;
  return {
    name: 'aws-node',
    image: `${REGISTRY}/amazon-k8s-cni:${cni.version}-eksbuild.1`,
    env: {
      AWS_VPC_K8S_CNI_EXTERNALSNAT: String(cni.externalSnat),
      ...(cni.excludeSnatCidrs.length > 0 && { AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS: cni.excludeSnatCidrs.join(',') }),
      AWS_VPC_K8S_CNI_LOGLEVEL: 'DEBUG',
      ENABLE_POD_ENI: String((workloads?.securityGroupPolicies ?? 0) > 0),
    },
    sidecars:
      policies === null
        ? []
        : [{ name: 'aws-eks-nodeagent', image: `${REGISTRY}/amazon/aws-network-policy-agent:${policies}-eksbuild.1` }],
  };
}

function agents(cluster: ClusterData, dns: string): Agent[] {
  const { workloads = {}, ipFamily } = cluster;
  const { cilium, calicoEbpf, nodeLocalDns, metallb } = workloads;
  const local = ipFamily === 'ipv6' ? 'fd00:169:254::a' : '169.254.20.10';
  const felix = calicoEbpf === 'felix' ? {} : { FELIX_BPFENABLED: String(calicoEbpf) };
  const found: Agent[] = [vpcCniAgent(cluster)];
  if (cilium !== undefined) found.push({ name: 'cilium', image: 'quay.io/cilium/cilium:v1.18.4' });
  if (calicoEbpf !== undefined)
    found.push({ name: 'calico-node', namespace: 'calico-system', image: 'quay.io/calico/node:v3.31.2', env: felix });
  if (nodeLocalDns !== undefined)
    found.push({
      name: 'node-local-dns',
      image: 'registry.k8s.io/dns/k8s-dns-node-cache:1.26.7',
      args: ['-localip', nodeLocalDns === true ? `${local},${dns}` : local, '-conf', '/etc/Corefile'],
    });
  if (metallb !== undefined)
    found.push({
      name: 'speaker',
      namespace: 'metallb-system',
      labels: { app: 'metallb', component: 'speaker' },
      image: 'quay.io/metallb/speaker:v0.15.2',
    });
  return found;
}

/** Creates what the world has in the cluster besides kube-proxy. `dns` is the ClusterIP of kube-dns. */
export function createWorkloads(store: Store, cluster: ClusterData, dns: string): void {
  const created = { created: cluster.createdAt };
  const { cilium, calicoEbpf } = cluster.workloads ?? {};
  for (const agent of agents(cluster, dns)) store.create(RESOURCES.daemonsets, daemonSet(cluster, agent), created);
  if (cilium !== undefined) store.create(RESOURCES.configmaps, ciliumConfig(cilium), created);
  store.fillWhenAsked(RESOURCES.securitygrouppolicies, () => securityGroupPolicies(cluster, store));
  store.fillWhenAsked(RESOURCES.felixconfigurations, () =>
    calicoEbpf === undefined ? [] : [felixConfiguration(cluster, store, calicoEbpf === 'felix')],
  );
}

function ciliumConfig(replaces: boolean): Draft {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: 'cilium-config', namespace: 'kube-system' },
    data: { 'kube-proxy-replacement': String(replaces), 'routing-mode': 'native' },
  };
}

function securityGroupPolicies(cluster: ClusterData, store: Store): KubeObject[] {
  const { createdAt, workloads } = cluster;
  return Array.from({ length: workloads?.securityGroupPolicies ?? 0 }, (_, index) => ({
    apiVersion: 'vpcresources.k8s.aws/v1beta1',
    kind: 'SecurityGroupPolicy',
    metadata: store.initialMetadata('SecurityGroupPolicy', 'default', `policy-${index + 1}`, createdAt),
    spec: {
      podSelector: { matchLabels: { app: `app-${index + 1}` } },
      securityGroups: { groupIds: ['sg-0a1b2c3d4e5f60001'] },
    },
  }));
}

function felixConfiguration(cluster: ClusterData, store: Store, bpfEnabled: boolean): KubeObject {
  return {
    apiVersion: 'crd.projectcalico.org/v1',
    kind: 'FelixConfiguration',
    metadata: store.initialMetadata('FelixConfiguration', undefined, 'default', cluster.createdAt),
    spec: { bpfEnabled },
  };
}

/** Whether the cluster's API serves this kind: a custom resource needs its definition, which its users install. */
export function isServed(type: ResourceType, { workloads }: Pick<ClusterData, 'workloads'>): boolean {
  switch (type.group) {
    case 'vpcresources.k8s.aws':
      return workloads?.securityGroupPolicies !== undefined;
    case 'crd.projectcalico.org':
      return workloads?.calicoEbpf !== undefined;
    default:
      return true;
  }
}
