import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import type { Reference } from '../../functions/contracts/shared/output.ts';
import { type OwedRecord, owedRecord } from '../../functions/core/execution/owed-record.ts';
import { type Machine, machineOf } from '../../state-machines/phases.ts';
import type { Connection } from '../aws.ts';
import { Failure } from '../exit.ts';
import { type HistoryError, readError, readHistory, type Step } from '../story/history.ts';
import { outcomeOf } from '../story/parts.ts';
import { count } from '../terminal/format.ts';
import { auditCommand, awsCommand } from '../terminal/paste.ts';
import type { Progress } from '../terminal/progress.ts';
import type { Style } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { Leaving } from '../terminal/until-signal.ts';
import { type ExecutionName, executionName, findStateMachine, startExecution } from './executions.ts';
import { followExecution, paceFor } from './follow-execution.ts';

/** The execution of rollback-cluster that took over, as `--json` prints it. */
export interface FollowedRecovery {
  execution: string;
  name: string;
  status: string;
  ending: string;
}

/** What `migrate --json` prints: how one execution ended, and where its evidence is. */
export interface MigrationResult {
  execution: string;
  name: string;
  status: string;
  /**
   * `migrated`, `already-compliant`, `refused`, `failed`, `rolled-back`, `rollback-failed`, `nothing-to-roll-back`; for
   * an execution that was cut off before its record was written, its status.
   */
  ending: string;
  error?: HistoryError;
  startedAt: string | null;
  endedAt: string | null;
  outcome: Reference | null;
  evidence: Reference[];
  /** Nodes by the last mode that they reported; empty if no node reported. */
  modes: Record<string, number>;
  /** The last execution that recovered what this one left; absent if there was no recovery. */
  recovery?: FollowedRecovery;
}

/** An execution followed to its end. */
export interface Followed {
  execution: ExecutionName;
  steps: Step[];
  result: MigrationResult;
  left: Left;
}

/**
 * What is left to do after an execution has ended: nothing, because its record is written; the record, which
 * on-execution-ended or the daily sweep writes; or a recovery.
 */
export type Left = 'nothing' | 'record' | 'recovery';

/** How an execution is watched. */
export interface Watching extends Leaving {
  terminal: Terminal;
  progress: (machine: Machine) => Progress;
  announce: boolean;
  /** The message for Ctrl-C while the execution runs. */
  parting: (execution: ExecutionName, connection: Connection) => string[];
}

/** Starts a migration and follows it to its end. `now` is only for the execution's name. */
export async function migrate(
  connection: Connection,
  options: Watching & { request: { cluster: string }; stateMachine: string | undefined; now: Date },
): Promise<Followed> {
  const stateMachine = options.stateMachine ?? (await findStateMachine(connection));
  const name = executionName(options.request.cluster, options.now);
  return runExecution(connection, { stateMachine, name, input: options.request }, options);
}

/** Starts an execution of either state machine and follows it to its end. */
export async function runExecution(
  connection: Connection,
  wanted: { stateMachine: string; name: string; input: unknown },
  options: Watching,
): Promise<Followed> {
  options.signal.throwIfAborted();
  // Ctrl-C does not cancel this call: otherwise it would not be known whether the execution was started.
  const execution = await startExecution(connection, wanted);
  options.onLeave(options.parting(execution, connection));
  if (options.announce) options.terminal.out(`execution ${execution.arn}`);
  return follow(connection, execution, options);
}

/** Follows an execution of either state machine to its end. @throws Interrupted on Ctrl-C; Failure `NotFollowed` */
export async function follow(connection: Connection, execution: ExecutionName, options: Watching): Promise<Followed> {
  const machine = machineOf(execution.stateMachine);
  const progress = options.progress(machine);
  const heard: HistoryEvent[] = [];
  let told = 0;
  const onEvents = (events: HistoryEvent[]) => {
    heard.push(...events);
    // A step's state is found through the events before it: all are read, the new ones are shown.
    const steps = readHistory(heard, machine);
    // The event after an attempt shows whether it was the last one.
    const open = steps.findIndex((step) => step.kind === 'failed' && step.next === 'unknown');
    const known = open < 0 ? steps.length : open;
    progress.show(steps.slice(told, known));
    told = known;
  };
  try {
    const pace = paceFor(connection);
    const ended = await followExecution(connection, execution.arn, { onEvents, pace, signal: options.signal });
    await progress.end();
    const steps = readHistory(ended.events, machine);
    const owed = owedBy(ended.execution, ended.events);
    const result = resultOf(execution, ended.execution, { steps, owed });
    return { execution, steps, result, left: leftBy(result, owed) };
  } catch (error) {
    await progress.end('not watched to its end');
    throw error;
  }
}

