import { type DescribeExecutionOutput, paginateListExecutions } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { AskedApproval, approvalParameter } from '../../functions/core/fleet/approval.ts';
import { batchOf, migrationName, type RolloutItem, summaryKey } from '../../functions/core/fleet/rollout.ts';
import { parseRollout, type Stage } from '../../functions/core/fleet/stages.ts';
import { findMembers, type RecordedStage, readStages } from '../../functions/handlers/shared/rollout-store.ts';
import { asking, type Connection } from '../aws.ts';
import { listHolds, readParameter } from '../holds.ts';
import { type FoundRollout, findRollout, inputOf, stateOf, storeOf } from './find-rollout.ts';
import { type KnownStage, presentStage, type RolloutState, type StageState, stageStates } from './stage-status.ts';

/** One cluster of a stage. `ending` is null until it has ended, `execution` until it has begun. */
export interface ClusterStatus {
  name: string;
  execution: string | null;
  ending: string | null;
  error: string | null;
  nodes: number;
}

export interface StageStatus {
  name: string;
  status: StageState;
  clusters: ClusterStatus[];
  /** ISO 8601 in UTC; null if the stage does not soak. */
  soakUntil: string | null;
  /** As it is configured: a number, or a percentage. */
  tolerate: Stage['tolerate'];
}

/** What `rollout status --json` prints. */
export interface RolloutStatus {
  rollout: string;
  status: RolloutState;
  /** Why it did not succeed; null if it runs or succeeded. */
  error: Ended['error'];
  /** ARN of the execution that works on the rollout, or worked on it last. */
  execution: string;
  /** 1, and one more for each time that it was resumed. */
  attempt: number;
  requestedBy: string | null;
  stages: StageStatus[];
  /** `stage` is null if all clusters are held; `until` is null without an end. */
  held: null | { stage: string | null; by: string; reason: string; until: string | null };
  /** The approval that the rollout waits for. */
  approval: null | { stage: string; until: string };
}

interface Ended {
  status: RolloutState;
  error: { name: string; cause: string } | null;
}

/** A stage with everything that is known of it. */
interface Read extends KnownStage {
  stage: Stage;
  members: readonly RolloutItem[];
  known: RecordedStage | undefined;
}

/** How far a rollout is. @throws Failure `UnknownRollout` */
export async function rolloutStatus(
  connection: Connection,
  stateMachine: string,
  rollout: string,
): Promise<RolloutStatus> {
  const found = await findRollout(connection, stateMachine, rollout);
  const { execution, record } = found;
  const { status, error } = await endingOf(connection, stateMachine, found);
  const stages = await readEach(connection, stateMachine, found);
  const state = status === 'running' ? await stateOf(connection, execution) : null;
  const runs = status === 'succeeded' ? new Map<string, string>() : await runningNames(connection, stateMachine);
  const asked = state === 'RequestApproval' ? await askedApproval(connection, rollout) : null;
  // A parameter that an earlier stage left says nothing about the present one.
  const isAsked = asked?.stage === stages[presentStage(stages)]?.stage.name;
  const states = stageStates(stages, status, { state, isAsked });
  return {
    rollout,
    status,
    error,
    execution,
    attempt: record?.attempt ?? 1,
    requestedBy: record?.requestedBy ?? null,
    stages: stages.map((read, index) => ({
      name: read.stage.name,
      status: states[index] ?? 'pending',
      clusters: clustersOf(read, execution, runs),
      soakUntil: read.record?.soakUntil ?? null,
      tolerate: read.stage.tolerate,
    })),
    held: await heldBy(connection, found, stages, { status, error }),
    approval: asked !== null && isAsked ? { stage: asked.stage, until: asked.until } : null,
  };
}

async function endingOf(
  connection: Connection,
  stateMachine: string,
  { rollout, described }: FoundRollout,
): Promise<Ended> {
  if (described !== null) return endingIn(described);
  const summary = await storeOf(connection, stateMachine).find(summaryKey(rollout));
  return Summary.safeParse(JSON.parse(summary?.text ?? 'null')).data ?? { status: 'failed', error: FORGOTTEN };
}

const Summary = z.object({
  status: z.enum(['succeeded', 'held', 'denied', 'failed']),
  error: z.object({ name: z.string(), cause: z.string() }).nullable(),
});
const FORGOTTEN = { name: 'NoSummary', cause: 'Step Functions has forgotten the execution, which left no summary.' };

function endingIn({ status, error: name, cause = '' }: DescribeExecutionOutput): Ended {
  if (status === 'RUNNING' || status === 'PENDING_REDRIVE') return { status: 'running', error: null };
  if (status === 'SUCCEEDED') return { status: 'succeeded', error: null };
  const error = name === undefined ? null : { name, cause };
  if (status === 'ABORTED') return { status: 'stopped', error };
  if (name === 'RolloutHeld') return { status: 'held', error };
  return { status: name === 'ApprovalDenied' ? 'denied' : 'failed', error };
}

