import * as z from 'zod/mini';
import { SyncFacts } from '../evidence/syncs.ts';
import type { Verdict } from '../evidence/verdict.ts';

export const NODE_KINDS = [
  'al2023',
  'al2',
  'ubuntu',
  'debian',
  'rhel',
  'rocky',
  'almalinux',
  'oracle',
  /** A Linux that is not in this list: prepared and proven by the same scripts, if the request acknowledges it. */
  'other-linux',
  'bottlerocket',
  'windows',
  'fargate',
  'auto-mode',
  'hybrid',
  /** An EC2 instance that does not run now, for example one of a warm pool. */
  'stopped',
] as const;
export type NodeKind = (typeof NODE_KINDS)[number];

/** How a node is prepared and proven, or why it is not. A blocked node refuses the whole migration. */
const Handling = z.discriminatedUnion('by', [
  z.object({ by: z.literal('ssm') }),
  z.object({
    by: z.literal('proxy-mode'),
    /** Null if kube-proxy did not answer. */
    mode: z.nullable(z.string()),
    syncs: z.exactOptional(z.nullable(SyncFacts)),
  }),
  z.object({ by: z.literal('excluded'), reason: z.string() }),
  z.object({ by: z.literal('blocked'), reason: z.string() }),
]);
export type Handling = z.output<typeof Handling>;

export const InventoryNode = z.object({
  /** EC2 instance id, SSM managed-instance id, or the Kubernetes node name if neither is known. */
  id: z.string(),
  name: z.string(),
  address: z.nullable(z.string()),
  /** `unknown` is always blocked. */
  kind: z.union([z.enum(NODE_KINDS), z.literal('unknown')]),
  handling: Handling,
  /** What this node's kube-proxy answered on `/proxyMode`; left out or null if it was not asked or did not answer. */
  runningMode: z.exactOptional(z.nullable(z.string())),
});
export type InventoryNode = z.output<typeof InventoryNode>;

/** An EC2 instance that carries the cluster's tag. */
export interface Ec2Node {
  id: string;
  privateDnsName: string;
  addresses: string[];
  /** `pending`, `running`, `stopping`, `stopped`, `shutting-down` or `terminated`. */
  state: string;
  platform: 'windows' | 'linux';
  launchedAt: Date;
  tags: Record<string, string>;
}

/** A managed node as ssm:DescribeInstanceInformation lists it. */
export interface ManagedNode {
  id: string;
  ping: 'Online' | 'ConnectionLost' | 'Inactive';
  platformType: string;
  platformName: string;
  platformVersion: string;
  agentVersion: string;
  computerName: string;
  address: string | null;
}

/** A pod with the label `k8s-app=kube-proxy`. */
export interface KubeProxyPod {
  name: string;
  nodeName: string;
  hostIp: string | null;
  ready: boolean;
  /** The pod is being deleted: another kube-proxy will take its place. */
  terminating: boolean;
  restarts: number;
  proxyMode: string | null;
  /** What kube-proxy reports about its work; null if it was not asked or did not answer. */
  syncs: SyncFacts | null;
  startedAt: Date | null;
}

/** What was read; `pods` is null when Kubernetes was not asked. */
export interface SeenNodes {
  ec2: Ec2Node[];
  managed: ManagedNode[];
  pods: KubeProxyPod[] | null;
  fargateProfiles: number;
}

/** Why a node without an SSM agent is blocked: usually its role lacks the permissions. */
export const UNREGISTERED = 'no SSM agent has registered for it';

const blocked = (reason: string): Handling => ({ by: 'blocked', reason });

/** Of the RHEL family by the beginning of their names in /etc/os-release, which the SSM agent reports; releases 8 and 9. */
const RHEL_FAMILY: readonly [string, NodeKind][] = [
  ['red hat enterprise linux', 'rhel'],
  ['rocky linux', 'rocky'],
  ['almalinux', 'almalinux'],
  ['oracle linux', 'oracle'],
];

