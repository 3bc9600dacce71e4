import { named } from '../values/named.ts';
import type { InventoryNode } from './nodes.ts';

/** What changed between two inventories of one cluster. */
export interface Turnover {
  /** Nodes that must be prepared and were not eligible before, by id. */
  newcomers: string[];
  /** Nodes that were eligible before and are not listed any more, by id. */
  gone: string[];
  /** One sentence for each of the two lists that is not empty, naming up to five nodes. */
  notes: string[];
}

const eligible = ({ handling }: InventoryNode): boolean => handling.by === 'ssm' || handling.by === 'proxy-mode';

/** The nodes of `nodes` that were not eligible in `before`: they joined, or were not eligible then. */
export function joinedSince(before: readonly InventoryNode[], nodes: readonly InventoryNode[]): InventoryNode[] {
  const known = new Set(before.filter(eligible).map(({ id }) => id));
  return nodes.filter(({ id }) => !known.has(id));
}

/**
 * Compares a fresh inventory with an earlier one. A blocked node that joined counts as new: it has not been prepared.
 */
export function turnover(before: readonly InventoryNode[], fresh: readonly InventoryNode[]): Turnover {
  const newcomers = joinedSince(before, fresh).filter(({ handling }) => ['ssm', 'blocked'].includes(handling.by));
  const listed = new Set(fresh.map(({ id }) => id));
  const gone = before.filter((node) => eligible(node) && !listed.has(node.id));
  const notes = [
    ...(newcomers.length > 0 ? [`${counted(newcomers)} joined meanwhile: ${withIds(newcomers)}.`] : []),
    ...(gone.length > 0 ? [`${counted(gone)} left meanwhile and ${are(gone)} dropped: ${withIds(gone)}.`] : []),
  ];
  return { newcomers: ids(newcomers), gone: ids(gone), notes };
}

const ids = (nodes: InventoryNode[]) => nodes.map(({ id }) => id);
const are = ({ length }: InventoryNode[]) => (length === 1 ? 'is' : 'are');
const counted = ({ length }: InventoryNode[]) => (length === 1 ? '1 node' : `${length} nodes`);
const withIds = (nodes: InventoryNode[]) =>
  named(
    nodes.map(({ id, name }) => `${name} (${id})`),
    { separator: ', ' },
  );
