import type * as Sdk from '@aws-sdk/client-ec2';
import type { Cluster, Region, WorkerNode } from '../region.ts';
import { ServiceError } from '../wire/error.ts';
import { type Operations, operations } from '../wire/operations.ts';
import { page } from './paging.ts';

interface Worker {
  readonly cluster: Cluster;
  readonly node: WorkerNode;
}

/** Amazon EC2: the instances that the clusters' nodes run on. Fargate's are not the account's, as in AWS. */
export function ec2Service(region: Region): Operations {
  return operations<typeof Sdk>({
    DescribeInstances: ({ InstanceIds = [], Filters = [], MaxResults, NextToken }) => {
      if (InstanceIds.length > 0 && MaxResults !== undefined)
        throw new ServiceError(
          'InvalidParameterCombination',
          'The parameter instancesSet cannot be used with the parameter maxResults',
        );
      if (MaxResults !== undefined && (MaxResults < 5 || MaxResults > 1000))
        throw new ServiceError(
          'InvalidParameterValue',
          `Value ( ${MaxResults} ) for parameter maxResults is invalid. Expecting a value from 5 through 1000.`,
        );
      const workers = chooseById(allWorkers(region), InstanceIds);
      const filters = Filters.map(({ Name = '', Values = [] }) => matcher(Name, Values));
      const chosen = workers.filter((worker) => filters.every((matches) => matches(worker)));
      const { items, nextToken } = page(chosen, { token: NextToken, size: MaxResults ?? 1000 });
      const Reservations = items.map((worker) => ({
        ReservationId: `r-${worker.node.id.slice(2)}`,
        OwnerId: region.account,
        Groups: [],
        Instances: [describe(region, worker)],
      }));
      return { Reservations, NextToken: nextToken };
    },
  });
}

function allWorkers(region: Region): Worker[] {
  return [...region.clusters.values()].flatMap((cluster) =>
    cluster.nodes.filter(({ os }) => os !== 'fargate').map((node) => ({ cluster, node })),
  );
}

function chooseById(workers: readonly Worker[], ids: readonly string[]): readonly Worker[] {
  if (ids.length === 0) return workers;
  const known = new Set(workers.map(({ node }) => node.id));
  const strangers = ids.filter((id) => !known.has(id));
  if (strangers.length > 0)
    throw new ServiceError(
      'InvalidInstanceID.NotFound',
      `The instance ID${strangers.length > 1 ? 's' : ''} '${strangers.join(', ')}' do${strangers.length > 1 ? '' : 'es'} not exist`,
    );
  return workers.filter(({ node }) => ids.includes(node.id));
}

/** Values may hold `*` and `?`. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html */
function matcher(name: string, values: readonly string[]): (worker: Worker) => boolean {
  const exact = new Set(values.filter((value) => !/[*?]/.test(value)));
  const patterns = values
    .filter((value) => !exact.has(value))
    .map((value) => {
      const escaped = value.replace(/[.+^${}()|[\]\\]/g, '\\$&');
      return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
    });
  const read = reader(name);
  return (worker) => read(worker).some((found) => exact.has(found) || patterns.some((pattern) => pattern.test(found)));
}

function reader(name: string): (worker: Worker) => string[] {
  if (name.startsWith('tag:')) {
    const key = name.slice('tag:'.length);
    return (worker) => tagsOf(worker).flatMap(({ Key, Value }) => (Key === key ? [Value] : []));
  }
  switch (name) {
    case 'tag-key':
      return (worker) => tagsOf(worker).map(({ Key }) => Key);
    case 'tag-value':
      return (worker) => tagsOf(worker).map(({ Value }) => Value);
    case 'instance-id':
      return ({ node }) => [node.id];
    case 'instance-state-name':
      return ({ node }) => [stateOf(node).Name];
    case 'private-dns-name':
      return ({ node }) => [node.name];
    case 'private-ip-address':
      return ({ node }) => [addressesOf(node).ipv4].filter((address) => address !== undefined);
    case 'platform':
      return ({ node }) => (node.os === 'windows' ? ['windows'] : []);
    default:
      throw new ServiceError('InvalidParameterValue', `The filter '${name}' is invalid`);
  }
}

function stateOf(node: WorkerNode): { Code: number; Name: 'running' | 'stopped' | 'terminated' } {
  if (node.stopped && !node.terminated) return { Code: 80, Name: 'stopped' };
  return node.terminated ? { Code: 48, Name: 'terminated' } : { Code: 16, Name: 'running' };
}

