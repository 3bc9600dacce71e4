import type { StageRecord } from '../../functions/core/fleet/rollout.ts';

/** What is known of a stage besides its record. */
interface Known {
  /** The execution has listed its clusters. */
  opened: boolean;
  running: boolean;
  /** The rollout waits for its approval. */
  asked: boolean;
  soakOver: boolean;
}

/** How far a stage is, in one word. */
export function stageStatus(recorded: StageRecord['status'] | null, { opened, running, asked, soakOver }: Known) {
  if (asked) return 'awaiting-approval';
  switch (recorded) {
    case 'proven':
    case 'held':
    case 'denied':
      return recorded;
    case 'soaking':
      return soakOver && running ? 'proving' : 'soaking';
    case null:
      return opened ? 'migrating' : 'pending';
  }
}
