import type { Ec2Node, Handling, InventoryNode, ManagedNode } from '../../../functions/core/nodes/nodes.ts';
import { ec2, managed as ofSsm } from '../core/fixtures.ts';

/** A node of an inventory; Amazon Linux 2023 through SSM unless said otherwise. */
export function node(id: string, handling: Handling = { by: 'ssm' }): InventoryNode {
  return { id, name: `ip-${id}.ec2.internal`, address: '192.168.1.1', kind: 'al2023', handling };
}

export const INVENTORY = { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz' };
export const CLUSTER = { name: 'demo', serviceCidr: '10.100.0.0/16' };
export const RR = { mode: 'ipvs', scheduler: 'rr' } as const;

const described = (id: string) => ({ name: `${id}.ec2.internal`, address: '192.168.1.1' });
/** What EC2 says of a node that runs. */
export const instance = (id: string): Ec2Node =>
  ec2(id, { privateDnsName: described(id).name, addresses: [described(id).address] });
/** What SSM says of a node whose agent answers. */
export const managed = (id: string, platformName = 'Amazon Linux'): ManagedNode =>
  ofSsm(id, { platformName, computerName: described(id).name, address: described(id).address });
