import type { InventoryNode } from './nodes.ts';

/** A kube-proxy pod as the choice and the check of a canary see it. `waiting`: why its container does not run. */
export interface CanaryPod {
  name: string;
  uid: string;
  nodeName: string;
  ready: boolean;
  /** It is being deleted. */
  terminating: boolean;
  restarts: number;
  waiting: string | null;
}

export type CanaryChoice =
  | { kind: 'chosen'; node: InventoryNode; pod: CanaryPod; reason: string }
  /** No node of the cluster can be proven alone, before the others. */
  | { kind: 'impossible'; reason: string }
  /** There are nodes, and on none does kube-proxy work now. */
  | { kind: 'unhealthy'; reason: string };

/**
 * Chooses the node whose kube-proxy is restarted first: proven by SSM, with a Ready kube-proxy, and not one of those
 * that answer the cluster's DNS unless all do. The first by id of what is left, so that a repeated question has the same
 * answer.
 */
export function chooseCanary(
  inventory: readonly InventoryNode[],
  pods: readonly CanaryPod[],
  dnsNodes: ReadonlySet<string>,
): CanaryChoice {
  const provable = inventory.filter(({ handling }) => handling.by === 'ssm');
  if (provable.length === 0)
    return { kind: 'impossible', reason: 'no node runs a document, so none can be proven before the others' };
  const ready = new Map(pods.filter((pod) => pod.ready && !pod.terminating).map((pod) => [pod.nodeName, pod]));
  const candidates = provable
    .flatMap((node) => {
      const pod = ready.get(node.name);
      return pod ? [{ node, pod }] : [];
    })
    .sort((a, b) => (a.node.id < b.node.id ? -1 : 1));
  const withoutDns = candidates.filter(({ node }) => !dnsNodes.has(node.name));
  const [best] = withoutDns.length > 0 ? withoutDns : candidates;
  if (!best)
    return { kind: 'unhealthy', reason: `on none of ${provable.length} nodes is there a kube-proxy pod that is Ready` };
  const dns = withoutDns.length > 0 ? 'it runs no CoreDNS pod' : 'every such node runs CoreDNS pods';
  return { kind: 'chosen', ...best, reason: `its kube-proxy is Ready, and ${dns}` };
}

/** What has become of the canary. */
export type CanaryState =
  | { kind: 'done' }
  | { kind: 'starting'; reason: string }
  | { kind: 'failed'; pod: string; reason: string };

const CANNOT_START = ['CrashLoopBackOff', 'CreateContainerConfigError', 'InvalidImageName'];

/** Why a pod will not come up by waiting; null while it may. */
export function crashOf({ restarts, waiting }: Pick<CanaryPod, 'restarts' | 'waiting'>): string | null {
  if (restarts === 0 && (waiting === null || !CANNOT_START.includes(waiting))) return null;
  return `${restarts} restarts${waiting === null ? '' : `, ${waiting}`}`;
}

/** Looks for the pod that has taken the former one's place on the canary's node. */
export function canaryState(pods: readonly CanaryPod[], node: string, formerUid: string): CanaryState {
  const fresh = pods.filter((pod) => pod.nodeName === node && pod.uid !== formerUid && !pod.terminating);
  for (const pod of fresh) {
    const reason = crashOf(pod);
    if (reason !== null) return { kind: 'failed', pod: pod.name, reason };
  }
  if (fresh.some(({ ready }) => ready)) return { kind: 'done' };
  return { kind: 'starting', reason: fresh.length > 0 ? 'the new pod is not Ready' : 'there is no new pod' };
}
