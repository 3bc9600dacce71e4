import type { Handling, InventoryNode } from '../../../functions/core/nodes.ts';

/** A node of an inventory; Amazon Linux 2023 through SSM unless said otherwise. */
export function node(id: string, handling: Handling = { by: 'ssm' }): InventoryNode {
  return { id, name: `ip-${id}.ec2.internal`, address: '192.168.1.1', kind: 'al2023', handling };
}

export const INVENTORY = { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz' };
export const CLUSTER = { name: 'demo', serviceCidr: '10.100.0.0/16' };
export const RR = { mode: 'ipvs', scheduler: 'rr' } as const;