function kindOf(managed: ManagedNode): NodeKind | 'unknown' {
  const name = managed.platformName.trim().toLowerCase();
  const version = managed.platformVersion.trim();
  if (managed.platformType.toLowerCase() === 'windows' || name.includes('windows')) return 'windows';
  if (name === 'amazon linux' && /^2023(\.|$)/.test(version)) return 'al2023';
  if (name === 'amazon linux' && /^2(\.0)?$/.test(version)) return 'al2';
  if (name.startsWith('ubuntu')) return 'ubuntu';
  if (name.startsWith('debian')) return 'debian';
  if (name.startsWith('bottlerocket')) return 'bottlerocket';
  const family = RHEL_FAMILY.find(([beginning]) => name.startsWith(beginning));
  if (family !== undefined && /^[89](\.\d+)?$/.test(version)) return family[1];
  return managed.platformType.toLowerCase() === 'linux' && name !== '' ? 'other-linux' : 'unknown';
}

const AUTO_MODE_TAGS = ['eks:kubernetes-node-class-name', 'eks:kubernetes-node-pool-name'];
const isAutoMode = (node: Ec2Node): boolean => AUTO_MODE_TAGS.some((tag) => Object.hasOwn(node.tags, tag));

/** What all kube-proxy pods of one node together show about it. */
interface NodePods {
  /** From one of its pods: from one that stays, if there is one. */
  name: string;
  nodeName: string;
  hostIp: string | null;
  /** What kube-proxy answered on `/proxyMode`; null if it did not answer, or if all its pods are being deleted. */
  proxyMode: string | null;
  syncs: SyncFacts | null;
  /** How pods that stay contradict each other; null if they agree. */
  contradiction: string | null;
}

/**
 * A pod that is being deleted is ignored: its answer is what the node ran before. A DaemonSet keeps one other pod on a
 * node. If there are more for a moment, they count if they agree.
 */
function nodePodsOf(first: KubeProxyPod, pods: readonly KubeProxyPod[]): NodePods {
  const staying = pods.filter(({ terminating }) => !terminating);
  const { name, nodeName, hostIp } = staying[0] ?? first;
  const modes = new Set(staying.map(({ proxyMode }) => proxyMode));
  const [mode = null] = modes;
  const syncs = staying[0]?.syncs ?? null;
  if (modes.size <= 1) return { name, nodeName, hostIp, proxyMode: mode, syncs, contradiction: null };
  const said = staying.map(
    (pod) => `${pod.name} ${pod.proxyMode === null ? 'does not answer' : `says ${pod.proxyMode}`}`,
  );
  return { name, nodeName, hostIp, proxyMode: null, syncs: null, contradiction: said.join(', ') };
}

/** Looks pods up by a node's name or address, in one map: clusters have thousands of nodes. */
class Pods {
  readonly #byKey = new Map<string, NodePods>();
  readonly #taken = new Set<NodePods>();
  readonly #all: NodePods[];

  constructor(pods: readonly KubeProxyPod[]) {
    const byNode = Map.groupBy(
      pods.filter(({ nodeName }) => nodeName !== ''),
      ({ nodeName }) => nodeName,
    );
    // A node's address may have passed to another node: of the two, the one with a pod that stays has the address.
    const leaving = (there: readonly KubeProxyPod[]) => there.every(({ terminating }) => terminating);
    const sorted = [...byNode.values()].sort((a, b) => Number(leaving(b)) - Number(leaving(a)));
    this.#all = sorted.flatMap((there) => (there[0] === undefined ? [] : [nodePodsOf(there[0], there)]));
    for (const node of this.#all) {
      if (node.hostIp !== null) this.#byKey.set(node.hostIp, node);
      this.#byKey.set(node.nodeName, node);
      // Resource-based names: i-0123456789abcdef0.eu-west-1.compute.internal
      if (/^m?i-[0-9a-f]+\./.test(node.nodeName)) this.#byKey.set(node.nodeName.split('.')[0] ?? node.nodeName, node);
    }
  }

  take(keys: readonly (string | null)[]): NodePods | null {
    for (const key of keys) {
      const node = key === null ? undefined : this.#byKey.get(key);
      if (node === undefined) continue;
      this.#taken.add(node);
      return node;
    }
    return null;
  }

  left(): NodePods[] {
    return this.#all.filter((node) => !this.#taken.has(node));
  }
}

