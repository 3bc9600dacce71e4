import { DescribeInstancesCommand, EC2Client, type Filter, type Instance } from '@aws-sdk/client-ec2';
import { CLUSTER_TAG_KEYS, clustersOf } from '../core/nodes/cluster-tags.ts';
import type { Ec2Node } from '../core/nodes/nodes.ts';
import { isNamed, memoised } from './clients.ts';

/** The EC2 call that nightshift makes. */
export interface Ec2 {
  /** The tags of an instance; null if no instance has this id, or no longer. */
  tags(instanceId: string): Promise<Record<string, string> | null>;
  /** The pending, running and stopped instances that have the cluster's tag, each once, by id. */
  nodes(cluster: string): Promise<Ec2Node[]>;
  /**
   * How many running instances the tags of this account's instances name for each cluster. A cluster without any is not
   * in the map.
   */
  nodesByCluster(): Promise<Map<string, number>>;
}

const client = memoised((options) => new EC2Client(options));

export const ec2: Ec2 = {
  async tags(instanceId) {
    try {
      const { Reservations = [] } = await client().send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }));
      const instance = Reservations.flatMap(({ Instances }) => Instances ?? []).at(0);
      return instance ? tagsOf(instance) : null;
    } catch (error) {
      if (isNamed(error, 'InvalidInstanceID.NotFound')) return null;
      throw error;
    }
  },

  async nodes(cluster) {
    const nodes = new Map<string, Ec2Node>();
    for (const filter of clusterFilters(cluster))
      for await (const instance of instances(filter)) {
        const node = nodeOf(instance);
        nodes.set(node.id, node);
      }
    return [...nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  },

  async nodesByCluster() {
    const counts = new Map<string, number>();
    const tagged = { Name: 'tag-key', Values: [...CLUSTER_TAG_KEYS] };
    for await (const instance of instances(tagged, ['running']))
      for (const cluster of clustersOf(tagsOf(instance))) counts.set(cluster, (counts.get(cluster) ?? 0) + 1);
    return counts;
  },
};

/** EC2 combines filters with AND, so each tag that marks a cluster's instances needs a call of its own. */
function clusterFilters(cluster: string): Filter[] {
  return [
    { Name: 'tag:aws:eks:cluster-name', Values: [cluster] },
    { Name: 'tag-key', Values: [`kubernetes.io/cluster/${cluster}`] },
  ];
}

type State = 'pending' | 'running' | 'stopping' | 'stopped';
/** Instances of a warm pool are stopped. */
const PRESENT: readonly State[] = ['pending', 'running', 'stopping', 'stopped'];

async function* instances(filter: Filter, states: readonly State[] = PRESENT): AsyncGenerator<Instance> {
  const Filters = [filter, { Name: 'instance-state-name', Values: [...states] }];
  let NextToken: string | undefined;
  do {
    const page = await client().send(new DescribeInstancesCommand({ Filters, MaxResults: 1000, NextToken }));
    for (const { Instances } of page.Reservations ?? []) yield* Instances ?? [];
    NextToken = page.NextToken;
  } while (NextToken);
}

/** Throws if EC2 leaves out a field that identifies the node. */
export function nodeOf(instance: Instance): Ec2Node {
  const { InstanceId: id, LaunchTime: launchedAt, State } = instance;
  if (!id || !launchedAt || !State?.Name)
    throw new Error(`EC2 described instance ${id} without its id, state or launch time`);
  const interfaces = instance.NetworkInterfaces ?? [];
  const addresses = [
    instance.PrivateIpAddress,
    instance.Ipv6Address,
    ...interfaces.flatMap((each) => [
      ...(each.PrivateIpAddresses ?? []).map((address) => address.PrivateIpAddress),
      ...(each.Ipv6Addresses ?? []).map((address) => address.Ipv6Address),
    ]),
  ];
  return {
    id,
    privateDnsName: instance.PrivateDnsName ?? '',
    addresses: [...new Set(addresses.filter((address) => address !== undefined))],
    state: State.Name,
    platform: instance.Platform === 'Windows' || instance.PlatformDetails?.startsWith('Windows') ? 'windows' : 'linux',
    launchedAt,
    tags: tagsOf(instance),
  };
}

const tagsOf = ({ Tags = [] }: Instance): Record<string, string> =>
  Object.fromEntries(Tags.map(({ Key, Value }) => [Key ?? '', Value ?? '']));
