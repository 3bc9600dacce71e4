import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { type ExecutionStatus, paginateListExecutions } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import type { ObjectStore } from '../../functions/aws/s3.ts';
import { AskedApproval, approvalParameter } from '../../functions/core/fleet/approval.ts';
import { migrationName, type RolloutItem, type RolloutRecord } from '../../functions/core/fleet/rollout.ts';
import type { Stage } from '../../functions/core/fleet/stages.ts';
import {
  findMembers,
  findRollout,
  type RecordedStage,
  readStages,
} from '../../functions/handlers/shared/rollout-store.ts';
import { asking, type Connection } from '../aws.ts';
import { describeExecution, type ExecutionName, parseExecutionArn } from '../execution/executions.ts';
import { evidenceBucket } from '../execution/gather-audit.ts';
import { Failure } from '../exit.ts';
import { listHolds, readParameter } from '../holds.ts';
import { readObject } from '../story/evidence.ts';
import { nightshiftCommand } from '../terminal/paste.ts';
import { stageStatus } from './stage-status.ts';

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
  status: ReturnType<typeof stageStatus>;
  clusters: ClusterStatus[];
  /** ISO 8601 in UTC; null if the stage does not soak. */
  soakUntil: string | null;
  /** As it is configured: a number, or a percentage. */
  tolerate: Stage['tolerate'];
}

/** What `rollout status --json` prints. */
export interface RolloutStatus {
  rollout: string;
  /** `running`, or how the last execution ended. */
  status: 'running' | 'succeeded' | 'held' | 'denied' | 'failed' | 'stopped';
  execution: string;
  attempt: number;
  requestedBy: string | null;
  stages: StageStatus[];
  held: null | { by: string; reason: string; until: string | null };
  /** The approval that the rollout waits for. */
  approval: null | { stage: string; until: string };
}

/** The rollout of this name. @throws Failure `UnknownRollout` */
export async function readRollout(
  connection: Connection,
  stateMachine: string,
  rollout: string,
): Promise<RolloutRecord> {
  const record = await findRollout(storeOf(connection, stateMachine), rollout);
  if (record) return record;
  throw new Failure('UnknownRollout', `no rollout ${rollout} has begun in ${connection.region}`, {
    nextStep: `start one: ${nightshiftCommand('rollout start --help')}`,
  });
}

/** The name of the rollout whose execution started last. @throws Failure `NoRollout` */
export async function latestRollout(connection: Connection, stateMachineArn: string): Promise<string> {
  const pages = paginateListExecutions({ client: connection.sfn, pageSize: 20 }, { stateMachineArn });
  for await (const { executions = [] } of pages)
    for (const { executionArn, mapRunArn } of executions) {
      if (executionArn === undefined || mapRunArn !== undefined) continue;
      const { input, name = '' } = await describeExecution(connection, executionArn);
      return z.object({ rollout: z.string() }).safeParse(JSON.parse(input ?? '{}')).data?.rollout ?? name;
    }
  throw new Failure('NoRollout', `there is no rollout in ${connection.region}`, {
    nextStep: `start one: ${nightshiftCommand('rollout start --help')}`,
  });
}

/** How far a rollout is. @throws Failure */
export async function rolloutStatus(
  connection: Connection,
  stateMachine: string,
  rollout: string,
): Promise<RolloutStatus> {
  const record = await readRollout(connection, stateMachine, rollout);
  const store = storeOf(connection, stateMachine);
  const stages = await readStages(store, rollout);
  const { status: execution, error } = await describeExecution(connection, record.execution);
  const status = statusOf(execution, error);
  const approval = status === 'running' ? await awaitedApproval(connection, rollout) : null;
  const running = status === 'running' ? await runningNames(connection, stateMachine) : new Map<string, string>();
  const shown: StageStatus[] = [];
  for (const stage of record.fleet.stages) {
    const known = stages.get(stage.name);
    const opened = await findMembers(store, { rollout, stage: stage.name }, { name: '', arn: record.execution });
    const members = opened?.items ?? [];
    shown.push({
      name: stage.name,
      status: stageStatus(known?.record?.status ?? null, {
        opened: opened !== null || (known?.clusters.length ?? 0) > 0,
        running: status === 'running',
        asked: approval?.stage === stage.name,
        soakOver: isPast(known?.record?.soakUntil ?? null),
      }),
      clusters: clustersOf(members, known, record, running),
      soakUntil: known?.record?.soakUntil ?? null,
      tolerate: stage.tolerate,
    });
  }
  return {
    rollout,
    status,
    execution: record.execution,
    attempt: record.attempt,
    requestedBy: record.requestedBy,
    stages: shown,
    held: await heldBy(connection, record, stages),
    approval: approval && { stage: approval.stage, until: approval.until },
  };
}