/** How a Linux node with this SSM record is handled; `podKnown` is false when pods were read and none runs there. */
function linuxHandling(kind: NodeKind | 'unknown', managed: ManagedNode, pod: NodePods | null, podKnown: boolean) {
  if (kind === 'unknown')
    return blocked(`its operating system is not known: ${managed.platformName} ${managed.platformVersion}`.trim());
  if (!podKnown) return blocked('no kube-proxy pod runs on it: it has not joined, or is not a node of this cluster');
  if (kind === 'bottlerocket' && pod !== null && pod.contradiction !== null)
    return blocked(`its kube-proxy pods contradict each other on /proxyMode: ${pod.contradiction}`);
  if (kind === 'bottlerocket')
    return { by: 'proxy-mode', mode: pod?.proxyMode ?? null, syncs: pod?.syncs ?? null } satisfies Handling;
  if (managed.ping !== 'Online') return blocked(`its SSM agent is not online (${managed.ping})`);
  return { by: 'ssm' } satisfies Handling;
}

/**
 * Whether EC2 reports that the node was started from a Windows image. `contradiction`: SSM, which repeats what the node
 * reports about itself, or a pod of the Linux DaemonSet shows otherwise; then the node is not excluded.
 */
function windows(
  node: Ec2Node,
  system: NodeKind | 'unknown' | null,
  pod: NodePods | null,
): { is: boolean; contradiction: string | null } {
  const byEc2 = node.platform === 'windows';
  const bySsm = system === null ? null : system === 'windows';
  if (!byEc2 && bySsm !== true) return { is: false, contradiction: null };
  if (byEc2 && bySsm !== false && pod === null) return { is: true, contradiction: null };
  const said = [
    `EC2 says ${byEc2 ? 'Windows' : 'Linux'}`,
    ...(bySsm === null ? [] : [`its SSM agent says ${bySsm ? 'Windows' : 'Linux'}`]),
    ...(pod === null ? [] : ['the Linux kube-proxy runs on it']),
  ];
  return {
    is: false,
    contradiction: `its operating system is not known, since sources contradict each other: ${said.join(', ')}`,
  };
}

function ec2Entry(node: Ec2Node, managed: ManagedNode | undefined, pods: Pods | null): InventoryNode {
  const pod = pods?.take([node.privateDnsName, ...node.addresses, node.id]) ?? null;
  const base = {
    id: node.id,
    name: pod?.nodeName ?? (node.privateDnsName || node.id),
    address: node.addresses[0] ?? pod?.hostIp ?? null,
    runningMode: pod?.proxyMode ?? null,
  };
  const kind = managed === undefined ? 'unknown' : kindOf(managed);
  if (isAutoMode(node))
    return { ...base, kind: 'auto-mode', handling: blocked('EKS Auto Mode runs it: its kube-proxy is not the add-on') };
  if (STOPPED.has(node.state)) return { ...base, kind: 'stopped', handling: stopped(node, pod) };
  const system = windows(node, managed === undefined ? null : kind, pod);
  if (system.contradiction !== null) return { ...base, kind: 'unknown', handling: blocked(system.contradiction) };
  if (system.is)
    return { ...base, kind: 'windows', handling: { by: 'excluded', reason: 'Windows runs no Linux kube-proxy' } };
  if (managed === undefined) return { ...base, kind: 'unknown', handling: blocked(UNREGISTERED) };
  return { ...base, kind, handling: linuxHandling(kind, managed, pod, pods === null || pod !== null) };
}

function hybridEntry(managed: ManagedNode, pods: Pods | null): InventoryNode | null {
  const base = { id: managed.id, name: managed.computerName || managed.id, address: managed.address };
  if (pods === null) {
    const reason = 'it is a hybrid machine, and without Kubernetes nobody knows whether it is a node of this cluster';
    return { ...base, kind: 'hybrid', handling: blocked(reason) };
  }
  const pod = pods.take([managed.computerName, managed.id, managed.address]);
  if (pod === null) return null;
  const os = kindOf(managed);
  const handling = linuxHandling(os === 'windows' ? 'unknown' : os, managed, pod, true);
  const kind = handling.by === 'blocked' && os === 'unknown' ? 'unknown' : 'hybrid';
  return { ...base, name: pod.nodeName, kind, handling, runningMode: pod.proxyMode };
}

function fargateEntry(profiles: number): InventoryNode {
  const reason = 'Fargate runs no kube-proxy DaemonSet pod';
  const name = profiles === 1 ? '1 Fargate profile' : `${profiles} Fargate profiles`;
  return { id: 'fargate', name, address: null, kind: 'fargate', handling: { by: 'excluded', reason } };
}

