import { paginateListObjectsV2 } from '@aws-sdk/client-s3';
import { type DescribeExecutionOutput, GetExecutionHistoryCommand, paginateListExecutions } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import type { ObjectStore } from '../../functions/aws/s3.ts';
import type { RolloutRecord } from '../../functions/core/fleet/rollout.ts';
import { findRollout as findRecord } from '../../functions/handlers/shared/rollout-store.ts';
import { asking, type Connection } from '../aws.ts';
import { describeExecution, type ExecutionName, parseExecutionArn } from '../execution/executions.ts';
import { evidenceBucket } from '../execution/gather-audit.ts';
import { Failure } from '../exit.ts';
import { readObject } from '../story/evidence.ts';
import { nightshiftCommand } from '../terminal/paste.ts';

/** A rollout, and the execution that works on it or worked on it last. */
export interface FoundRollout {
  rollout: string;
  /** Null until its first stage is opened. */
  record: RolloutRecord | null;
  /** ARN. */
  execution: string;
  /** Null if Step Functions has forgotten the execution, which it does 90 days after the end. */
  described: DescribeExecutionOutput | null;
}

/** The rollout of this name. @throws Failure `UnknownRollout` */
export async function findRollout(
  connection: Connection,
  stateMachine: string,
  rollout: string,
): Promise<FoundRollout> {
  const running = (await runningRollouts(connection, stateMachine)).find((each) => each.rollout === rollout);
  const record = await findRecord(storeOf(connection, stateMachine), rollout);
  const own = `${stateMachine.replace(':stateMachine:', ':execution:')}:${rollout}`;
  const execution = running?.execution ?? record?.execution ?? own;
  const described = await describedOrForgotten(connection, execution);
  if (record === null && described === null)
    throw new Failure('UnknownRollout', `there is no rollout ${rollout} in ${connection.region}`, {
      nextStep: `show the one that started last: ${nightshiftCommand('rollout status')}`,
    });
  return { rollout, record, execution, described };
}

async function describedOrForgotten(connection: Connection, arn: string): Promise<DescribeExecutionOutput | null> {
  try {
    return await describeExecution(connection, arn);
  } catch (error) {
    if (error instanceof Failure && error.name === 'ExecutionDoesNotExist') return null;
    throw error;
  }
}

/** The rollouts that run now: at most one, but for the moment until a second one is refused. */
export function runningRollouts(
  connection: Connection,
  stateMachineArn: string,
): Promise<{ rollout: string; execution: string }[]> {
  return asking(connection, 'list the rollouts that run', async () => {
    const found: { rollout: string; execution: string }[] = [];
    const request = { stateMachineArn, statusFilter: 'RUNNING' as const };
    // A child of a Distributed Map is no rollout.
    for await (const { executions = [] } of paginateListExecutions({ client: connection.sfn }, request))
      for (const { executionArn, mapRunArn } of executions)
        if (executionArn !== undefined && mapRunArn === undefined) {
          const described = await describeExecution(connection, executionArn);
          found.push({ rollout: rolloutOf(described), execution: executionArn });
        }
    return found;
  });
}

/**
 * The name of the rollout whose execution started last. One that was refused because another one ran is left out.
 * @throws Failure `NoRollout`
 */
export async function latestRollout(connection: Connection, stateMachineArn: string): Promise<string> {
  const latest = await asking(connection, 'list the rollouts', async () => {
    const pages = paginateListExecutions({ client: connection.sfn, pageSize: 20 }, { stateMachineArn });
    for await (const { executions = [] } of pages)
      for (const { executionArn, mapRunArn } of executions) {
        if (executionArn === undefined || mapRunArn !== undefined) continue;
        const described = await describeExecution(connection, executionArn);
        if (described.error !== 'RolloutRunning') return rolloutOf(described);
      }
    return null;
  });
  if (latest !== null) return latest;
  throw new Failure('NoRollout', `there is no rollout in ${connection.region}`, {
    nextStep: `start one: ${nightshiftCommand('rollout start --help')}`,
  });
}

/** An execution without `rollout` in its input began a rollout under its own name. */
function rolloutOf({ input, name = '' }: DescribeExecutionOutput): string {
  return z.object({ rollout: z.string() }).safeParse(inputOf(input)).data?.rollout ?? name;
}

/** The input of an execution; null if there is none. Step Functions takes no input that is not JSON. */
export const inputOf = (input: string | undefined): unknown => JSON.parse(input ?? 'null');

/** The name of the state that an execution entered last; null if its last events have none. */
export async function stateOf(connection: Connection, executionArn: string): Promise<string | null> {
  const { events = [] } = await asking(connection, "read the rollout's history", () =>
    connection.sfn.send(
      new GetExecutionHistoryCommand({
        executionArn,
        reverseOrder: true,
        maxResults: 50,
        includeExecutionData: false,
      }),
    ),
  );
  return events.find((event) => event.stateEnteredEventDetails)?.stateEnteredEventDetails?.name ?? null;
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
