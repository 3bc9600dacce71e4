import { oneLine } from '../exit.ts';
import { count } from '../terminal/format.ts';
import { nightshiftCommand } from '../terminal/paste.ts';
import { table } from '../terminal/table.ts';
import type { RolloutStatus, StageStatus } from './read-rollout.ts';

/** The status of a rollout for people: one line a stage, then what is awaited or held, then what to do. */
export function renderRollout(status: RolloutStatus): string[] {
  const { rollout, stages } = status;
  const rows = stages.map((stage) => [stage.name, stage.status, clustersOf(stage), nodesOf(stage), soakOf(stage)]);
  return [
    `rollout ${rollout}: ${status.status}${status.requestedBy === null ? '' : `, requested by ${status.requestedBy}`}`,
    ...(rows.length === 0 ? [] : table([['STAGE', 'STATUS', 'CLUSTERS', 'NODES', 'SOAK'], ...rows])),
    ...notProven(stages),
    ...whatStopsIt(status).map(oneLine),
    ...whatNext(status),
  ];
}

function notProven(stages: readonly StageStatus[]): string[] {
  const rows = stages.flatMap(({ name: stage, clusters }) =>
    clusters.flatMap(({ name, ending, error, execution }) =>
      ending === null || isProven(ending) ? [] : [[name, stage, ending, error ?? '', execution ?? '']],
    ),
  );
  return rows.length === 0 ? [] : table([['NOT PROVEN', 'STAGE', 'ENDING', 'ERROR', 'EXECUTION'], ...rows]);
}

function whatStopsIt({ rollout, approval, held, error }: RolloutStatus): string[] {
  return [
    ...(approval === null
      ? []
      : [
          `stage ${approval.stage} waits for an approval until ${approval.until}`,
          `answer: ${nightshiftCommand(`approve ${rollout}`)}, or ${nightshiftCommand(`deny ${rollout}`)}`,
        ]),
    ...(held === null ? [] : [`${heldIn(held)} held by ${held.by}: ${held.reason}`]),
    // The hold is the reason of a rollout that is held.
    ...(error === null || error.name === 'RolloutHeld' ? [] : [`${error.name}: ${error.cause}`]),
  ];
}

const heldIn = ({ stage }: { stage: string | null }) => (stage === null ? 'all clusters are' : `stage ${stage} is`);

function whatNext({ rollout, status, stages }: RolloutStatus): string[] {
  if (status === 'running' || status === 'succeeded') return [];
  const isOpened = stages.some((stage) => stage.clusters.length > 0 || stage.status !== 'pending');
  return isOpened ? [`resume: ${nightshiftCommand(`rollout resume ${rollout}`)}`] : [];
}

const isProven = (ending: string) => ending === 'migrated' || ending === 'already-compliant';

function clustersOf({ clusters, status }: StageStatus): string {
  if (clusters.length === 0) return status === 'pending' ? '' : '0';
  const proven = clusters.filter(({ ending }) => ending !== null && isProven(ending)).length;
  const running = clusters.filter(({ ending, execution }) => ending === null && execution !== null).length;
  return `${proven} of ${clusters.length} proven${running === 0 ? '' : `, ${running} running`}`;
}

const nodesOf = ({ clusters }: StageStatus) =>
  clusters.length === 0
    ? ''
    : count(
        clusters.reduce((sum, { nodes }) => sum + nodes, 0),
        'node',
      );

const soakOf = ({ soakUntil }: StageStatus) => (soakUntil === null ? '' : `until ${soakUntil}`);
