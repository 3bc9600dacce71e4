import { type Settled, settleLimited } from '../../aws/clients.ts';
import type { Ec2 } from '../../aws/ec2.ts';
import { type Eks, eks } from '../../aws/eks.ts';
import { type ObjectStore, objectStore } from '../../aws/s3.ts';
import { type FoundSchedule, type ScheduleGroup, scheduleGroup } from '../../aws/scheduler.ts';
import type { KeptSchedules } from '../../contracts/shared/output.ts';
import {
  type ClusterStanding,
  type Deployment,
  type ExistingSchedule,
  isDue,
  planSchedules,
  type ScheduleDecision,
  scheduledCluster,
  scheduleName,
} from '../../core/fleet/schedule-plan.ts';
import { NOTHING_PLANNED, noticeCancelled } from '../../core/fleet/schedule-record.ts';
import type { Fleet, Stages } from '../../core/fleet/stages.ts';
import { momentOf } from '../../core/window/schedule.ts';
import { environment } from '../../runtime/environment.ts';
import type { Log } from '../../runtime/wrap.ts';
import { carryOut, type Seen } from './carry-out-schedule.ts';
import { readScheduleRecord } from './evidence.ts';
import { failTogether } from './fail-together.ts';
import { findCurrentRollout, readManifests } from './rollout-store.ts';
import { rememberMoments, scheduleMoments } from './schedule-moments.ts';
import { reasonOf } from './store-or-carry.ts';

export interface ScheduleDeps {
  eks: Pick<Eks, 'clusters' | 'standing'>;
  schedules: ScheduleGroup;
  store: Pick<ObjectStore, 'find' | 'get' | 'put'>;
  deployment: () => Omit<Deployment, 'now' | 'stages'>;
  /** The configured stages; null if there are none. */
  fleet: () => Fleet | null;
}

/** What a sweep works with: it orders clusters by their numbers of nodes. */
export interface SweepDeps extends ScheduleDeps {
  ec2: Pick<Ec2, 'nodesByCluster'>;
}

/** The most clusters that are looked at, or changed, at the same time. */
const AT_ONCE = 10;
const PREFIX = scheduleName('');

/**
 * Keeps the one schedule that every enrolled cluster of this account and Region is to have, and deletes the schedules
 * of clusters that are gone. Throws SweepIncomplete, naming clusters, when all others are done.
 */
export async function keepAllSchedules(deps: SweepDeps, now: Date, log: Log): Promise<KeptSchedules> {
  const deployment = { ...deps.deployment(), stages: await stagesOf(deps), now };
  const names = new Set((await deps.schedules.list(PREFIX)).map(({ name }) => name));
  const clusters = await deps.eks.clusters();
  const looked = await settleLimited(clusters, AT_ONCE, (cluster) =>
    look(deps, cluster, deployment, names.has(scheduleName(cluster))),
  );
  const known = new Set(clusters.map(scheduleName));
  const orphans = await settleLimited(
    [...names].filter((name) => !known.has(name)),
    AT_ONCE,
    (name) => lookAtOrphan(deps, name, deployment),
  );
  const nodes = await countNodes(deps, log);
  const planned = planSchedules([...looked.done, ...orphans.done.flat()], deployment, { nodes });
  const carried = await settleLimited(planned, AT_ONCE, (each) => carryOut(deps, each, log));
  const kept = count(planned.map(({ decision }) => decision));
  tell(kept, log);
  const remembered = await settleLimited(['the list of moments'], 1, () => rememberMoments(deps, PREFIX));
  const failed = [
    ...looked.failed,
    ...orphans.failed,
    ...carried.failed.map(({ item, error }) => ({ item: item.subject.cluster, error })),
    ...remembered.failed,
  ] satisfies Settled<string, unknown>['failed'];
  failTogether(failed, (name) => name, log);
  return kept;
}

/**
 * The configured stages, or else those of a rollout that a person started and that has not succeeded; with their
 * manifests. Throws EvidenceMissing for a manifest that does not exist.
 */
async function stagesOf({ fleet, store }: ScheduleDeps): Promise<Stages | null> {
  const stages = (fleet() ?? (await findCurrentRollout(store))?.fleet)?.stages;
  return stages === undefined ? null : { stages, manifests: await readManifests(store, stages) };
}

/** The nodes of each cluster; empty if EC2 does not list them. The order is then by name, and every schedule is kept. */
async function countNodes({ ec2 }: Pick<SweepDeps, 'ec2'>, log: Log): Promise<ReadonlyMap<string, number>> {
  try {
    return await ec2.nodesByCluster();
  } catch (error) {
    log.decision('schedules.by-name', { reason: `The nodes cannot be counted: ${reasonOf(error)}` });
    return new Map();
  }
}