/** The tags of an instance, by its id; empty for an unknown instance. */
export function instanceTags(region: Region, id: string): Record<string, string> {
  for (const cluster of region.clusters.values()) {
    const node = cluster.nodes.find((each) => each.id === id);
    if (node) return Object.fromEntries(tagsOf({ cluster, node }).map(({ Key, Value }) => [Key, Value]));
  }
  return {};
}

function tagsOf(worker: Worker): readonly Tag[] {
  const starters = startersTags(worker);
  const { tags } = worker.node;
  return tags ? [...starters, ...Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))] : starters;
}

interface Tag {
  readonly Key: string;
  readonly Value: string;
}

/** By node, because each DescribeInstances reads the tags of every node of the Region. */
const knownTags = new WeakMap<WorkerNode, readonly Tag[]>();

/** The tags that an instance was started with. */
function startersTags(worker: Worker): readonly Tag[] {
  const known = knownTags.get(worker.node);
  if (known) return known;
  const tags = makeStartersTags(worker);
  knownTags.set(worker.node, tags);
  return tags;
}

/** Karpenter's own: https://karpenter.sh/docs/reference/cloudformation/ */
function makeStartersTags({ cluster, node }: Worker): readonly Tag[] {
  const owned = { Key: `kubernetes.io/cluster/${cluster.name}`, Value: 'owned' };
  if (node.startedBy === 'person') return [{ Key: 'Name', Value: node.name }];
  if (node.startedBy === 'karpenter')
    return [
      { Key: 'Name', Value: node.name },
      { Key: 'eks:eks-cluster-name', Value: cluster.name },
      { Key: 'karpenter.sh/nodepool', Value: node.os },
      owned,
    ];
  return [
    { Key: 'Name', Value: `${cluster.name}-${node.os}` },
    { Key: 'aws:eks:cluster-name', Value: cluster.name },
    { Key: 'eks:cluster-name', Value: cluster.name },
    { Key: 'eks:nodegroup-name', Value: node.os },
    owned,
  ];
}

/** A node of an IPv6 cluster has both: its private DNS name contains the IPv4 one. */
function addressesOf({ address, name }: WorkerNode): { ipv4: string | undefined; ipv6: string | undefined } {
  if (!address.includes(':')) return { ipv4: address, ipv6: undefined };
  return { ipv4: /^ip-(\d+-\d+-\d+-\d+)\./.exec(name)?.[1]?.replaceAll('-', '.'), ipv6: address };
}

// The model knows the value `Windows`; EC2 really sends it in small letters, and clients must bear that.
const platform: string = 'windows';
const WINDOWS = platform as Sdk.PlatformValues;

function describe(region: Region, worker: Worker): Sdk.Instance {
  const { node } = worker;
  const { ipv4, ipv6 } = addressesOf(node);
  const windows = node.os === 'windows';
  const addresses = node.terminated ? {} : { PrivateIpAddress: ipv4, ...(ipv6 !== undefined && { Ipv6Address: ipv6 }) };
  return {
    InstanceId: node.id,
    ImageId: 'ami-0a1b2c3d4e5f60001',
    InstanceType: 'm5.large',
    LaunchTime: node.launchedAt,
    State: stateOf(node),
    Placement: { AvailabilityZone: `${region.name}a`, Tenancy: 'default' },
    ...(windows && { Platform: WINDOWS }),
    PlatformDetails: windows ? 'Windows' : 'Linux/UNIX',
    Architecture: 'x86_64',
    // EC2 empties the name of an instance that is gone.
    PrivateDnsName: node.terminated ? '' : node.name,
    ...addresses,
    NetworkInterfaces: node.terminated
      ? []
      : [
          {
            NetworkInterfaceId: `eni-${node.id.slice(2)}`,
            PrivateDnsName: node.name,
            PrivateIpAddress: ipv4,
            PrivateIpAddresses: ipv4 === undefined ? [] : [{ Primary: true, PrivateIpAddress: ipv4 }],
            Ipv6Addresses: ipv6 === undefined ? [] : [{ Ipv6Address: ipv6 }],
          },
        ],
    VpcId: 'vpc-0a1b2c3d4e5f60001',
    Tags: [...tagsOf(worker)],
  };
}
