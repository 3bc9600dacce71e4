import * as z from 'zod/mini';
import { assertNever } from '../errors.ts';
import { type ExecutionRef, LONGEST_EXECUTION_NAME } from '../execution/executions.ts';
import { MigrationRequest } from '../execution/request.ts';
import { clusterName } from '../values/cluster-name.ts';
import { cutName, shortDigest } from '../values/digest.ts';
import { type Fleet, FleetInput, type RolloutInput, RolloutName } from './stages.ts';

/** The first part of the key of every object of a rollout in the evidence bucket. */
const rolloutPrefix = (rollout: string) => `rollouts/${rollout}/`;
const stagePrefix = ({ rollout, stage }: StageRef) => `${rolloutPrefix(rollout)}stages/${stage}/`;

/** One stage of one rollout. */
export interface StageRef {
  rollout: string;
  stage: string;
}

/** What a rollout was started with, and how often it was resumed. */
export const rolloutKey = (rollout: string) => `${rolloutPrefix(rollout)}rollout.json`;
/**
 * The rollout that began last, until it succeeds: its clusters get no schedules, although it may be held or stopped.
 * JSON null if there is none. No rollout has this name, because a name has no dot.
 */
export const CURRENT_ROLLOUT = 'rollouts/current.json';
/** How a rollout ended. */
export const summaryKey = (rollout: string) => `${rolloutPrefix(rollout)}summary.json`;
/** How far a stage is. */
export const stageKey = (stage: StageRef) => `${stagePrefix(stage)}stage.json`;
/** The clusters that a Distributed Map of this execution starts executions for. */
export const itemsKey = (stage: StageRef, execution: ExecutionRef, step: RolloutStep) =>
  `${stagePrefix(stage)}${shortDigest(execution.arn)}/${step}.json`;
/** All clusters of a stage, as this execution found them. */
export const membersKey = (stage: StageRef, execution: ExecutionRef) =>
  `${stagePrefix(stage)}${shortDigest(execution.arn)}/members.json`;
/** The folder with the stages of a rollout. */
export const stagesPrefix = (rollout: string) => `${rolloutPrefix(rollout)}stages/`;
/** The folder with one record for each cluster of a stage. */
export const clustersPrefix = (stage: StageRef) => `${stagePrefix(stage)}clusters/`;
/** How a cluster's part in a stage ended. */
export const clusterKey = (stage: StageRef, cluster: string) => `${clustersPrefix(stage)}${cluster}.json`;

/** The name of the execution that restores a cluster whose alarm rings during the soak. */
export const rollbackName = (cluster: string, migration: string): string =>
  cutName(`rollback-${cluster}`, {
    of: cluster,
    longest: LONGEST_EXECUTION_NAME,
    tail: `-soak-${shortDigest(migration)}`,
  });

/** The two passes over the clusters of a stage. */
export const RolloutStep = z.enum(['migrate', 'prove']);
export type RolloutStep = z.output<typeof RolloutStep>;

/** The name of the migrations of a stage that share its tolerance; a resumed rollout counts anew. */
export const batchOf = ({ rollout, stage }: StageRef, attempt: number) => `rollouts/${rollout}/${stage}/${attempt}`;

/** The rollout that an execution of migrate-fleet works on: the named one, or its own. Throws InvalidRequest. */
export function rolloutOf({ rollout }: RolloutInput, execution: ExecutionRef): string {
  return rollout ?? RolloutName.parse(execution.name);
}

/**
 * The name of the execution that migrates or proves a cluster for this execution of migrate-fleet. A repetition of the
 * Map starts nothing twice, because the name is the same.
 */
export function migrationName(cluster: string, fleet: ExecutionRef, step: RolloutStep): string {
  const tail = `-${step}-${shortDigest(fleet.arn)}`;
  return cutName(`rollout-${cluster}`, { of: cluster, longest: LONGEST_EXECUTION_NAME, tail });
}

/** The rollout of the configured stages: other stages are another rollout. */
export const rolloutOfFleet = (fleet: Fleet): string => `fleet-${shortDigest(JSON.stringify(fleet))}`;

/** The name of the execution that continues a rollout: one for each day. */
export const continuedExecution = (rollout: string, now: Date): string =>
  `${rollout}-${now.toISOString().slice(0, 10).replaceAll('-', '')}`;

/** Whether only a person continues a rollout whose last execution ended like this. */
export function isLeftToPeople({ status, error }: { status: string; error: string | null }): boolean {
  return status === 'ABORTED' || error === 'RolloutHeld' || error === 'ApprovalDenied';
}

/** One cluster in the list that a Distributed Map reads. */
export const RolloutItem = z.object({
  cluster: clusterName(),
  nodes: z.number(),
  /** The name of the execution to start. */
  name: z.string(),
  /** Its input. */
  request: MigrationRequest,
  /** The alarms that guard the cluster, by the settings and its tag, when the stage was opened. */
  alarms: z.array(z.string()),
});
export type RolloutItem = z.output<typeof RolloutItem>;

/** The clusters of a stage as an execution found them when it opened the stage. */
export const StageMembers = z.object({
  items: z.array(RolloutItem),
  /** Enrolled clusters whose tags break a rule: no execution is started for them. */
  refused: z.array(z.string()),
});
export type StageMembers = z.output<typeof StageMembers>;

/** The names of all clusters of a stage. */
export const namesOf = ({ items, refused }: StageMembers): string[] => [
  ...items.map(({ cluster }) => cluster),
  ...refused,
];

