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
let wire: Wire;
beforeAll(async () => {
  wire = await startWire({
    ec2: operations<typeof Sdk>({
      DescribeInstances({ Filters = [], InstanceIds = [], NextToken }) {
        if (InstanceIds.includes('i-0'))
          throw new ServiceError('InvalidInstanceID.NotFound', "The instance ID 'i-0' does not exist");
        if (InstanceIds.length > 0) return { Reservations: [{ Instances: [instance('i-1')] }] };
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
