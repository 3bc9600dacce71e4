import { type InventoryNode, type ManagedNode, UNREGISTERED } from '../nodes/nodes.ts';
import { named } from '../values/named.ts';
import { block, type Checks, type Finding, notYet, pass, refuse, type Subject, unknown, warn } from './check.ts';

export const nodeLabel = ({ id, name }: InventoryNode): string => (name === id ? id : `${name} (${id})`);

/** The kinds of nodes that run no script, each with the text that its Node object has as image. */
const kindByImage = (image: string): 'windows' | 'bottlerocket' | 'none' => {
  const name = image.toLowerCase();
  return name.includes('windows') ? 'windows' : name.startsWith('bottlerocket') ? 'bottlerocket' : 'none';
};

/** The image of each node, by name, whose Node object contradicts the kind that EC2 and SSM gave it. */
function contradictions({ inventory, workloads }: Subject): Map<string, string> {
  const kinds = new Map(inventory.map(({ name, kind }) => [name, kind]));
  const read = workloads?.nodes;
  return new Map(
    (read?.kind === 'read' ? read.value : []).flatMap(({ name, image }): [string, string][] => {
      const kind = kinds.get(name);
      if (image === undefined || kind === undefined) return [];
      const taken = kind === 'windows' || kind === 'bottlerocket' ? kind : 'none';
      return kind === 'hybrid' || taken === kindByImage(image) ? [] : [[name, image]];
    }),
  );
}

const SSM_RIGHTS =
  'Nodes register with SSM when their role may: attach the policy AmazonSSMManagedInstanceCore to the node role (aws iam attach-role-policy --role-name NODE_ROLE --policy-arn arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore), or switch on Default Host Management Configuration in Systems Manager. See aws ssm describe-instance-information.';

/** The fix for a finding on nodes: what SSM needs, if nodes have not registered with it, which is the usual case. */
function remedy(inventory: readonly InventoryNode[]): string {
  const unregistered = inventory.some(({ handling }) => handling.by === 'blocked' && handling.reason === UNREGISTERED);
  return unregistered ? SSM_RIGHTS : 'Repair, replace or remove the named nodes.';
}

function nodes(subject: Subject): Finding {
  const { inventory } = subject;
  const misclassified = contradictions(subject);
  const blocked = inventory.flatMap((node) => {
    if (node.handling.by === 'blocked') return [`${nodeLabel(node)}: ${node.handling.reason}`];
    const image = misclassified.get(node.name);
    if (image !== undefined)
      return [`${nodeLabel(node)}: it is classified as ${node.kind}, but its Node object says ${image}`];
    return node.kind === 'unknown' ? [`${nodeLabel(node)}: its kind is not known`] : [];
  });
  if (blocked.length === 0) return pass(`each of ${inventory.length} nodes is classified`);
  const count = blocked.length === 1 ? '1 node blocks' : `${blocked.length} nodes block`;
  return refuse(`${count} the migration: ${named(blocked)}`, remedy(inventory));
}

const ACCESS =
  'Give nightshift a way to the Kubernetes API: open the public endpoint, or configure `vpc` with a private one, and use access entries.';

/**
 * Checks for nodes that only Kubernetes knows: hybrid nodes, and instances without the cluster's tag. Every node that
 * runs kube-proxy has a pod of it, so a look through Kubernetes finds all. An empty list of nodes does not prove that
 * the cluster has none.
 */
function unlistedNodes({ snapshot, inventory, workloads, strategy }: Subject): Finding {
  if (workloads !== null) return pass('Kubernetes itself listed each node that runs kube-proxy');
  if (strategy === 'kubernetes-api')
    return notYet(
      'nodes that only Kubernetes knows',
      'Nothing to do: nightshift lists the nodes through Kubernetes before it changes anything or reports compliance.',
    );
  const because = 'the Kubernetes API is not asked, and';
  if (snapshot.hybridNetworks)
    return refuse(`${because} the cluster has networks for hybrid nodes, which nothing else lists`, ACCESS);
  if (!inventory.some(({ handling }) => handling.by !== 'excluded'))
    return refuse(`${because} no node was seen, so it is not known whether there are any`, ACCESS);
  return block(
    `${because} EC2 lists only the instances that have the tag of the cluster: a node without it would be neither prepared nor proven`,
    `${ACCESS} Or acknowledge unlisted-nodes if each node belongs to a managed node group or has the tag kubernetes.io/cluster/${snapshot.name}.`,
  );
}

