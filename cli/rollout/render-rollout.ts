import { count } from '../terminal/format.ts';
import { nightshiftCommand } from '../terminal/paste.ts';
import { table } from '../terminal/table.ts';
import type { RolloutStatus, StageStatus } from './read-rollout.ts';

/** The status of a rollout for people: one line a stage, then what is held or awaited, then clusters that are not proven. */
export function renderRollout(status: RolloutStatus): string[] {
  const { rollout, held, approval, stages } = status;
  const rows = stages.map((stage) => [stage.name, stage.status, clustersOf(stage), nodesOf(stage), soakOf(stage)]);
  const notProven = stages.flatMap((stage) =>
    stage.clusters.filter(({ ending }) => ending !== null && !isProven(ending)).map((cluster) => ({ stage, cluster })),
  );
  return [
    `rollout ${rollout}: ${status.status}${status.requestedBy === null ? '' : `, requested by ${status.requestedBy}`}`,
    ...table([['STAGE', 'STATUS', 'CLUSTERS', 'NODES', 'SOAK'], ...rows]),
    ...(approval === null
      ? []
      : [
          `stage ${approval.stage} waits for an approval until ${approval.until}`,
          `answer: ${nightshiftCommand(`approve ${rollout}`)}, or ${nightshiftCommand(`deny ${rollout}`)}`,
        ]),
    ...(notProven.length === 0
      ? []
      : table([
          ['NOT PROVEN', 'STAGE', 'ENDING', 'ERROR', 'EXECUTION'],
          ...notProven.map(({ stage, cluster: { name, ending, error, execution } }) => [
            name,
            stage.name,
            ending ?? '',
            error ?? '',
            execution ?? '',
          ]),
        ])),
    ...(held === null ? [] : [`held by ${held.by}: ${held.reason}`]),
    ...(status.status === 'running' || status.status === 'succeeded'
      ? []
      : [`resume: ${nightshiftCommand(`rollout resume ${rollout}`)}`]),
  ];
}

const isProven = (ending: string) => ending === 'migrated' || ending === 'already-compliant';

function clustersOf({ clusters, status }: StageStatus): string {
  if (clusters.length === 0) return status === 'pending' ? '' : '0';
  const proven = clusters.filter(({ ending }) => ending !== null && isProven(ending)).length;
  return `${proven} of ${clusters.length} proven`;
}

const nodesOf = ({ clusters }: StageStatus) =>
  clusters.length === 0
    ? ''
    : count(
        clusters.reduce((sum, { nodes }) => sum + nodes, 0),
        'node',
      );

const soakOf = ({ soakUntil }: StageStatus) => (soakUntil === null ? '' : `until ${soakUntil}`);
