import { EC2 } from '@aws-sdk/client-ec2';
import { afterEach, expect, test } from 'vitest';
import { ec2Service } from '../../services/ec2.ts';
import { makeCluster, makeNode, type NodeSketch, TestRegion } from './region.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function open(sketches: NodeSketch[]) {
  const nodes = sketches.map((sketch, index) => makeNode(index, sketch));
  const world = new TestRegion([makeCluster('demo', { nodes }), makeCluster('other', { nodes: [makeNode(900)] })]);
  world.dispatcher.register('ec2', ec2Service(world.region));
  const client = new EC2(await world.listen());
  cleanups.push(() => world.close());
  const instances = async (input: Parameters<EC2['describeInstances']>[0]) => {
    const { Reservations = [], NextToken } = await client.describeInstances(input);
    return { found: Reservations.flatMap(({ Instances = [] }) => Instances), NextToken };
  };
  return { client, nodes, instances };
}
const ofDemo = { Name: 'tag:aws:eks:cluster-name', Values: ['demo'] };

test('a cluster’s instances are found by its tags, without those of Fargate', async () => {
  const { nodes, instances } = await open([{}, { os: 'windows' }, { os: 'fargate' }]);
  const { found } = await instances({ Filters: [ofDemo] });
  expect(found.map(({ InstanceId }) => InstanceId)).toEqual([nodes[0]?.id, nodes[1]?.id]);
  expect(found[0]).toMatchObject({
    PrivateDnsName: 'ip-192-168-1-1.ec2.internal',
    PrivateIpAddress: '192.168.1.1',
    State: { Name: 'running', Code: 16 },
    LaunchTime: new Date('2026-11-01T00:00:00Z'),
  });
  expect(found[0]?.Tags).toContainEqual({ Key: 'kubernetes.io/cluster/demo', Value: 'owned' });
  expect(found.map(({ PlatformDetails }) => PlatformDetails)).toEqual(['Linux/UNIX', 'Windows']);
  expect(
    (await instances({ Filters: [{ Name: 'tag-key', Values: ['kubernetes.io/cluster/oth*'] }] })).found,
  ).toHaveLength(1);
});

test('an instance that Karpenter started has its own tags and no tag of EKS', async () => {
  const { nodes, instances } = await open([{}, { startedBy: 'karpenter' }]);
  const marked = async (tag: string) =>
    (await instances({ Filters: [{ Name: `tag:${tag}`, Values: ['demo'] }] })).found.map(
      ({ InstanceId }) => InstanceId,
    );
  expect(await marked('aws:eks:cluster-name')).toEqual([nodes[0]?.id]);
  expect(await marked('eks:eks-cluster-name')).toEqual([nodes[1]?.id]);
  const owned = { Filters: [{ Name: 'tag-key', Values: ['kubernetes.io/cluster/demo'] }] };
  expect((await instances(owned)).found).toHaveLength(2);
});

test('a terminated instance is listed as terminated and can be filtered out', async () => {
  const { nodes, instances } = await open([{}, {}]);
  for (const node of nodes.slice(1)) node.terminated = true;
  const { found } = await instances({ Filters: [ofDemo] });
  expect(found.map(({ State }) => State?.Name)).toEqual(['running', 'terminated']);
  const running = await instances({
    Filters: [ofDemo, { Name: 'instance-state-name', Values: ['pending', 'running'] }],
  });
  expect(running.found.map(({ InstanceId }) => InstanceId)).toEqual([nodes[0]?.id]);
});

test('an IPv6 node has its IPv6 address and the IPv4 one of its name', async () => {
  const { nodes, instances } = await open([{ address: '2600:1f14::b:1' }]);
  const { found } = await instances({ InstanceIds: nodes.map(({ id }) => id) });
  expect(found[0]).toMatchObject({ Ipv6Address: '2600:1f14::b:1', PrivateIpAddress: '192.168.1.1' });
  expect(found[0]?.NetworkInterfaces?.[0]?.Ipv6Addresses).toEqual([{ Ipv6Address: '2600:1f14::b:1' }]);
});

test('pages are followed by their token', async () => {
  const { instances } = await open(Array.from({ length: 7 }, () => ({})));
  const first = await instances({ Filters: [ofDemo], MaxResults: 5 });
  const second = await instances({ Filters: [ofDemo], MaxResults: 5, NextToken: first.NextToken });
  expect([first.found.length, second.found.length, second.NextToken]).toEqual([5, 2, undefined]);
});

test('EC2’s own errors come in EC2’s own form', async () => {
  const { client } = await open([]);
  await expect(client.describeInstances({ InstanceIds: ['i-0123456789abcdef0'] })).rejects.toMatchObject({
    name: 'InvalidInstanceID.NotFound',
    message: "The instance ID 'i-0123456789abcdef0' does not exist",
  });
  await expect(client.describeInstances({ MaxResults: 4 })).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  await expect(client.describeInstances({ Filters: [{ Name: 'colour', Values: ['red'] }] })).rejects.toThrow(
    "The filter 'colour' is invalid",
  );
  await expect(client.describeVpcs({})).rejects.toMatchObject({
    name: 'NotImplemented',
    message: 'the sandbox does not implement ec2.DescribeVpcs',
  });
});