/** A Linux on which nightshift has not been tried. If the scripts fail there, nothing is changed. */
function operatingSystem(subject: Subject): Finding | null {
  const others = eligible(subject).filter(({ node }) => node.kind === 'other-linux');
  if (others.length === 0) return null;
  const systems = others.map(
    ({ node, known }) =>
      `${nodeLabel(node)} ${known === undefined ? '' : `${known.platformName} ${known.platformVersion}`}`,
  );
  return block(
    `nightshift has not been tried on the operating system of these nodes: ${named(systems.map((each) => each.trim()))}`,
    'Acknowledge operating-system to have them prepared and proven by the same scripts: if preparation fails, nothing is changed.',
  );
}

/** The tag with which nodes are prepared when they register with SSM. */
const PREPARED_ON_REGISTRATION = 'nightshift:prepare';

/** Instances that are stopped now and will start with the new mode, such as those of a warm pool. */
function stoppedNodes({ inventory, ec2 }: Subject): Finding | null {
  const stopped = inventory.filter(({ kind }) => kind === 'stopped');
  if (stopped.length === 0) return null;
  const tags = new Map(ec2.map((node) => [node.id, node.tags]));
  const bare = stopped.filter(({ id }) => tags.get(id)?.[PREPARED_ON_REGISTRATION] !== 'true');
  const later = 'they start later with the new mode, and are not proven now';
  const listed = (nodes: readonly InventoryNode[]) => named(nodes.map(nodeLabel));
  if (bare.length === 0)
    return warn(
      `${stopped.length} instances are stopped (${listed(stopped)}): ${later}; they have the tag ${PREPARED_ON_REGISTRATION}=true, which prepares an instance when it registers with SSM`,
      'Start one of them after the migration and check that kube-proxy runs there.',
    );
  return block(
    `${bare.length} instances are stopped, such as those of a warm pool, and cannot be prepared: ${listed(bare)}; ${later}`,
    `Empty the warm pool, set the tag ${PREPARED_ON_REGISTRATION}=true in its launch template and fill it again; or acknowledge stopped-nodes.`,
  );
}

/**
 * Only the nodes can report such servers. In IPVS mode kube-proxy deletes them, and preparation checks each node. When
 * kube-proxy enters nftables mode, it flushes all virtual servers, unless it ran in IPVS mode before, which left none.
 */
function foreignServers(subject: Subject): Finding | null {
  if (!eligible(subject).some(({ node }) => node.handling.by === 'ssm')) return null;
  return notYet(
    'IPVS virtual servers of others on nodes, which kube-proxy would delete',
    'Nothing to do: preparation checks every node before anything is changed.',
  );
}

/** The eligible nodes, each with SSM's description of it. */
export function eligible({
  inventory,
  managed,
}: Pick<Subject, 'inventory' | 'managed'>): { node: InventoryNode; known: ManagedNode | undefined }[] {
  const byId = new Map(managed.map((each) => [each.id, each]));
  return inventory
    .filter(({ handling }) => handling.by === 'ssm' || handling.by === 'proxy-mode')
    .map((node) => ({ node, known: byId.get(node.id) }));
}

// The first agent that passes parameters to a script as environment variables.
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
        old.map(({ node, version }) => `${nodeLabel(node)} ${version}`),
      )}`,
      fix,
    );
  if (silent.length > 0)
    return unknown(`the version of SSM agents: ${named(silent.map(({ node }) => nodeLabel(node)))}`, fix);
  return pass(`each of ${asked.length} SSM agents is 3.3.2746.0 or newer`);
}

export const NODE_CHECKS = {
  nodes: {
    source: 'https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html',
    acknowledgeable: false,
    changeOnly: false,
    find: nodes,
  },
  'unlisted-nodes': {
    source: 'https://docs.aws.amazon.com/eks/latest/userguide/worker.html',
    acknowledgeable: true,
    changeOnly: false,
    find: unlistedNodes,
  },
  'stopped-nodes': {
    source: 'https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-warm-pools.html',
    acknowledgeable: true,
    changeOnly: true,
    find: stoppedNodes,
  },
  'operating-system': {
    source: 'https://docs.aws.amazon.com/eks/latest/userguide/eks-optimized-amis.html',
    acknowledgeable: true,
    changeOnly: true,
    find: operatingSystem,
  },
  'foreign-virtual-servers': {
    source: 'https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/ipvs/README.md',
    acknowledgeable: true,
    changeOnly: true,
    find: foreignServers,
  },
  'ssm-agent-version': {
    source:
      'https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-syntax-data-elements-parameters.html',
    acknowledgeable: true,
    changeOnly: true,
    find: agentVersion,
  },
} satisfies Checks;