/**
 * A stopped instance does not run kube-proxy, and only EC2 knows that it is stopped. If a kube-proxy pod is still
 * listed on it, a restart of the DaemonSet would wait for that pod.
 */
function stopped({ state }: Ec2Node, pod: NodePods | null): Handling {
  if (pod !== null)
    return blocked(`the instance is ${state}, but the kube-proxy pod ${pod.name} is still listed on it`);
  return { by: 'excluded', reason: `the instance is ${state}: it runs nothing now` };
}

// A terminated instance never starts again; EC2 lists it for about an hour more.
const GONE = new Set(['terminated', 'shutting-down']);
const STOPPED = new Set(['stopped', 'stopping']);

/**
 * Joins the nodes of EC2, SSM and Kubernetes into one list in which every node has a kind and a handling. Fails closed:
 * a node is blocked, with the reason, if only one of the three lists it, if its operating system is not in the list, or
 * if its SSM agent does not answer. Fargate, which has no instances, is one excluded entry for all profiles. Sorted by
 * id.
 */
export function buildInventory(seen: SeenNodes): InventoryNode[] {
  const managed = new Map(seen.managed.map((node) => [node.id, node]));
  const pods = seen.pods === null ? null : new Pods(seen.pods);
  const nodes: InventoryNode[] = [];
  for (const node of seen.ec2) {
    if (GONE.has(node.state)) continue;
    nodes.push(ec2Entry(node, managed.get(node.id), pods));
  }
  for (const node of seen.managed) {
    const entry = node.id.startsWith('mi-') ? hybridEntry(node, pods) : null;
    if (entry !== null) nodes.push(entry);
  }
  for (const pod of pods?.left() ?? []) {
    const handling = blocked('a kube-proxy pod runs on it, and neither EC2 nor SSM listed it');
    const { nodeName, hostIp, proxyMode } = pod;
    nodes.push({ id: nodeName, name: nodeName, address: hostIp, kind: 'unknown', handling, runningMode: proxyMode });
  }
  if (seen.fargateProfiles > 0) nodes.push(fargateEntry(seen.fargateProfiles));
  return nodes.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

/** How many nodes there are by handling. Eligible nodes are `ssm` + `proxyMode`. */
export const InventoryCounts = z.object({
  total: z.number(),
  ssm: z.number(),
  proxyMode: z.number(),
  excluded: z.number(),
  blocked: z.number(),
});

export function countInventory(nodes: InventoryNode[]): z.output<typeof InventoryCounts> {
  const count = (by: Handling['by']) => nodes.filter((node) => node.handling.by === by).length;
  return {
    total: nodes.length,
    ssm: count('ssm'),
    proxyMode: count('proxy-mode'),
    excluded: count('excluded'),
    blocked: count('blocked'),
  };
}

/**
 * Splits a list in order; ssm:SendCommand takes at most 50 instance ids.
 * https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
 * @throws RangeError for a size that is not a whole number of 1 or more
 */
export function batches<T>(items: readonly T[], size = 50): T[][] {
  if (!Number.isInteger(size) || size < 1) throw new RangeError(`A batch has a size of 1 or more, not ${size}.`);
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  );
}

/**
 * Compares the nodes that must answer with the verdicts that arrived. The proof succeeds if no verdict is missing,
 * unexpected or failed. If a node answered twice and one answer failed, the node failed.
 */
export function reconcile(
  expected: readonly string[],
  verdicts: readonly Verdict[],
): { missing: string[]; unexpected: string[]; failed: Verdict[]; passed: string[] } {
  const wanted = new Set(expected);
  const answers = new Map<string, Verdict>();
  for (const verdict of verdicts) if (answers.get(verdict.node)?.pass !== false) answers.set(verdict.node, verdict);
  const inside = [...answers.values()].filter((verdict) => wanted.has(verdict.node));
  return {
    missing: [...wanted].filter((id) => !answers.has(id)),
    unexpected: [...answers.keys()].filter((id) => !wanted.has(id)),
    failed: inside.filter((verdict) => !verdict.pass),
    passed: inside.filter((verdict) => verdict.pass).map((verdict) => verdict.node),
  };
}
