import type { Clock } from '../clock.ts';
import type { Cluster, WorkerNode } from '../region.ts';
import type { NodeFault } from './kinds.ts';
import { isChangeable, isModel } from './nodes.ts';

/** Where a fault strikes. Without a clock a fault with a duration never ends. */
interface Place {
  readonly node: WorkerNode;
  readonly cluster: Cluster;
  readonly clock: Clock | undefined;
}

/** Applies a fault to a node that it fits. */
export async function applyToNode(fault: NodeFault, { node, cluster, clock }: Place): Promise<void> {
  const { machine } = node;
  const { fault: name, times } = fault;
  switch (name) {
    case 'agent-offline':
      node.agent = 'offline';
      afterwards(fault, clock, () => {
        if (!node.terminated) node.agent = 'online';
      });
      return;
    case 'terminated':
      node.terminated = true;
      if (node.agent === 'online') node.agent = 'offline';
      cluster.kubernetes.nodesChanged();
      return;
    case 'package-mirror-down':
      if (!isChangeable(machine)) return;
      await machine.setPackageMirror('down');
      afterwards(fault, clock, () => machine.setPackageMirror('up'));
      return;
    case 'module-missing':
      if (isChangeable(machine)) await machine.removeModule(fault.module);
      return;
    case 'kube-proxy-crash':
      if (isModel(machine)) machine.crashKubeProxy(times ?? 1, fault.mode);
      return;
    case 'dns-without-backends':
      if (isModel(machine)) machine.hideDnsBackends(times ?? Number.POSITIVE_INFINITY);
      return;
    case 'api-server-lost':
      if (isModel(machine)) machine.loseApiServer(times ?? Number.POSITIVE_INFINITY);
      return;
    case 'syncs-fail':
    case 'slow-syncs': {
      const trouble = name === 'syncs-fail' ? 'fail' : 'slow';
      const mode = fault.mode ?? cluster.kubernetes.kubeProxyConfig().mode;
      if (isModel(machine)) machine.troubleSyncs(trouble, mode, times ?? Number.POSITIVE_INFINITY);
      return;
    }
    case 'nft-leftovers':
      if (isModel(machine)) machine.keepNftTables(times ?? Number.POSITIVE_INFINITY);
      return;
    case 'output-garbage':
    case 'slow':
      throw new Error(`${name} strikes commands, not the node`);
  }
}

function afterwards(fault: NodeFault, clock: Clock | undefined, run: () => void | Promise<void>): void {
  if (fault.for === undefined || !clock) return;
  clock.at(new Date(clock.now().getTime() + fault.for * 1_000), run);
}
