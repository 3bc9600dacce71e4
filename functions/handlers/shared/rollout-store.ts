import * as z from 'zod/mini';
import { mapLimited } from '../../aws/clients.ts';
import type { ObjectStore } from '../../aws/s3.ts';
import { EvidenceMissing } from '../../core/errors.ts';
import type { ExecutionRef } from '../../core/execution/executions.ts';
import {
  ClusterRecord,
  CURRENT_ROLLOUT,
  clusterKey,
  clustersPrefix,
  membersKey,
  type RolloutItem,
  RolloutRecord,
  rolloutKey,
  StageMembers,
  StageRecord,
  type StageRef,
  stageKey,
  stagesPrefix,
} from '../../core/fleet/rollout.ts';
import { type Manifests, parseManifest, type Stage } from '../../core/fleet/stages.ts';
import { understood } from './evidence.ts';

/** The most objects that are read at the same time. */
const AT_ONCE = 20;

async function findRecord<Schema extends z.ZodMiniType>(
  store: Pick<ObjectStore, 'find'>,
  schema: Schema,
  key: string,
): Promise<z.output<Schema> | null> {
  const found = await store.find(key);
  return found && understood(schema, key, () => JSON.parse(found.text));
}

/** What a rollout was started with; null if no rollout has this name. Throws EvidenceMissing for another object. */
export const findRollout = (store: Pick<ObjectStore, 'find'>, rollout: string) =>
  findRecord(store, RolloutRecord, rolloutKey(rollout));

/** How far a stage is; null if it was never judged. Throws EvidenceMissing for an object that is not a record. */
export const findStage = (store: Pick<ObjectStore, 'find'>, stage: StageRef) =>
  findRecord(store, StageRecord, stageKey(stage));

/** The records of a stage's clusters, by name. Throws EvidenceMissing for an object that is not a record. */
export async function readClusters(
  store: Pick<ObjectStore, 'find' | 'list'>,
  stage: StageRef,
): Promise<ClusterRecord[]> {
  const keys = await store.list(clustersPrefix(stage));
  const records = await mapLimited(keys, AT_ONCE, (key) => findRecord(store, ClusterRecord, key));
  return records.filter((record) => record !== null);
}

/** What a rollout recorded of one stage. `record` is null until the stage is judged for the first time. */
export interface RecordedStage {
  stage: string;
  record: StageRecord | null;
  clusters: ClusterRecord[];
}

/** Everything that a rollout recorded of its stages, by name. Throws EvidenceMissing for an object that is not a record. */
export async function readStages(
  store: Pick<ObjectStore, 'find' | 'list'>,
  rollout: string,
): Promise<Map<string, RecordedStage>> {
  const prefix = stagesPrefix(rollout);
  const names = new Set((await store.list(prefix)).map((key) => key.slice(prefix.length).split('/')[0] ?? ''));
  const stages = await mapLimited([...names], 1, async (stage): Promise<[string, RecordedStage]> => {
    const ref = { rollout, stage };
    return [stage, { stage, record: await findStage(store, ref), clusters: await readClusters(store, ref) }];
  });
  return new Map(stages);
}

/** Stores what a rollout was started with, also as that of the current rollout. */
export async function writeRollout(store: Pick<ObjectStore, 'put'>, record: RolloutRecord): Promise<void> {
  const text = JSON.stringify(record, null, 2);
  await store.put(CURRENT_ROLLOUT, text);
  await store.put(rolloutKey(record.rollout), text);
}

/** The rollout that began last and has not succeeded; null if there is none. Throws EvidenceMissing for another object. */
export const findCurrentRollout = (store: Pick<ObjectStore, 'find'>) =>
  findRecord(store, z.nullable(RolloutRecord), CURRENT_ROLLOUT);

/** Notes that the current rollout has succeeded, unless another one has begun. */
export async function endCurrentRollout(store: Pick<ObjectStore, 'find' | 'put'>, rollout: string): Promise<void> {
  if ((await findCurrentRollout(store))?.rollout === rollout) await store.put(CURRENT_ROLLOUT, 'null');
}

export const writeStage = (store: Pick<ObjectStore, 'put'>, rollout: string, record: StageRecord) =>
  store.put(stageKey({ rollout, stage: record.stage }), JSON.stringify(record, null, 2));

export const writeCluster = (store: Pick<ObjectStore, 'put'>, stage: StageRef, record: ClusterRecord) =>
  store.put(clusterKey(stage, record.cluster), JSON.stringify(record, null, 2));

export const writeMembers = (
  store: Pick<ObjectStore, 'put'>,
  stage: StageRef,
  execution: ExecutionRef,
  members: StageMembers,
) => store.put(membersKey(stage, execution), JSON.stringify(members));

/** The clusters of a stage as an execution found them; null if it did not open the stage. Throws EvidenceMissing. */
export const findMembers = (store: Pick<ObjectStore, 'find'>, stage: StageRef, execution: ExecutionRef) =>
  findRecord(store, StageMembers, membersKey(stage, execution));

/** The same, for a step that follows on the opening of the stage. Throws EvidenceMissing also if there is no list. */
export async function readMembers(
  store: Pick<ObjectStore, 'find'>,
  stage: StageRef,
  execution: ExecutionRef,
): Promise<StageMembers> {
  const members = await findMembers(store, stage, execution);
  if (members !== null) return members;
  throw new EvidenceMissing(`Stage ${stage.stage} of rollout ${stage.rollout} was not opened by this execution.`);
}

/** The clusters that the manifests of stages name. Throws EvidenceMissing for a manifest that does not exist. */
export async function readManifests(store: Pick<ObjectStore, 'get'>, stages: readonly Stage[]): Promise<Manifests> {
  const keys = [...new Set(stages.flatMap(({ select }) => select.manifest ?? []))];
  const read = keys.map(async (key) => [key, parseManifest((await store.get(key)).text, key)] as const);
  return new Map(await Promise.all(read));
}

/** Stores the list that a Distributed Map reads. */
export const writeItems = (store: Pick<ObjectStore, 'put'>, key: string, items: readonly RolloutItem[]) =>
  store.put(key, JSON.stringify(items));
