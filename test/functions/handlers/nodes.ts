import type { Ec2Node, Handling, InventoryNode, ManagedNode } from '../../../functions/core/nodes/nodes.ts';

/** A node of an inventory; Amazon Linux 2023 through SSM unless said otherwise. */
export function node(id: string, handling: Handling = { by: 'ssm' }): InventoryNode {
  return { id, name: `ip-${id}.ec2.internal`, address: '192.168.1.1', kind: 'al2023', handling };
}

export const INVENTORY = { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz' };
export const CLUSTER = { name: 'demo', serviceCidr: '10.100.0.0/16' };
export const RR = { mode: 'ipvs', scheduler: 'rr' } as const;

/** What EC2 says of a node that runs. */
export const instance = (id: string): Ec2Node => ({
  id,
  privateDnsName: `${id}.ec2.internal`,
  addresses: ['192.168.1.1'],
  state: 'running',
  platform: 'linux',
  launchedAt: new Date('2026-11-01T00:00:00Z'),
  tags: {},
});
/** What SSM says of a node whose agent answers. */
export const managed = (id: string, platformName = 'Amazon Linux'): ManagedNode => ({
  id,
  ping: 'Online',
  platformType: 'Linux',
  platformName,
  platformVersion: '2023',
  agentVersion: '3.3.2746.0',
  computerName: `${id}.ec2.internal`,
  address: '192.168.1.1',
});
