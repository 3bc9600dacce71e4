import type { Ec2 } from '../../aws/ec2.ts';
import type { Eks } from '../../aws/eks.ts';
import type { Kubernetes } from '../../aws/kubernetes.ts';
import type { Ssm } from '../../aws/ssm.ts';
import type { Execution } from '../../contracts/shared/input.ts';
import type { ClusterFacts } from '../../contracts/shared/output.ts';
import { leaseName } from '../../core/execution/lease.ts';
import { recoveryName } from '../../core/execution/recovery.ts';
import {
  buildInventory,
  type Ec2Node,
  type InventoryNode,
  type KubeProxyPod,
  type ManagedNode,
} from '../../core/nodes/nodes.ts';
import type { ClusterSnapshot } from '../../core/preflight/snapshot.ts';
import { serviceAddresses } from '../../core/values/cluster-ip.ts';

export function clusterFacts(snapshot: ClusterSnapshot, execution: Execution): ClusterFacts {
  const { name, arn, version, serviceCidr, api } = snapshot;
  const { apiServer, dns } = serviceAddresses(serviceCidr);
  const names = { lease: leaseName(name), recovery: recoveryName(execution.name, 1) };
  return { name, arn, version, serviceCidr, apiServer, dns, api, ...names };
}

/** The services that an inventory is read from. */
export interface InventoryDeps {
  eks: Pick<Eks, 'fargateProfiles'>;
  ec2: Pick<Ec2, 'nodes'>;
  ssm: Pick<Ssm, 'managedNodes'>;
}

type NodeApi = Pick<Kubernetes, 'kubeProxyPods' | 'proxyModes' | 'syncs'> | null;

/** Every node that EC2, SSM and (if `api` is given) Kubernetes list, classified; and what EC2 and SSM answered. */
export async function seeNodes(
  deps: InventoryDeps,
  cluster: string,
  api: NodeApi,
): Promise<{ inventory: InventoryNode[]; ec2: Ec2Node[]; managed: ManagedNode[] }> {
  const [nodes, fargateProfiles] = await Promise.all([deps.ec2.nodes(cluster), deps.eks.fargateProfiles(cluster)]);
  const pods = api && (await api.kubeProxyPods());
  const managed = await deps.ssm.managedNodes([...nodes.map(({ id }) => id), ...hybridIds(pods ?? [])]);
  const seen = { ec2: nodes, managed, pods, fargateProfiles };
  const inventory = buildInventory(seen);
  if (!api || !pods) return { inventory, ec2: nodes, managed };
  const asked = buildInventory({ ...seen, pods: await withProxyModes(api, pods, inventory) });
  return { inventory: asked, ec2: nodes, managed };
}

/** EKS names a hybrid node after its SSM managed instance. */
function hybridIds(pods: readonly KubeProxyPod[]): string[] {
  return [...new Set(pods.map(({ nodeName }) => nodeName).filter((name) => name.startsWith('mi-')))];
}

/** Asks only pods that stay, on nodes on which no document can run: all other nodes prove more with the document. */
async function withProxyModes(
  api: Pick<Kubernetes, 'proxyModes' | 'syncs'>,
  pods: KubeProxyPod[],
  inventory: InventoryNode[],
): Promise<KubeProxyPod[]> {
  const names = new Set(inventory.filter(({ handling }) => handling.by === 'proxy-mode').map(({ name }) => name));
  const asked = pods.filter(({ nodeName, terminating }) => names.has(nodeName) && !terminating).map(({ name }) => name);
  const modes = await api.proxyModes(asked);
  const syncs = await api.syncs(asked.filter((pod) => modes.get(pod) !== null));
  return pods.map((pod) => ({
    ...pod,
    proxyMode: modes.get(pod.name) ?? null,
    syncs: syncs.get(pod.name) ?? null,
  }));
}
