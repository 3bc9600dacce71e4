import type * as Sdk from '@aws-sdk/client-ssm';
import type { Cluster, NodeOs, Region, WorkerNode } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import { page } from '../paging.ts';

interface Managed {
  readonly cluster: Cluster;
  readonly node: WorkerNode;
}

type Platform = Required<Pick<Sdk.InstanceInformation, 'PlatformType' | 'PlatformName' | 'PlatformVersion'>>;

const PLATFORMS: Readonly<Record<NodeOs, Platform>> = {
  al2023: { PlatformType: 'Linux', PlatformName: 'Amazon Linux', PlatformVersion: '2023' },
  al2: { PlatformType: 'Linux', PlatformName: 'Amazon Linux', PlatformVersion: '2' },
  ubuntu: { PlatformType: 'Linux', PlatformName: 'Ubuntu', PlatformVersion: '22.04' },
  rhel: { PlatformType: 'Linux', PlatformName: 'Red Hat Enterprise Linux', PlatformVersion: '9.6' },
  rocky: { PlatformType: 'Linux', PlatformName: 'Rocky Linux', PlatformVersion: '9.6' },
  almalinux: { PlatformType: 'Linux', PlatformName: 'AlmaLinux', PlatformVersion: '8.10' },
  oracle: { PlatformType: 'Linux', PlatformName: 'Oracle Linux Server', PlatformVersion: '9.6' },
  sles: { PlatformType: 'Linux', PlatformName: 'SLES', PlatformVersion: '15.6' },
  bottlerocket: { PlatformType: 'Linux', PlatformName: 'Bottlerocket', PlatformVersion: '1.44.0' },
  windows: {
    PlatformType: 'Windows',
    PlatformName: 'Microsoft Windows Server 2022 Datacenter',
    PlatformVersion: '10.0.20348',
  },
  fargate: { PlatformType: 'Linux', PlatformName: 'Amazon Linux', PlatformVersion: '2' },
};

/** Every node whose agent is registered with SSM, wherever it is; SSM does not forget a terminated instance at once. */
export function managedNodes(region: Region): Managed[] {
  return [...region.clusters.values()].flatMap((cluster) =>
    cluster.nodes.filter(({ agent }) => agent !== 'none').map((node) => ({ cluster, node })),
  );
}

/** The nodes whose instance still runs: a stopped one takes no commands. */
function runningNodes(region: Region): Managed[] {
  return managedNodes(region).filter(({ node }) => !node.terminated);
}

/** DescribeInstanceInformation; what an agent reports about itself and when it was last heard. */
export function describeInstanceInformation(
  region: Region,
  input: {
    Filters?: { Key: string; Values: string[] }[] | undefined;
    InstanceInformationFilterList?: { key: string; valueSet: string[] }[] | undefined;
    MaxResults?: number | undefined;
    NextToken?: string | undefined;
  },
): { InstanceInformationList: Sdk.InstanceInformation[]; NextToken: string | undefined } {
  const size = input.MaxResults ?? 50;
  if (size < 5 || size > 50)
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value '${size}' at 'maxResults' failed to satisfy constraint: Member must be between 5 and 50`,
    );
  const filters = [
    ...(input.Filters ?? []),
    ...(input.InstanceInformationFilterList ?? []).map(({ key, valueSet }) => ({ Key: key, Values: valueSet })),
  ].map(({ Key, Values }) => ({ read: filterValues(region, Key), wanted: new Set(Values) }));
  const chosen = managedNodes(region).filter((managed) =>
    filters.every(({ read, wanted }) => read(managed).some((value) => wanted.has(value))),
  );
  const { items, nextToken } = page(chosen, { token: input.NextToken, size }, invalidToken);
  return { InstanceInformationList: items.map((managed) => describe(region, managed)), NextToken: nextToken };
}

/** Reads what a filter compares. A description is made only for a filter that needs it: a Region may have 10,000 nodes. */
function filterValues(region: Region, key: string): (managed: Managed) => string[] {
  if (key.startsWith('tag:')) return (managed) => [tagsOf(managed)[key.slice('tag:'.length)] ?? ''];
  if (key === 'tag-key') return (managed) => Object.keys(tagsOf(managed));
  if (key === 'InstanceIds') return ({ node }) => [node.id];
  const members = {
    PingStatus: 'PingStatus',
    PlatformTypes: 'PlatformType',
    AgentVersion: 'AgentVersion',
    ResourceType: 'ResourceType',
  } as const;
  for (const [name, member] of Object.entries(members))
    if (name === key) return (managed) => [describe(region, managed)[member] ?? ''];
  throw new ServiceError('InvalidFilterKey', `the filter key ${key} is not valid`);
}

function tagsOf({ cluster }: Managed): Record<string, string> {
  return { 'aws:eks:cluster-name': cluster.name, [`kubernetes.io/cluster/${cluster.name}`]: 'owned' };
}

/** An agent pings every five minutes; one that is lost was last heard an hour ago. */
function describe(region: Region, { node }: Managed): Sdk.InstanceInformation {
  const online = node.agent === 'online' && !node.terminated && !node.stopped;
  const now = region.clock.now().getTime();
  return {
    InstanceId: node.id,
    PingStatus: online ? 'Online' : 'ConnectionLost',
    LastPingDateTime: new Date(now - (online ? 60_000 : 3_600_000)),
    AgentVersion: node.agentVersion ?? '3.3.2746.0',
    IsLatestVersion: true,
    ...PLATFORMS[node.claims ?? node.os],
    ResourceType: 'EC2Instance',
    IPAddress: node.address,
    ComputerName: node.name,
    SourceId: node.id,
    SourceType: 'AWS::EC2::Instance',
  };
}

function invalidToken(): ServiceError {
  return new ServiceError('InvalidNextToken', 'The specified token is not valid.');
}

/** Whether a machine that speaks POSIX sh can be reached on this node. */
export function runsShell(node: WorkerNode): boolean {
  return node.machine !== null && PLATFORMS[node.os].PlatformType === 'Linux';
}

/**
 * The managed nodes with these ids. Throws InvalidInstanceId, naming all that are not there, not managed or gone; one
 * whose agent is silent is accepted, as SSM accepts it.
 */
export function requireManaged(region: Region, ids: readonly string[]): WorkerNode[] {
  const byId = new Map(runningNodes(region).map(({ node }) => [node.id, node]));
  const strangers = ids.filter((id) => !byId.has(id));
  if (strangers.length > 0)
    throw new ServiceError(
      'InvalidInstanceId',
      `Instances [[${strangers.join(', ')}]] not in a valid state for account ${region.account}`,
    );
  return ids.flatMap((id) => byId.get(id) ?? []);
}

/** The nodes that SendCommand's `Targets` choose: `InstanceIds` or `tag:NAME`, all of them must fit. */
export function targetedNodes(
  region: Region,
  targets: readonly { Key?: string | undefined; Values?: string[] | undefined }[],
): WorkerNode[] {
  const chosen = runningNodes(region).filter((managed) =>
    targets.every(({ Key = '', Values = [] }) => {
      if (Key === 'InstanceIds') return Values.includes(managed.node.id);
      if (Key.startsWith('tag:')) return Values.includes(tagsOf(managed)[Key.slice('tag:'.length)] ?? '');
      throw new ServiceError(
        'InvalidTarget',
        `the sandbox knows targets by InstanceIds and by tag:NAME, not by ${Key}`,
      );
    }),
  );
  return chosen.map(({ node }) => node);
}
