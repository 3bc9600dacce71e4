import type { InventoryNode, ManagedNode } from '../nodes.ts';
import { type Checks, type Finding, named, pass, refuse, type Subject, unknown, warn } from './check.ts';

const who = ({ id, name }: InventoryNode): string => (name === id ? id : `${name} (${id})`);

function nodes({ inventory }: Subject): Finding {
  const blocked = inventory.flatMap((node) => {
    if (node.handling.by === 'blocked') return [`${who(node)}: ${node.handling.reason}`];
    return node.kind === 'unknown' ? [`${who(node)}: its kind is not known`] : [];
  });
  if (blocked.length === 0) return pass(`each of ${inventory.length} nodes is classified`);
  const count = blocked.length === 1 ? '1 node blocks' : `${blocked.length} nodes block`;
  return refuse(`${count} the migration: ${named(blocked)}`, 'Repair, replace or remove the named nodes.');
}

/** The eligible nodes, each with what SSM knows of it. */
function eligible({ inventory, managed }: Subject): { node: InventoryNode; known: ManagedNode | undefined }[] {
  const byId = new Map(managed.map((each) => [each.id, each]));
  return inventory
    .filter(({ handling }) => handling.by === 'ssm' || handling.by === 'proxy-mode')
    .map((node) => ({ node, known: byId.get(node.id) }));
}

// The first agent that hands parameters to a script as environment variables.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html
const AGENT = [3, 3, 2746, 0];

function agentIsOld(version: string): boolean | null {
  if (!/^\d+(\.\d+){3}$/.test(version)) return null;
  const parts = version.split('.').map(Number);
  const differs = AGENT.findIndex((wanted, index) => parts[index] !== wanted);
  return differs >= 0 && (parts[differs] ?? 0) < (AGENT[differs] ?? 0);
}

function agentVersion(subject: Subject): Finding {
  const asked = eligible(subject).filter(({ node }) => node.handling.by === 'ssm');
  const versions = asked.map(({ node, known }) => ({ node, version: known?.agentVersion ?? '' }));
  const old = versions.filter(({ version }) => agentIsOld(version) === true);
  const silent = versions.filter(({ version }) => agentIsOld(version) === null);
  const fix = 'Update the SSM agents: the document AWS-UpdateSSMAgent, or a State Manager association with it.';
  if (old.length > 0)
    return warn(
      `SSM agents are older than 3.3.2746.0, the first that hands parameters to scripts as environment variables: ${named(
        old.map(({ node, version }) => `${who(node)} ${version}`),
      )}`,
      fix,
    );
  if (silent.length > 0)
    return unknown(`the version of SSM agents: ${named(silent.map(({ node }) => who(node)))}`, fix);
  return pass(`each of ${asked.length} SSM agents is 3.3.2746.0 or newer`);
}

/** Whether a kernel release such as `5.10.245-241.976.amzn2.x86_64` is older than 5.9; null where it cannot be read. */
function kernelIsOld(release: string): boolean | null {
  const match = /^(\d+)\.(\d+)/.exec(release);
  if (match === null) return null;
  const [major, minor] = [Number(match[1]), Number(match[2])];
  return major < 5 || (major === 5 && minor < 9);
}

/**
 * Whether an operating system comes with a kernel older than 5.9; null where its releases have had both. Amazon Linux 2
 * has 4.14, 5.4 and 5.10, Ubuntu 20.04 has 5.4 and 5.15, Amazon Linux 2023 began with 6.1, Debian 11 with 5.10.
 * Bottlerocket's images for Kubernetes 1.23 and later have 5.10 or newer.
 */
function systemIsOld({ platformName, platformVersion }: ManagedNode, { snapshot }: Subject): boolean | null {
  const name = platformName.trim().toLowerCase();
  const release = Number.parseFloat(platformVersion);
  if (name === 'amazon linux') return release >= 2023 ? false : null;
  if (name.startsWith('ubuntu')) return release >= 22.04 ? false : null;
  if (name.startsWith('debian')) return Number.isNaN(release) ? null : release < 11;
  if (name.startsWith('bottlerocket')) return Number(snapshot.version.split('.')[1]) >= 23 ? false : null;
  return null;
}

function kernel(subject: Subject): Finding {
  const read = subject.workloads?.nodes;
  const releases = new Map(read?.kind === 'read' ? read.value.map((node) => [node.name, node.kernel]) : []);
  const judged = eligible(subject).map(({ node, known }) => {
    const release = releases.get(node.name);
    const system = known === undefined ? 'an unknown system' : `${known.platformName} ${known.platformVersion}`;
    const old = release === undefined ? known && systemIsOld(known, subject) : kernelIsOld(release);
    return { old: old ?? null, said: `${who(node)} ${release ?? system}` };
  });
  const old = judged.filter((each) => each.old === true);
  const unread = judged.filter((each) => each.old === null);
  const fix = 'Move these nodes to an image with kernel 5.9 or newer, such as Amazon Linux 2023.';
  if (old.length > 0)
    return warn(
      `kernels older than 5.9 delay connections that reuse a source port, or send them to pods that are gone: ${named(
        old.map(({ said }) => said),
      )}`,
      fix,
    );
  if (unread.length > 0)
    return unknown(
      `the kernel of ${unread.length} of ${judged.length} nodes, whose system has had kernels older than 5.9: ${named(
        unread.map(({ said }) => said),
      )}`,
      'See `uname -r` there. On kernels older than 5.9, connections that reuse a source port may be delayed or lost.',
    );
  const source = releases.size > 0 ? '' : ', by its operating system';
  return pass(`the kernel of each of ${judged.length} nodes is 5.9 or newer${source}`);
}

export const NODE_CHECKS = {
  nodes: {
    source: 'https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html',
    acknowledgeable: false,
    changeOnly: false,
    find: nodes,
  },
  'ssm-agent-version': {
    source:
      'https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html',
    acknowledgeable: true,
    changeOnly: true,
    find: agentVersion,
  },
  kernel: {
    source: 'https://github.com/kubernetes/kubernetes/issues/81775',
    acknowledgeable: true,
    changeOnly: true,
    find: kernel,
  },
} satisfies Checks;