const isPast = (moment: string | null) => moment !== null && new Date(moment) <= new Date();

function statusOf(status: ExecutionStatus | undefined, error: string | undefined): RolloutStatus['status'] {
  if (status === 'RUNNING') return 'running';
  if (status === 'SUCCEEDED') return 'succeeded';
  if (status === 'ABORTED') return 'stopped';
  if (error === 'RolloutHeld') return 'held';
  return error === 'ApprovalDenied' ? 'denied' : 'failed';
}

/** The clusters of a stage as the present execution found them, with what is recorded of each. */
function clustersOf(
  members: readonly RolloutItem[],
  known: RecordedStage | undefined,
  record: RolloutRecord,
  running: ReadonlyMap<string, string>,
): ClusterStatus[] {
  const records = new Map(known?.clusters.map((cluster) => [cluster.cluster, cluster]));
  const listed = members.map(({ cluster, nodes }): ClusterStatus => {
    const ended = records.get(cluster);
    records.delete(cluster);
    const execution = { name: '', arn: record.execution };
    const runs = (['migrate', 'prove'] as const).map((step) => running.get(migrationName(cluster, execution, step)));
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
  const others = [...records.values()].map(({ cluster, execution, ending, error, nodes }) => {
    return { name: cluster, execution, ending, error: error?.name ?? null, nodes };
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

/** The approval that a rollout waits for; null if it waits for none. */
export async function awaitedApproval(connection: Connection, rollout: string): Promise<AskedApproval | null> {
  const text = await readParameter(connection, approvalParameter(rollout));
  const asked = text === null ? null : AskedApproval.safeParse(JSON.parse(text)).data;
  return asked && new Date(asked.until) > new Date() ? asked : null;
}

async function heldBy(
  connection: Connection,
  { rollout, attempt, fleet }: RolloutRecord,
  stages: ReadonlyMap<string, RecordedStage>,
): Promise<RolloutStatus['held']> {
  const names = fleet.stages.map(({ name }) => name);
  const batches = names.map((stage) => `rollouts/${rollout}/${stage}/${attempt}`);
  const holds = (await listHolds(connection, new Date())).filter(({ active }) => active);
  const hold = holds.find(({ batch, stage }) => batches.includes(batch ?? '') || names.includes(stage ?? ''));
  if (hold) return { by: hold.by, reason: hold.reason, until: hold.until };
  const judged = [...stages.values()].find(({ record }) => record?.status === 'held')?.record;
  return judged ? { by: 'nightshift', reason: judged.reason ?? '', until: null } : null;
}

/** The evidence bucket of a deployment, read by the command line's own client. */
export function storeOf(connection: Connection, stateMachine: string): Pick<ObjectStore, 'find' | 'list'> {
  const bucket = evidenceBucket(deploymentOf(stateMachine));
  return {
    async find(key) {
      const bytes = await readObject(connection, bucket, key);
      return bytes && { key, sha256: '', bytes: bytes.length, text: bytes.toString('utf8') };
    },
    async list(prefix) {
      const keys: string[] = [];
      await asking(connection, `list s3://${bucket}/${prefix}`, async () => {
        for await (const page of paginateListObjectsV2({ client: connection.s3 }, { Bucket: bucket, Prefix: prefix }))
          for (const { Key } of page.Contents ?? []) if (Key !== undefined) keys.push(Key);
      });
      return keys.sort();
    },
  };
}

function deploymentOf(stateMachine: string): ExecutionName {
  const execution = parseExecutionArn(`${stateMachine.replace(':stateMachine:', ':execution:')}:any`);
  if (execution) return execution;
  throw new Failure('UnexpectedAnswer', `${stateMachine} is not the ARN of a state machine`);
}
