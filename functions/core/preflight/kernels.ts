import { isKernelSince, OLDEST_KERNEL, RESET_KERNEL } from '../modes/nftables-preparation.ts';
import type { ManagedNode } from '../nodes/nodes.ts';
import { named } from '../values/named.ts';
import { block, type Checks, type Finding, pass, refuse, type Subject, unknown, warn } from './check.ts';
import { eligible, nodeLabel } from './nodes.ts';

type Kernel = readonly [major: number, minor: number];
/** The oldest and the newest kernel that an operating system has come with; null: not known. */
interface Kernels {
  oldest: Kernel | null;
  newest: Kernel | null;
}
const UNKNOWN: Kernels = { oldest: null, newest: null };
const from = (oldest: Kernel): Kernels => ({ oldest, newest: null });
const upTo = (newest: Kernel): Kernels => ({ oldest: null, newest });

/**
 * Amazon Linux 2 has had 4.14, 5.4 and 5.10, Amazon Linux 2023 began with 6.1. Ubuntu 22.04 began with 5.15, 24.04 with
 * 6.8; 20.04 has had 5.4 and 5.15. Debian 10 has 4.19, 11 began with 5.10, 12 with 6.1. RHEL 8, Rocky and AlmaLinux 8
 * have 4.18, 9 has 5.14; Oracle Linux 8 has 4.18 and kernels of its own, 5.4 and 5.15. Bottlerocket's images for
 * Kubernetes 1.23 and later have 5.10 or newer, those for 1.28 and later 6.1.
 */
function kernelsOf({ platformName, platformVersion }: ManagedNode, { snapshot }: KernelSubject): Kernels {
  const name = platformName.trim().toLowerCase();
  const release = Number.parseFloat(platformVersion);
  const minor = Number(snapshot.version.split('.')[1]);
  if (name === 'amazon linux') return release >= 2023 ? from([6, 1]) : release === 2 ? upTo([5, 10]) : UNKNOWN;
  if (name.startsWith('ubuntu')) return release >= 24.04 ? from([6, 8]) : release >= 22.04 ? from([5, 15]) : UNKNOWN;
  if (name.startsWith('debian'))
    return release >= 12 ? from([6, 1]) : release >= 11 ? from([5, 10]) : release < 11 ? upTo([4, 19]) : UNKNOWN;
  if (/^(red hat enterprise linux|rocky linux|almalinux)/.test(name))
    return release >= 9 ? from([5, 14]) : release < 9 ? upTo([4, 18]) : UNKNOWN;
  if (name.startsWith('oracle linux')) return release >= 9 ? from([5, 14]) : UNKNOWN;
  if (name.startsWith('bottlerocket')) return minor >= 28 ? from([6, 1]) : minor >= 23 ? from([5, 10]) : UNKNOWN;
  return UNKNOWN;
}

/** What the kernels of nodes follow from. */
export type KernelSubject = Pick<Subject, 'inventory' | 'managed' | 'workloads'> & { snapshot: { version: string } };

const isAtLeast = (kernel: Kernel, [major, minor]: Kernel): boolean => (kernel[0] - major || kernel[1] - minor) >= 0;

interface NodeKernel {
  /** The node, and its kernel or its operating system. */
  said: string;
  /** Whether the kernel itself was read: through Kubernetes. */
  read: boolean;
  /** Null if that is not known. */
  isSince(kernel: Kernel): boolean | null;
}

/** The kernel of every eligible node: by its Node object, otherwise by its operating system. */
function nodeKernels(subject: KernelSubject): NodeKernel[] {
  const seen = subject.workloads?.nodes;
  const releases = new Map(seen?.kind === 'read' ? seen.value.map((node) => [node.name, node.kernel]) : []);
  return eligible(subject).map(({ node, known }) => {
    const release = releases.get(node.name);
    if (release !== undefined)
      return { said: `${nodeLabel(node)} ${release}`, read: true, isSince: (kernel) => isKernelSince(release, kernel) };
    const { oldest, newest } = known === undefined ? UNKNOWN : kernelsOf(known, subject);
    const system = known === undefined ? 'an unknown system' : `${known.platformName} ${known.platformVersion}`;
    return {
      said: `${nodeLabel(node)} ${system}`,
      read: false,
      isSince(kernel) {
        if (oldest !== null && isAtLeast(oldest, kernel)) return true;
        return newest !== null && !isAtLeast(newest, kernel) ? false : null;
      },
    };
  });
}

