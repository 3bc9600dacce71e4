import type { ObjectStore } from '../aws/s3.ts';
import type { Only } from '../contracts/shared/input.ts';
import { leftoversIn } from '../core/evidence/clean-output.ts';
import { joinedSince } from '../core/nodes/joined-and-left.ts';
import type { InventoryNode } from '../core/nodes/nodes.ts';
import { readInventory, readVerdicts } from '../handlers/shared/evidence.ts';

/** The nodes of a step; all nodes if the step has no limit. Throws EvidenceMissing. */
export async function limited(store: ObjectStore, nodes: InventoryNode[], only: Only | null): Promise<InventoryNode[]> {
  if (only === null) return nodes;
  if ('since' in only) return joinedSince(await readInventory(store, only.since), nodes);
  const verdicts = await readVerdicts(store, only.leftoversIn.key);
  const dirty = new Set(verdicts.filter((verdict) => leftoversIn(verdict).length > 0).map(({ node }) => node));
  return nodes.filter(({ id }) => dirty.has(id));
}
