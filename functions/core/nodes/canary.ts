import type { Handling, InventoryNode } from './nodes.ts';

/** A kube-proxy pod as the choice and the check of a canary see it. `waiting`: why its container does not run. */
export interface CanaryPod {
  name: string;
  uid: string;
  nodeName: string;
  ready: boolean;
  /** The pod is being deleted. */
  terminating: boolean;
  restarts: number;
  waiting: string | null;
}

/** How a node is proven; each kind of proof that the cluster's nodes need gets a canary of its own. */
const PROOFS = ['ssm', 'proxy-mode'] as const satisfies readonly Handling['by'][];

/** A node whose kube-proxy is restarted first, and why this one. */
export interface ChosenCanary {
  node: InventoryNode;
  pod: CanaryPod;
  reason: string;
}

export type CanaryChoice =
  | { kind: 'chosen'; canaries: ChosenCanary[] }
  /** No node of the cluster can be proven alone, before the others. */
  | { kind: 'impossible'; reason: string }
  /** There are nodes for one kind of proof, and kube-proxy works on none of them now. */
  | { kind: 'unhealthy'; reason: string };

/**
 * Chooses the nodes whose kube-proxy is restarted first, one for each kind of proof that the nodes need: a proof by a
 * script on one node proves nothing about a node that only the API server asks. Each canary has a Ready kube-proxy, and
 * does not run the cluster's DNS unless all nodes do. Of the remaining nodes the first by id is chosen, so that a
 * repetition chooses the same one.
 */
export function chooseCanaries(
  inventory: readonly InventoryNode[],
  pods: readonly CanaryPod[],
  dnsNodes: ReadonlySet<string>,
): CanaryChoice {
  const ready = new Map(pods.filter((pod) => pod.ready && !pod.terminating).map((pod) => [pod.nodeName, pod]));
  const canaries: ChosenCanary[] = [];
  for (const proof of PROOFS) {
    const provable = inventory.filter(({ handling }) => handling.by === proof);
    if (provable.length === 0) continue;
    const best = bestOf(provable, ready, dnsNodes);
    if (best === null)
      return {
        kind: 'unhealthy',
        reason: `on none of ${provable.length} nodes is there a kube-proxy pod that is Ready`,
      };
    canaries.push(best);
  }
  if (canaries.length > 0) return { kind: 'chosen', canaries };
  return { kind: 'impossible', reason: 'no node can be proven before the others' };
}

function bestOf(
  nodes: readonly InventoryNode[],
  ready: ReadonlyMap<string, CanaryPod>,
  dnsNodes: ReadonlySet<string>,
): ChosenCanary | null {
  const candidates = nodes
    .flatMap((node) => {
      const pod = ready.get(node.name);
      return pod ? [{ node, pod }] : [];
    })
    .sort((a, b) => (a.node.id < b.node.id ? -1 : 1));
  const withoutDns = candidates.filter(({ node }) => !dnsNodes.has(node.name));
  const [best] = withoutDns.length > 0 ? withoutDns : candidates;
  if (!best) return null;
  const dns = withoutDns.length > 0 ? 'it runs no CoreDNS pod' : 'every such node runs CoreDNS pods';
  return { ...best, reason: `its kube-proxy is Ready, and ${dns}` };
}

/** What has become of the canary. */
export type CanaryState =
  | { kind: 'done'; pod: string }
  | { kind: 'starting'; reason: string }
  | { kind: 'failed'; pod: string; reason: string };

const CANNOT_START = ['CrashLoopBackOff', 'CreateContainerConfigError', 'InvalidImageName'];

/** Why waiting cannot help this pod; null while it may still start. */
export function crashOf({ restarts, waiting }: Pick<CanaryPod, 'restarts' | 'waiting'>): string | null {
  if (restarts === 0 && (waiting === null || !CANNOT_START.includes(waiting))) return null;
  return `${restarts} restarts${waiting === null ? '' : `, ${waiting}`}`;
}

/** Looks for the pod that has replaced the former pod on a canary; `done` names it. */
export function canaryState(pods: readonly CanaryPod[], node: string, formerUid: string): CanaryState {
  const fresh = pods.filter((pod) => pod.nodeName === node && pod.uid !== formerUid && !pod.terminating);
  for (const pod of fresh) {
    const reason = crashOf(pod);
    if (reason !== null) return { kind: 'failed', pod: pod.name, reason };
  }
  const up = fresh.find(({ ready }) => ready);
  if (up !== undefined) return { kind: 'done', pod: up.name };
  return { kind: 'starting', reason: fresh.length > 0 ? 'the new pod is not Ready' : 'there is no new pod' };
}