async function readEach(
  connection: Connection,
  stateMachine: string,
  { rollout, record, execution, described }: FoundRollout,
): Promise<Read[]> {
  const store = storeOf(connection, stateMachine);
  const recorded = record === null ? new Map<string, RecordedStage>() : await readStages(store, rollout);
  const startedAt = described?.startDate ?? null;
  const read: Read[] = [];
  for (const stage of record?.fleet.stages ?? stagesIn(described)) {
    const members = await findMembers(store, { rollout, stage: stage.name }, { name: '', arn: execution });
    const known = recorded.get(stage.name);
    const judged = known?.record ?? null;
    const judgedNow = judged !== null && (startedAt === null || new Date(judged.at) >= startedAt);
    const opened = members !== null;
    read.push({ stage, members: members?.items ?? [], known, opened, record: judged, judgedNow });
  }
  return read;
}

/** The stages in the input of an execution that has opened none; none for an input that breaks a rule. */
function stagesIn(described: DescribeExecutionOutput | null): readonly Stage[] {
  try {
    return parseRollout(inputOf(described?.input)).stages;
  } catch {
    return [];
  }
}

/** The clusters of a stage as the present execution found them, with what is recorded of each. */
function clustersOf(
  { members, known }: Read,
  execution: string,
  running: ReadonlyMap<string, string>,
): ClusterStatus[] {
  const records = new Map(known?.clusters.map((cluster) => [cluster.cluster, cluster]));
  const listed = members.map(({ cluster, nodes }): ClusterStatus => {
    const ended = records.get(cluster);
    records.delete(cluster);
    const own = { name: '', arn: execution };
    const runs = (['migrate', 'prove'] as const).map((step) => running.get(migrationName(cluster, own, step)));
    const now = runs.find((arn) => arn !== undefined);
    if (now !== undefined) return { name: cluster, execution: now, ending: null, error: null, nodes };
    return {
      name: cluster,
      execution: ended?.execution ?? null,
      ending: ended?.ending ?? null,
      error: ended?.error?.name ?? null,
      nodes: ended?.nodes || nodes,
    };
  });
  const others = [...records.values()].map(({ cluster, execution: arn, ending, error, nodes }) => {
    return { name: cluster, execution: arn, ending, error: error?.name ?? null, nodes };
  });
  return [...listed, ...others];
}

/** The migrations that run now: their ARNs by name. */
async function runningNames(connection: Connection, stateMachine: string): Promise<Map<string, string>> {
  const stateMachineArn = stateMachine.replace(/migrate-fleet$/, 'migrate-cluster');
  const running = new Map<string, string>();
  const request = { stateMachineArn, statusFilter: 'RUNNING' as const };
  await asking(connection, 'list the migrations that run', async () => {
    for await (const page of paginateListExecutions({ client: connection.sfn, pageSize: 1000 }, request))
      for (const { name, executionArn } of page.executions ?? [])
        if (name !== undefined && executionArn !== undefined) running.set(name, executionArn);
  });
  return running;
}

/** The approval that a rollout asked for last, answered or not; null if it never asked for one. */
export async function askedApproval(connection: Connection, rollout: string): Promise<AskedApproval | null> {
  const text = await readParameter(connection, approvalParameter(rollout));
  return text === null ? null : (AskedApproval.safeParse(JSON.parse(text)).data ?? null);
}

/** The hold that keeps the rest of the rollout from its change, or because of which the rollout ended. */
async function heldBy(
  connection: Connection,
  { rollout, record }: FoundRollout,
  reads: readonly Read[],
  { status, error }: Ended,
): Promise<RolloutStatus['held']> {
  if (status === 'succeeded') return null;
  const stages = reads.slice(presentStage(reads)).map(({ stage }) => stage.name);
  const holds = (await listHolds(connection, new Date())).filter(({ active }) => active);
  for (const stage of stages) {
    const batch = batchOf({ rollout, stage }, record?.attempt ?? 1);
    const hold = holds.find((each) => each.batch === batch) ?? holds.find((each) => each.stage === stage);
    if (hold) return { stage, by: hold.by, reason: hold.reason, until: hold.until };
  }
  const all = holds.find(({ cluster, batch, stage }) => cluster === null && batch === undefined && stage === undefined);
  if (all) return { stage: null, by: all.by, reason: all.reason, until: all.until };
  return status === 'held'
    ? { stage: stages[0] ?? null, by: 'nightshift', reason: error?.cause ?? '', until: null }
    : null;
}
