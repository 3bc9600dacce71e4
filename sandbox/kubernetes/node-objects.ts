import { kernelRelease } from '../nodes/kernel-release.ts';
import type { NodeOs, WorkerNode } from '../region.ts';
import type { ClusterData } from './cluster-data.ts';
import type { Draft } from './object.ts';
import { stableSuffix } from './object.ts';
import { timestamp } from './store.ts';

interface System {
  readonly os: 'linux' | 'windows';
  readonly image: string;
  readonly runtime: string;
}

/** What a kubelet reports of the operating systems that EKS worker nodes run, one recent release of each. */
const SYSTEMS: Readonly<Record<NodeOs, System>> = {
  al2023: {
    os: 'linux',
    image: 'Amazon Linux 2023.9.20251027',
    runtime: 'containerd://2.1.4',
  },
  al2: {
    os: 'linux',
    image: 'Amazon Linux 2',
    runtime: 'containerd://1.7.27',
  },
  ubuntu: { os: 'linux', image: 'Ubuntu 24.04.3 LTS', runtime: 'containerd://1.7.28' },
  rhel: {
    os: 'linux',
    image: 'Red Hat Enterprise Linux 9.6 (Plow)',
    runtime: 'containerd://2.1.4',
  },
  rocky: {
    os: 'linux',
    image: 'Rocky Linux 9.6 (Blue Onyx)',
    runtime: 'containerd://2.1.4',
  },
  almalinux: {
    os: 'linux',
    image: 'AlmaLinux 8.10 (Cerulean Leopard)',
    runtime: 'containerd://1.7.27',
  },
  oracle: {
    os: 'linux',
    image: 'Oracle Linux Server 9.6',
    runtime: 'containerd://2.1.4',
  },
  sles: {
    os: 'linux',
    image: 'SUSE Linux Enterprise Server 15 SP6',
    runtime: 'containerd://1.7.27',
  },
  bottlerocket: {
    os: 'linux',
    image: 'Bottlerocket OS 1.49.0 (aws-k8s)',
    runtime: 'containerd://2.1.4+bottlerocket',
  },
  windows: {
    os: 'windows',
    image: 'Windows Server 2022 Datacenter',
    runtime: 'containerd://1.7.28',
  },
  fargate: {
    os: 'linux',
    image: 'Amazon Linux 2',
    runtime: 'containerd://1.7.27',
  },
};

/** Where the kube-proxy DaemonSet puts a pod: not on Windows and Fargate. */
export function runsKubeProxy(node: WorkerNode): boolean {
  return !node.terminated && !node.stopped && node.machine !== null && node.os !== 'windows' && node.os !== 'fargate';
}

/** The Node object of a worker node. */
export function nodeDraft(node: WorkerNode, cluster: ClusterData, region: string): Draft {
  const system = SYSTEMS[node.os];
  const zone = `${region}${'abc'.charAt(stableSuffix(1, node.id).charCodeAt(0) % 3)}`;
  const fargate = node.os === 'fargate';
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: node.name,
      labels: {
        'beta.kubernetes.io/os': system.os,
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/hostname': node.name,
        'kubernetes.io/os': system.os,
        'topology.kubernetes.io/region': region,
        'topology.kubernetes.io/zone': zone,
        ...(fargate
          ? { 'eks.amazonaws.com/compute-type': 'fargate' }
          : { 'node.kubernetes.io/instance-type': 'm7i.large' }),
      },
    },
    spec: {
      providerID: fargate ? `aws:///${zone}/${stableSuffix(10, node.id)}/${node.name}` : `aws:///${zone}/${node.id}`,
      ...(fargate
        ? { taints: [{ effect: 'NoSchedule', key: 'eks.amazonaws.com/compute-type', value: 'fargate' }] }
        : {}),
    },
    status: nodeStatus(node, cluster.version),
  };
}

function nodeStatus(node: WorkerNode, version: string): Record<string, unknown> {
  const system = SYSTEMS[node.os];
  return {
    addresses: [
      { address: node.address, type: 'InternalIP' },
      { address: node.name, type: 'InternalDNS' },
      { address: node.name, type: 'Hostname' },
    ],
    allocatable: { cpu: '1930m', memory: '7291004Ki', pods: '29' },
    capacity: { cpu: '2', memory: '8006780Ki', pods: '29' },
    conditions: [
      {
        lastTransitionTime: timestamp(node.launchedAt),
        type: 'Ready',
        ...(node.notReady
          ? { message: 'Kubelet stopped posting node status.', reason: 'NodeStatusUnknown', status: 'Unknown' }
          : { message: 'kubelet is posting ready status', reason: 'KubeletReady', status: 'True' }),
      },
    ],
    nodeInfo: {
      architecture: 'amd64',
      containerRuntimeVersion: system.runtime,
      kernelVersion: node.kernel ?? kernelRelease(node.os, version),
      kubeletVersion: `v${version}.0-eks-${stableSuffix(7, version)}`,
      operatingSystem: system.os,
      osImage: system.image,
    },
  };
}
