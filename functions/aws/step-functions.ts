import {
  DescribeExecutionCommand,
  type ExecutionStatus,
  paginateGetExecutionHistory,
  paginateListExecutions,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { isNamed, memoised } from './clients.ts';

/** An execution that has ended. */
export interface EndedExecution {
  executionArn: string;
  stateMachineArn: string;
  name: string;
  status: ExecutionStatus;
  stoppedAt: Date;
}

/** An execution that runs; `startedAt` is in milliseconds since 1970. */
export interface RunningExecution {
  arn: string;
  name: string;
  startedAt: number;
}

/** The Step Functions calls that nightshift's functions make. */
export interface StepFunctions {
  /** Returns false if an execution of this name exists, running or ended: a name can be used once in 90 days. */
  start(execution: { stateMachineArn: string; name: string; input: unknown }): Promise<{ started: boolean }>;
  /** The text of an execution's input. */
  input(executionArn: string): Promise<string>;
  /** How an execution stands; null if Step Functions has none, or no longer. */
  standing(executionArn: string): Promise<{ status: ExecutionStatus; error: string | null } | null>;
  /** The executions of a state machine that run now. */
  running(stateMachineArn: string): Promise<RunningExecution[]>;
  /** All events of an execution in their order, each as one line of JSON. */
  history(executionArn: string): Promise<string[]>;
  /**
   * The executions that ended at or after a time, page by page. Step Functions sorts them by their start, and an
   * execution may wait for its window for months, so this reads all that Step Functions remembers.
   */
  endedSince(stateMachineArn: string, since: Date): AsyncIterable<EndedExecution[]>;
}

const PAGE = 1_000;

const client = memoised((options) => new SFNClient(options));

export const stepFunctions: StepFunctions = {
  async start({ stateMachineArn, name, input }) {
    try {
      await client().send(new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }));
      return { started: true };
    } catch (error) {
      if (isNamed(error, 'ExecutionAlreadyExists')) return { started: false };
      throw error;
    }
  },

  async input(executionArn) {
    const { input } = await client().send(new DescribeExecutionCommand({ executionArn }));
    if (input === undefined) throw new Error(`Step Functions described ${executionArn} without its input`);
    return input;
  },

  async standing(executionArn) {
    try {
      const { status, error } = await client().send(new DescribeExecutionCommand({ executionArn }));
      if (status === undefined) throw new Error(`Step Functions described ${executionArn} without its status`);
      return { status, error: error ?? null };
    } catch (error) {
      if (isNamed(error, 'ExecutionDoesNotExist')) return null;
      throw error;
    }
  },

  async running(stateMachineArn) {
    const running: RunningExecution[] = [];
    const request = { stateMachineArn, statusFilter: 'RUNNING' as const };
    for await (const page of paginateListExecutions({ client: client(), pageSize: PAGE }, request))
      for (const { executionArn: arn, name, startDate } of page.executions ?? [])
        if (arn && name && startDate) running.push({ arn, name, startedAt: startDate.getTime() });
    return running;
  },

  async history(executionArn) {
    const lines: string[] = [];
    for await (const page of paginateGetExecutionHistory({ client: client(), pageSize: PAGE }, { executionArn }))
      for (const event of page.events ?? []) lines.push(JSON.stringify(event));
    return lines;
  },

  async *endedSince(stateMachineArn, since) {
    for await (const page of paginateListExecutions({ client: client(), pageSize: PAGE }, { stateMachineArn }))
      yield (page.executions ?? []).flatMap(({ executionArn, name, status, stopDate }) =>
        executionArn && name && status && stopDate && stopDate >= since
          ? [{ executionArn, stateMachineArn, name, status, stoppedAt: stopDate }]
          : [],
      );
  },
};
