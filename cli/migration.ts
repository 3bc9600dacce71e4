import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Reference } from './answers.ts';
import type { Connection } from './aws.ts';
import { type ExecutionName, executionName, findStateMachine, startExecution } from './executions.ts';
import { EXIT, Failure, Interrupted } from './exit.ts';
import { followExecution, paceFor } from './follow-execution.ts';
import type { FollowedRecovery } from './follow-recovery.ts';
import { count } from './format.ts';
import { type HistoryError, readError, readHistory, type Step } from './history.ts';
import { awsCommand, nightshiftCommand } from './paste.ts';
import { type Machine, machineOf } from './phases.ts';
import type { Progress } from './progress.ts';
import { outcomeOf } from './story-parts.ts';
import type { Style } from './style.ts';
import type { Terminal } from './terminal.ts';

/** What `migrate --json` prints: how one execution ended, and where its evidence is. */
export interface MigrationResult {
  execution: string;
  name: string;
  status: string;
  /**
   * `migrated`, `already-compliant`, `refused`, `failed`, `rolled-back`, `rollback-failed`, `nothing-to-roll-back`; for
   * an execution that was cut off, its status.
   */
  ending: string;
  error?: HistoryError;
  startedAt: string | null;
  endedAt: string | null;
  outcome: Reference | null;
  evidence: Reference[];
  /** Nodes by the mode that they last said they run; empty where none was heard. */
  modes: Record<string, number>;
  /** The last execution that recovered what this one left; absent where there was none. */
  recovery?: FollowedRecovery;
}

/** An execution followed to its end. `leaseEnds`: when its lease starts a recovery (ISO 8601); null if it took none. */
export interface Followed {
  steps: Step[];
  result: MigrationResult;
  leaseEnds: string | null;
}

/** How an execution is watched. */
export interface Watching {
  terminal: Terminal;
  progress: (machine: Machine) => Progress;
  announce: boolean;
  /** What to say to a person who presses Ctrl-C. */
  parting: (execution: ExecutionName, connection: Connection) => string[];
}

/** Starts a migration and stays with it to its end. `now` is only for the execution's name. */
export async function migrate(
  connection: Connection,
  options: Watching & { request: { cluster: string }; stateMachine: string | undefined; now: Date },
): Promise<Followed & { execution: ExecutionName }> {
  const stateMachine = options.stateMachine ?? (await findStateMachine(connection));
  const name = executionName(options.request.cluster, options.now);
  return runExecution(connection, { stateMachine, name, input: options.request }, options);
}

/** Starts an execution of either state machine and stays with it to its end. */
export async function runExecution(
  connection: Connection,
  wanted: { stateMachine: string; name: string; input: unknown },
  options: Watching,
): Promise<Followed & { execution: ExecutionName }> {
  const execution = await startExecution(connection, wanted);
  if (options.announce) options.terminal.out(`execution ${execution.arn}`);
  return { ...(await follow(connection, execution, options)), execution };
}

/** Stays with an execution of either state machine to its end. @throws Interrupted on Ctrl-C; Failure `NotFollowed` */
export async function follow(connection: Connection, execution: ExecutionName, options: Watching): Promise<Followed> {
  const machine = machineOf(execution.stateMachine);
  const progress = options.progress(machine);
  const heard: HistoryEvent[] = [];
  let told = 0;
  const onEvents = (events: HistoryEvent[]) => {
    heard.push(...events);
    // A step's state is found through the events before it: all are read, the new ones are shown.
    const steps = readHistory(heard, machine);
    progress.show(steps.slice(told));
    told = steps.length;
  };
  try {
    const ended = await untilSignal((signal) =>
      followExecution(connection, execution.arn, { onEvents, pace: paceFor(connection), signal }),
    );
    await progress.end();
    const steps = readHistory(ended.events, machine);
    return { steps, result: resultOf(execution, ended.execution, steps), leaseEnds: leaseEndsIn(ended.events) };
  } catch (error) {
    await progress.end('not watched to its end');
    if (error instanceof Interrupted)
      for (const line of ['', ...options.parting(execution, connection)]) options.terminal.err(line);
    throw error;
  }
}

/** When the schedule that is the lease starts a recovery, from the parameters that last set it. */
function leaseEndsIn(events: readonly HistoryEvent[]): string | null {
  const set = events.findLast((event) => event.taskScheduledEventDetails?.parameters?.includes('"ScheduleExpression"'));
  const at = /"ScheduleExpression":\s*"at\(([\d:T-]+)\)"/.exec(set?.taskScheduledEventDetails?.parameters ?? '');
  return at?.[1] === undefined ? null : `${at[1]}Z`;
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
  const outcome = outcomeOf(steps);
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
    modes: outcome?.modes ?? {},
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
    nextStep: `read what happened: ${nightshiftCommand(`audit ${result.name}`)}`,
  });
}

/** What people read at the end: the ending, and what runs where when something was put back. */
export function endingLine(result: MigrationResult, style: Style): string {
  const modes = Object.entries(result.modes).map(([mode, nodes]) => `${count(nodes, 'node')} ${mode}`);
  const where = result.ending === 'rolled-back' && modes.length > 0 ? `, now ${modes.join(', ')}` : '';
  if (result.recovery) {
    const { name, ending } = result.recovery;
    return `ended ${result.ending}; its recovery ${name} ended ${ending}; its story: ${nightshiftCommand(`audit ${result.name}`)}`;
  }
  if (result.error) return `${style.bad('ended')} ${result.ending}${where}: ${result.error.name}`;
  return `${style.good('ended')} ${result.ending}${where}; its story: ${nightshiftCommand(`audit ${result.name}`)}`;
}

/** Aborts `work` with Interrupted at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
export async function untilSignal<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
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
export function partingWords(execution: ExecutionName, connection: Connection): string[] {
  return [
    `The execution goes on without this terminal: ${execution.arn}`,
    `  its story so far:  ${nightshiftCommand(`audit ${execution.arn}`)}`,
    `  to stop it:        ${awsCommand(connection, `stepfunctions stop-execution --execution-arn ${execution.arn}`)}`,
    '                     (the recovery then finishes what was begun, or puts it back)',
  ];
}