/** Creates, moves or deletes the schedule of one cluster; a cluster that is gone has no schedule. */
export async function keepSchedule(deps: ScheduleDeps, cluster: string, now: Date, log: Log): Promise<KeptSchedules> {
  const deployment = { ...deps.deployment(), stages: await stagesOf(deps), now };
  const subject = await look(deps, cluster, deployment, true);
  let planned = planSchedules([subject], deployment);
  // Only a cluster that needs a slot depends on when the other clusters' schedules fire.
  if (planned.some(({ decision }) => decision.kind === 'create' || decision.kind === 'move'))
    planned = planSchedules([subject], deployment, { others: await momentsOfOthers(deps, scheduleName(cluster)) });
  for (const each of planned) await carryOut(deps, each, log);
  return count(planned.map(({ decision }) => decision));
}

/**
 * Reads what a decision about one cluster needs. If the cluster has no schedule and is to have none, its record is not
 * read.
 */
async function look(
  deps: ScheduleDeps,
  cluster: string,
  deployment: Deployment,
  mayHaveSchedule: boolean,
): Promise<Seen> {
  const standing = await deps.eks.standing(cluster);
  const found = mayHaveSchedule ? await deps.schedules.find(scheduleName(cluster)) : null;
  return subjectOf(deps, { cluster, standing, found }, deployment);
}

interface Found {
  cluster: string;
  standing: ClusterStanding | null;
  found: FoundSchedule | null;
}

async function subjectOf(
  { store }: ScheduleDeps,
  { cluster, standing, found }: Found,
  deployment: Deployment,
): Promise<Seen> {
  const existing = found && existingOf(found);
  const isOfInterest = existing !== null || isDue(standing, deployment);
  const stored = isOfInterest ? await readScheduleRecord(store, cluster) : NOTHING_PLANNED;
  const record = noticeCancelled(stored, existing !== null, deployment.now);
  return { cluster, standing, existing, record, stored };
}

const existingOf = ({ expression, timezone, enabled, input }: FoundSchedule): ExistingSchedule => ({
  at: momentOf(expression, timezone),
  enabled,
  input,
});

/**
 * Reads a schedule whose cluster is not in EKS's list. Empty if nightshift did not make the schedule, or if the cluster
 * was created meanwhile.
 */
async function lookAtOrphan(deps: ScheduleDeps, name: string, deployment: Deployment): Promise<Seen[]> {
  const found = await deps.schedules.find(name);
  const cluster = found && scheduledCluster(found.input);
  if (!found || cluster === null || scheduleName(cluster) !== name) return [];
  const standing = await deps.eks.standing(cluster);
  return standing === null ? [await subjectOf(deps, { cluster, standing, found }, deployment)] : [];
}

/** When the schedules of all other clusters fire. */
async function momentsOfOthers(deps: ScheduleDeps, own: string): Promise<Date[]> {
  const moments = await scheduleMoments(deps, PREFIX);
  moments.delete(own);
  return [...moments.values()];
}

function count(decisions: readonly ScheduleDecision[]): KeptSchedules {
  const kept: KeptSchedules = {
    schedules: { keep: 0, create: 0, move: 0, delete: 0, none: 0 },
    clusters: { due: 0, compliant: 0, 'not-enrolled': 0, refused: 0, staged: 0, absent: 0 },
  };
  for (const { kind, standing } of decisions) {
    kept.schedules[kind] += 1;
    kept.clusters[standing] += 1;
  }
  return kept;
}

/** The fleet in numbers, as of the last sweep. */
function tell({ clusters }: KeptSchedules, log: Log): void {
  log.count('ClustersDue', clusters.due);
  log.count('ClustersCompliant', clusters.compliant);
  log.count('ClustersNotEnrolled', clusters['not-enrolled']);
  log.count('ClustersRefused', clusters.refused);
  log.count('ClustersStaged', clusters.staged);
}

/** What the deployed functions work with. */
export const liveSchedules: ScheduleDeps = {
  eks,
  schedules: scheduleGroup(() => ({
    group: environment.scheduleGroup(),
    roleArn: environment.schedulerRoleArn(),
    deadLetterArn: environment.scheduleDeadLetterArn(),
  })),
  store: objectStore(environment.evidenceBucket),
  deployment: () => ({
    settings: environment.settings(),
    windows: environment.windows(),
    stateMachineArn: environment.migrateAliasArn(),
  }),
  fleet: environment.fleet,
};