/** How a cluster's part in a stage ended. */
export const ClusterEnding = z.enum(['migrated', 'already-compliant', 'refused', 'failed', 'held', 'not-proven']);
export type ClusterEnding = z.output<typeof ClusterEnding>;

/** What a rollout records of one cluster. Times are ISO 8601 in UTC. */
export const ClusterRecord = z.object({
  cluster: z.string(),
  step: RolloutStep,
  ending: ClusterEnding,
  /** ARN of the execution; null if none was started. */
  execution: z.nullable(z.string()),
  /** The number of nodes that the execution asked. */
  nodes: z.number(),
  error: z.nullable(z.object({ name: z.string(), cause: z.string() })),
  at: z.string(),
});
export type ClusterRecord = z.output<typeof ClusterRecord>;

/** What a rollout records of a stage. */
export const StageRecord = z.object({
  stage: z.string(),
  /** `proven`: all but the tolerated clusters are proven, and the soak is over. */
  status: z.enum(['soaking', 'proven', 'held', 'denied']),
  clusters: z.number(),
  tolerate: z.number(),
  soakUntil: z.nullable(z.string()),
  reason: z.nullable(z.string()),
  at: z.string(),
});
export type StageRecord = z.output<typeof StageRecord>;

/** What a rollout was started with, and how often it was resumed: 1 if never. */
export const RolloutRecord = z.object({
  rollout: z.string(),
  attempt: z.number(),
  /** The stages, as core parsed them. */
  fleet: FleetInput,
  requestedBy: z.nullable(z.string()),
  /** ARN of the execution that works on the rollout, or worked on it last. */
  execution: z.string(),
  startedAt: z.string(),
});
export type RolloutRecord = z.output<typeof RolloutRecord>;

/** Whether the mode of a cluster's nodes is proven. */
export function isProven({ ending }: Pick<ClusterRecord, 'ending'>): boolean {
  switch (ending) {
    case 'migrated':
    case 'already-compliant':
      return true;
    case 'refused':
    case 'failed':
    case 'held':
    case 'not-proven':
      return false;
    default:
      return assertNever(ending);
  }
}

/** How the clusters of a stage ended, in numbers. */
export type StageCounts = Record<ClusterEnding | 'waiting', number>;

/** Counts a stage's clusters by their records; a cluster without a record has not begun. */
export function countStage(clusters: readonly string[], records: readonly ClusterRecord[]): StageCounts {
  const counts: StageCounts = {
    migrated: 0,
    'already-compliant': 0,
    refused: 0,
    failed: 0,
    held: 0,
    'not-proven': 0,
    waiting: 0,
  };
  const byCluster = new Map(records.map((record) => [record.cluster, record]));
  for (const cluster of clusters) counts[byCluster.get(cluster)?.ending ?? 'waiting'] += 1;
  return counts;
}

/** What follows for a stage whose clusters ended like this. */
export type StageJudgement = { kind: 'passed' } | { kind: 'held'; reason: string };

/**
 * The proven clusters that did not prove their nodes again in this execution: a hold kept the proof from being started,
 * or its record was not written.
 */
export function withoutProof(records: readonly ClusterRecord[], fleet: ExecutionRef): string[] {
  return records
    .filter(isProven)
    .filter(({ cluster, execution }) => !execution?.endsWith(`:${migrationName(cluster, fleet, 'prove')}`))
    .map(({ cluster }) => cluster);
}

/**
 * A stage passes if every cluster is proven, but for as many failed or refused ones as it tolerates. A cluster that has
 * not begun, that lost its mode during the soak, or that is `unproven` after it, is never tolerated.
 */
export function judgeStage(
  stage: string,
  tolerate: number,
  clusters: readonly string[],
  records: readonly ClusterRecord[],
  unproven: readonly string[] = [],
): StageJudgement {
  const ended = new Set(clusters);
  const named = (...endings: ClusterEnding[]) =>
    records.filter(({ cluster, ending }) => ended.has(cluster) && endings.includes(ending));
  const failed = named('failed', 'refused');
  const lost = named('not-proven');
  const silent = unproven.filter((cluster) => ended.has(cluster));
  const begun = new Set(records.map(({ cluster }) => cluster));
  const held = [...named('held').map(({ cluster }) => cluster), ...clusters.filter((cluster) => !begun.has(cluster))];
  const reasons = [
    ...(failed.length > tolerate
      ? [`${failed.length} of its clusters failed, of which it tolerates ${tolerate}: ${listed(failed.map(because))}`]
      : []),
    ...(lost.length > 0 ? [`these lost the target during the soak: ${listed(lost.map(because))}`] : []),
    ...(silent.length > 0 ? [`these gave no proof after the soak: ${listed(silent)}`] : []),
    ...(held.length > 0 ? [`these did not begin: ${listed(held)}`] : []),
  ];
  return reasons.length === 0
    ? { kind: 'passed' }
    : { kind: 'held', reason: `Stage ${stage} is held: ${reasons.join('; ')}.` };
}

/** The longest time in seconds between two looks at the guards of a stage that soaks. */
const LOOK_SECONDS = 1_800;

/** When the guards of a stage are looked at next: after half an hour, and at the end of the soak. */
export function nextLook(now: Date, soakUntil: Date): Date {
  return new Date(Math.min(now.getTime() + LOOK_SECONDS * 1000, soakUntil.getTime()));
}

const because = ({ cluster, error }: ClusterRecord) => (error === null ? cluster : `${cluster} (${error.name})`);

const MOST_NAMED = 20;
/** Names for a sentence: the first twenty, and the number of the others. */
export function listed(names: readonly string[]): string {
  const more = names.length - MOST_NAMED;
  return `${names.slice(0, MOST_NAMED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