const listed = (nodes: readonly NodeKernel[]): string => named(nodes.map(({ said }) => said));

/** The first kernel that reuses IPVS connections rightly. */
const REUSE_KERNEL: Kernel = [5, 9];

function kernel(subject: Subject): Finding {
  const nodes = nodeKernels(subject);
  const old = nodes.filter((node) => node.isSince(REUSE_KERNEL) === false);
  const unread = nodes.filter((node) => node.isSince(REUSE_KERNEL) === null);
  const fix = 'Move these nodes to an image with kernel 5.9 or newer, such as Amazon Linux 2023.';
  if (old.length > 0)
    return warn(
      `kernels older than 5.9 delay connections that reuse a source port, or send them to pods that are gone: ${listed(old)}`,
      fix,
    );
  if (unread.length > 0)
    return unknown(
      `the kernel of ${unread.length} of ${nodes.length} nodes, whose system has had kernels older than 5.9: ${listed(unread)}`,
      'See `uname -r` there. On kernels older than 5.9, connections that reuse a source port may be delayed or lost.',
    );
  const source = nodes.some(({ read }) => read) ? '' : ', by its operating system';
  return pass(`the kernel of each of ${nodes.length} nodes is 5.9 or newer${source}`);
}

/** The nodes on which kube-proxy would not start in nftables mode, and how many there are of which that is not known. */
export function kernelsForNftables(subject: KernelSubject): { tooOld: string[]; unknown: number } {
  const nodes = nodeKernels(subject);
  return {
    tooOld: nodes.filter((node) => node.isSince(OLDEST_KERNEL) === false).map(({ said }) => said),
    unknown: nodes.filter((node) => node.isSince(OLDEST_KERNEL) === null).length,
  };
}

const NEWER = 'Replace these nodes with nodes of a newer image, such as Amazon Linux 2023.';

/** A kernel that was read and is too old is refused: kube-proxy would exit. One that the system implies may be wrong. */
function nftablesKernels(subject: Subject): Finding | null {
  const nodes = nodeKernels(subject);
  if (nodes.length === 0) return null;
  const old = nodes.filter((node) => node.isSince(OLDEST_KERNEL) === false);
  const why = `kube-proxy exits in nftables mode on kernels older than ${OLDEST_KERNEL.join('.')}: ${listed(old)}`;
  if (old.some(({ read }) => read)) return refuse(why, NEWER);
  if (old.length > 0)
    return block(
      why,
      `${NEWER} If their kernels are newer than those of their system, acknowledge node-kernels: preparation checks every node that runs scripts.`,
    );
  const unread = nodes.filter((node) => node.isSince(OLDEST_KERNEL) === null);
  if (unread.length > 0)
    return unknown(
      `the kernel of ${unread.length} of ${nodes.length} nodes, whose system has had kernels older than ${OLDEST_KERNEL.join('.')}: ${listed(unread)}`,
      'See `uname -r` there. Preparation checks every node that runs scripts before anything is changed.',
    );
  const resets = nodes.filter((node) => node.isSince(RESET_KERNEL) !== true);
  if (resets.length > 0)
    return warn(
      `in nftables mode late packets may reset long TCP connections on kernels older than ${RESET_KERNEL.join('.')}, which these nodes have or may have: ${listed(resets)}`,
      'Use an image with kernel 6.1 or newer. Preparation reports how many invalid packets kube-proxy has dropped on a node: with more than 0 this cluster would notice.',
    );
  return pass(`the kernel of each of ${nodes.length} nodes is ${RESET_KERNEL.join('.')} or newer`);
}

export const KERNEL_CHECKS = {
  kernel: {
    source: 'https://github.com/kubernetes/kubernetes/issues/81775',
    acknowledgeable: true,
    changeOnly: true,
    find: kernel,
  },
  'node-kernels': {
    source: 'https://docs.aws.amazon.com/eks/latest/best-practices/nftables.html',
    acknowledgeable: true,
    changeOnly: true,
    find: nftablesKernels,
  },
} satisfies Checks;