/** The function on-execution-ended decides by the same record and the same history. */
function leftBy({ status, outcome }: MigrationResult, owed: OwedRecord | null): Left {
  if (status === 'SUCCEEDED' || outcome !== null) return 'nothing';
  return owed ? 'record' : 'recovery';
}

/** What an execution that failed had to record, whether or not its record is written. */
function owedBy({ status }: Described, events: readonly HistoryEvent[]): OwedRecord | null {
  return status === 'FAILED' ? owedRecord(events.map((event) => JSON.stringify(event))) : null;
}

const Owed = z.object({ ending: z.string() });

interface Described {
  status?: string | undefined;
  startDate?: Date | undefined;
  stopDate?: Date | undefined;
  error?: string | undefined;
  cause?: string | undefined;
}

/** How an execution ended: from DescribeExecution and from the answer of RecordOutcome, or else from its input. */
function resultOf(
  execution: ExecutionName,
  described: Described,
  { steps, owed }: { steps: readonly Step[]; owed: OwedRecord | null },
): MigrationResult {
  const status = described.status ?? 'UNKNOWN';
  const outcome = outcomeOf(steps);
  const cutOff = status === 'FAILED' ? 'failed' : status.toLowerCase().replace('_', '-');
  const answered = status === 'SUCCEEDED' || status === 'FAILED' || outcome?.outcome ? outcome?.ending : null;
  return {
    execution: execution.arn,
    name: execution.name,
    status,
    ending: answered ?? Owed.safeParse(owed?.payload).data?.ending ?? cutOff,
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

/** The error with which the command ends after an unsuccessful migration; null after a successful one. */
export function failureOf(result: MigrationResult): Failure | null {
  if (!result.error) return null;
  const { name, cause } = result.error;
  return new Failure(name, cause || `the execution ended ${result.status}`, {
    nextStep: `read what happened: ${auditCommand({ arn: result.execution })}`,
  });
}

/**
 * The text at the end: the ending and, after a rollback or recovery, the modes of the nodes. `failure` is what the
 * command ends with.
 */
export function endingLine(result: MigrationResult, failure: Failure | null, style: Style): string {
  const { ending, recovery } = result;
  const modes = Object.entries(result.modes).map(([mode, nodes]) => `${count(nodes, 'node')} ${mode}`);
  const where = (recovery || ending === 'rolled-back') && modes.length > 0 ? `, now ${modes.join(', ')}` : '';
  const recovered = recovery ? `; its recovery ${recovery.name} ended ${recovery.ending}` : '';
  const line = `${failure ? style.bad('ended') : style.good('ended')} ${ending}${recovered}${where}`;
  return failure ? `${line}: ${failure.name}` : `${line}; its story: ${auditCommand({ arn: result.execution })}`;
}

/** For a person who stops watching: the execution goes on. */
export function partingWords(execution: ExecutionName, connection: Connection): string[] {
  return [
    `The execution goes on without this terminal: ${execution.arn}`,
    `  its story so far:  ${auditCommand(execution)}`,
    ...stopping(execution, connection, 'the recovery then finishes what was begun, or puts it back'),
  ];
}

/** How to stop an execution, and what happens then. */
export function stopping(execution: ExecutionName, connection: Connection, then: string): string[] {
  return [
    `  to stop it:        ${awsCommand(connection, `stepfunctions stop-execution --execution-arn ${execution.arn}`)}`,
    `                     (${then})`,
  ];
}
