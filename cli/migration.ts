import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { OutcomeAnswer, type Reference } from './answers.ts';
import type { Connection } from './aws.ts';
import { type ExecutionName, executionName, findStateMachine, startExecution } from './executions.ts';
import { EXIT, Failure, Interrupted } from './exit.ts';
import { followExecution, paceFor } from './follow-execution.ts';
import { type HistoryError, readError, readHistory, type Step } from './history.ts';
import type { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';

/** What `migrate --json` prints: how one execution ended, and where its evidence is. */
export interface MigrationResult {
  execution: string;
  name: string;
  status: string;
  /** `migrated`, `already-compliant`, `refused`, `failed`; for an execution that was cut off, its status. */
  ending: string;
  error?: HistoryError;
  startedAt: string | null;
  endedAt: string | null;
  outcome: Reference | null;
  evidence: Reference[];
}

/** Starts a migration and stays with it to its end. `now` is only for the execution's name. */
export async function migrate(
  connection: Connection,
  options: {
    request: { cluster: string };
    stateMachine: string | undefined;
    now: Date;
    terminal: Terminal;
    progress: () => Progress;
    announce: boolean;
    /** What to say to a person who presses Ctrl-C. */
    parting: (execution: ExecutionName) => string[];
  },
): Promise<{ result: MigrationResult; execution: ExecutionName; steps: Step[] }> {
  const stateMachine = options.stateMachine ?? (await findStateMachine(connection));
  const name = executionName(options.request.cluster, options.now);
  const execution = await startExecution(connection, { stateMachine, name, input: options.request });
  if (options.announce) options.terminal.out(`execution ${execution.arn}`);
  const { steps, result } = await follow(connection, execution, options);
  return { result, execution, steps };
}

async function follow(
  connection: Connection,
  execution: ExecutionName,
  options: { terminal: Terminal; progress: () => Progress; parting: (execution: ExecutionName) => string[] },
): Promise<{ steps: Step[]; result: MigrationResult }> {
  const progress = options.progress();
  const heard: HistoryEvent[] = [];
  let told = 0;
  const onEvents = (events: HistoryEvent[]) => {
    heard.push(...events);
    // A step's state is found through the events before it: all are read, the new ones are shown.
    const steps = readHistory(heard);
    progress.show(steps.slice(told));
    told = steps.length;
  };
  try {
    const ended = await untilSignal((signal) =>
      followExecution(connection, execution.arn, { onEvents, pace: paceFor(connection), signal }),
    );
    await progress.end();
    const steps = readHistory(ended.events);
    return { steps, result: resultOf(execution, ended.execution, steps) };
  } catch (error) {
    await progress.end('not watched to its end');
    if (error instanceof Interrupted)
      for (const line of ['', ...options.parting(execution)]) options.terminal.err(line);
    throw error;
  }
}

interface Described {
  status?: string | undefined;
  startDate?: Date | undefined;
  stopDate?: Date | undefined;
  error?: string | undefined;
  cause?: string | undefined;
}

/** How an execution ended, from what DescribeExecution says and what RecordOutcome answered. */
export function resultOf(execution: ExecutionName, described: Described, steps: readonly Step[]): MigrationResult {
  const status = described.status ?? 'UNKNOWN';
  const outcome = steps
    .filter((step) => step.kind === 'succeeded')
    .filter((step) => step.state === 'RecordOutcome')
    .map((step) => OutcomeAnswer.safeParse(step.value))
    .findLast((answer) => answer.success)?.data;
  const cutOff = status === 'FAILED' ? 'failed' : status.toLowerCase().replace('_', '-');
  return {
    execution: execution.arn,
    name: execution.name,
    status,
    ending: status === 'SUCCEEDED' || status === 'FAILED' ? (outcome?.ending ?? cutOff) : cutOff,
    ...(status === 'SUCCEEDED' ? {} : { error: readError(described, outcome?.error?.name ?? nameFor(status)) }),
    startedAt: described.startDate?.toISOString() ?? null,
    endedAt: described.stopDate?.toISOString() ?? null,
    outcome: outcome?.outcome ?? null,
    evidence: outcome?.evidence ?? [],
  };
}

function nameFor(status: string): string {
  if (status === 'TIMED_OUT') return 'States.Timeout';
  return status === 'ABORTED' ? 'ExecutionAborted' : 'ExecutionFailed';
}

/** The error that a migration that was not successful ends the command with; null for one that was. */
export function failureOf(result: MigrationResult): Failure | null {
  if (!result.error) return null;
  const { name, cause } = result.error;
  return new Failure(name, cause || `the execution ended ${result.status}`, {
    nextStep: `read what happened: nightshift audit ${result.name}`,
  });
}

/** Aborts `work` with Interrupted at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const leave = (exitCode: number) => () => {
    if (controller.signal.aborted) process.exit(exitCode);
    controller.abort(new Interrupted(exitCode));
  };
  const onInterrupt = leave(EXIT.interrupted);
  const onTerminate = leave(EXIT.terminated);
  // Not `once`: log-update's cursor guard kills the process when no other listener is left while it is told.
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
  }
}

/** What a person must know who stops watching: nothing was stopped. */
export function partingWords(execution: ExecutionName): string[] {
  return [
    `The execution goes on without this terminal: ${execution.arn}`,
    `  its story so far:  nightshift audit ${execution.arn}`,
    `  to stop it:        aws stepfunctions stop-execution --execution-arn ${execution.arn}`,
    '                     (that undoes nothing: read the story first)',
  ];
}
