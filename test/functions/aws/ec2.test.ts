import type * as Sdk from '@aws-sdk/client-ec2';
import { operations, ServiceError } from '@nightshift/sandbox/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ec2 } from '../../../functions/aws/ec2.ts';
import { startWire, type Wire } from './wire.ts';

const instance = (id: string, more: Sdk.Instance = {}): Sdk.Instance => ({
  InstanceId: id,
  PrivateDnsName: `${id}.ec2.internal`,
  PrivateIpAddress: '192.168.1.1',
  LaunchTime: new Date('2026-11-01T00:00:00Z'),
  State: { Name: 'running', Code: 16 },
  Tags: [{ Key: 'aws:eks:cluster-name', Value: 'demo' }],
  ...more,
});
const tagged = (id: string, ...keys: [string, string][]) =>
  instance(id, { Tags: keys.map(([Key, Value]) => ({ Key, Value })) });
/** Two pages of instances of several clusters. */
const FIRST = [
  { Instances: [tagged('i-1', ['aws:eks:cluster-name', 'demo'], ['kubernetes.io/cluster/demo', 'owned'])] },
  { Instances: [tagged('i-2', ['eks:eks-cluster-name', 'demo']), tagged('i-3', ['aws:eks:cluster-name', 'blue'])] },
];
const LAST = [{ Instances: [tagged('i-4', ['kubernetes.io/cluster/blue', 'owned']), tagged('i-5', ['Name', 'x'])] }];
let wire: Wire;
beforeAll(async () => {
  wire = await startWire({
    ec2: operations<typeof Sdk>({
      DescribeInstances({ Filters = [], InstanceIds = [], NextToken }) {
        if (InstanceIds.includes('i-0'))
          throw new ServiceError('InvalidInstanceID.NotFound', "The instance ID 'i-0' does not exist");
        if (InstanceIds.length > 0) return { Reservations: [{ Instances: [instance('i-1')] }] };
        if (Filters[0]?.Values?.includes('kubernetes.io/cluster/*'))
          return NextToken ? { Reservations: LAST } : { Reservations: FIRST, NextToken: 'more' };
        if (Filters[0]?.Name === 'tag-key')
          return { Reservations: [{ Instances: [instance('i-2'), instance('i-4')] }] };
        if (NextToken) return { Reservations: [{ Instances: [instance('i-3', { Platform: 'Windows' })] }] };
        const addresses = {
          PrivateIpAddresses: [{ PrivateIpAddress: '192.168.1.1' }, { PrivateIpAddress: '192.168.1.9' }],
        };
        const first = instance('i-1', {
          NetworkInterfaces: [{ ...addresses, Ipv6Addresses: [{ Ipv6Address: '2600::1' }] }],
        });
        return { Reservations: [{ Instances: [first] }, { Instances: [instance('i-2')] }], NextToken: 'more' };
      },
    }),
  });
});
afterAll(() => wire.close());

// Instances of a warm pool are stopped.
const STATES = ['pending', 'running', 'stopping', 'stopped'];

test('the instances of a cluster are found by either tag, over all pages, each once', async () => {
  const nodes = await ec2.nodes('demo');
  expect(nodes.map(({ id, platform }) => [id, platform])).toEqual([
    ['i-1', 'linux'],
    ['i-2', 'linux'],
    ['i-3', 'windows'],
    ['i-4', 'linux'],
  ]);
  expect(nodes[0]).toEqual({
    id: 'i-1',
    privateDnsName: 'i-1.ec2.internal',
    addresses: ['192.168.1.1', '192.168.1.9', '2600::1'],
    state: 'running',
    platform: 'linux',
    launchedAt: new Date('2026-11-01T00:00:00Z'),
    tags: { 'aws:eks:cluster-name': 'demo' },
  });
  expect(wire.calls.map(({ input }) => input)).toMatchObject([
    { Filters: [{ Name: 'tag:aws:eks:cluster-name', Values: ['demo'] }, { Values: STATES }] },
    { NextToken: 'more' },
    { Filters: [{ Name: 'tag-key', Values: ['kubernetes.io/cluster/demo'] }, { Values: STATES }] },
  ]);
});

test('the tags of one instance are read by its id', async () => {
  expect(await ec2.tags('i-1')).toEqual({ 'aws:eks:cluster-name': 'demo' });
});

test('an instance that is gone has no tags', async () => {
  expect(await ec2.tags('i-0')).toBeNull();
});

test('the running instances of all clusters are counted with one filter, over all pages', async () => {
  wire.calls.length = 0;
  expect([...(await ec2.nodesByCluster())]).toEqual([
    ['demo', 2],
    ['blue', 2],
  ]);
  const Filters = [
    { Name: 'tag-key', Values: ['aws:eks:cluster-name', 'eks:eks-cluster-name', 'kubernetes.io/cluster/*'] },
    { Name: 'instance-state-name', Values: ['running'] },
  ];
  expect(wire.calls.map(({ input }) => input)).toEqual([
    { Filters, MaxResults: 1000 },
    { Filters, MaxResults: 1000, NextToken: 'more' },
  ]);
});
