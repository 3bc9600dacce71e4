import type { KernelMachine } from '../nodes/kernel/machine.ts';
import type { ModelMachine } from '../nodes/model.ts';
import type { Cluster, NodeMachine, WorkerNode } from '../region.ts';
import { runsShell } from '../services/ssm/managed-nodes.ts';
import type { NodeFault, NodeFaultName } from './kinds.ts';

type ChangeableMachine = Pick<ModelMachine | KernelMachine, 'setPackageMirror' | 'removeModule'>;

/** Whether modules and package mirror of this machine can be changed while it runs. */
export function isChangeable(machine: NodeMachine | null): machine is NodeMachine & ChangeableMachine {
  return machine !== null && 'setPackageMirror' in machine && 'removeModule' in machine;
}

/** Whether this machine is a model, whose kube-proxy can be made to fail. */
export function isModel(machine: NodeMachine | null): machine is ModelMachine {
  return machine?.kind === 'model' && 'crashKubeProxy' in machine;
}

/** The node with this id, name or index; the index counts over all nodes of `clusters`, terminated ones too. */
export function findNode(clusters: readonly Cluster[], which: string | number): WorkerNode | undefined {
  const nodes = clusters.flatMap((cluster) => cluster.nodes);
  if (typeof which === 'number') return nodes[which];
  return nodes.find(({ id, name }) => id === which || name === which);
}

/** Why a fault cannot strike a node, as a phrase that follows its name; undefined if it can. */
export function unfit(node: WorkerNode, fault: NodeFaultName): string | undefined {
  if (node.terminated) return 'is terminated';
  switch (fault) {
    case 'agent-offline':
      return node.agent === 'none' ? 'has no SSM agent to lose' : undefined;
    case 'package-mirror-down':
    case 'module-missing':
      return isChangeable(node.machine) && takesScripts(node) ? undefined : 'runs no scripts';
    case 'kube-proxy-crash':
    case 'syncs-fail':
    case 'slow-syncs':
    case 'nft-leftovers':
      return isModel(node.machine) ? undefined : 'runs no kube-proxy that the sandbox could let fail';
    case 'dns-without-backends':
    case 'api-server-lost':
      return isModel(node.machine) && takesScripts(node) ? undefined : 'is no model node that runs scripts';
    case 'output-garbage':
    case 'slow':
      return takesScripts(node) && node.agent !== 'none' ? undefined : 'takes no commands';
    case 'terminated':
      return node.os === 'fargate' ? 'is on Fargate: it is no instance of the account' : undefined;
  }
}

/** Bottlerocket has no shell on the host. */
const takesScripts = (node: WorkerNode): boolean => runsShell(node) && node.os !== 'bottlerocket';

/**
 * The nodes that a fault is for, if it can strike them now; of those that it can strike `all` takes every one, and `any` a
 * random one.
 */
export function chooseNodes(
  clusters: readonly Cluster[],
  { node: which, fault }: Pick<NodeFault, 'node' | 'fault'>,
  random: () => number,
): WorkerNode[] {
  const fits = (node: WorkerNode | undefined) => node !== undefined && unfit(node, fault) === undefined;
  if (which !== 'any' && which !== 'all')
    return [findNode(clusters, which)].filter((node) => node !== undefined).filter(fits);
  const fit = clusters.flatMap(({ nodes }) => nodes).filter(fits);
  const at = Math.floor(random() * fit.length);
  return which === 'all' ? fit : fit.slice(at, at + 1);
}
