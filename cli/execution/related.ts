import { GIVING_UP, recoveryOf } from '../../functions/core/execution/recovery.ts';
import { machineOf } from '../../state-machines/phases.ts';
import type { Connection } from '../aws.ts';
import { Failure } from '../exit.ts';
import { readHistory, type Step } from '../story/history.ts';
import { buildHeld, outcomeOf } from '../story/parts.ts';
import type { Related } from '../story/rollback.ts';
import { Nested } from '../story/views.ts';
import { type ExecutionName, eventsAfter, executionThere, parseExecutionArn } from './executions.ts';

/** The histories of an execution's rollbacks and recoveries, and one sentence for each that was not found. */
export interface Found {
  related: Related[];
  missing: string[];
}

/**
 * Reads the executions of rollback-cluster that belong to a migration: the one that it started itself, whose ARN its
 * history carries; and, if an execution ended without recording its end, the recoveries, found by their names.
 *
 * @throws Failure when Step Functions cannot be asked; a history that is not there is a finding, not an error.
 */
export async function readRelated(
  connection: Connection,
  execution: ExecutionName,
  steps: readonly Step[],
): Promise<Found> {
  const found: Found = { related: [], missing: [] };
  if (machineOf(execution.stateMachine) === 'rollback-cluster') return found;
  for (const nested of nestedIn(steps)) {
    const read = await readSteps(connection, nested);
    if (read) found.related.push({ execution: nested, steps: read });
    else found.missing.push(`the history of ${nested.arn}, which put the change back, is not there`);
  }
  await readRecoveries(connection, { execution, steps }, found);
  return found;
}

/** The executions of rollback-cluster that a migration started itself, if their histories still exist. */
export async function readNested(connection: Connection, steps: readonly Step[]): Promise<Related[]> {
  const read = await Promise.all(
    nestedIn(steps).map(async (execution) => ({ execution, steps: await readSteps(connection, execution) })),
  );
  return read.flatMap(({ execution, steps }) => (steps ? [{ execution, steps }] : []));
}

/** Whether an execution ended without recording its end. */
function isUnrecorded(steps: readonly Step[]): boolean {
  return steps.some((step) => step.kind === 'ended') && outcomeOf(steps) === null;
}

/** Whether an execution left its record or its lease to a recovery. */
function isLeftToOthers(steps: readonly Step[]): boolean {
  if (!steps.some((step) => step.kind === 'ended')) return false;
  return outcomeOf(steps) === null || buildHeld(steps).lease === 'remains';
}

/** A migration that waits for its rollback releases the lease itself. */
async function readRecoveries(connection: Connection, owner: Related, found: Found): Promise<void> {
  const nested = found.related.at(-1);
  let open = isLeftToOthers(owner.steps) || (nested !== undefined && isUnrecorded(nested.steps));
  for (let attempt = 1; open && attempt <= GIVING_UP; attempt += 1) {
    const name = recoveryOf(owner.execution, attempt);
    const recovery = await readRecovery(connection, owner.execution, name);
    if (!recovery) {
      found.missing.push(`no recovery was found: rollback-cluster has no execution ${name}`);
      return;
    }
    found.related.push(recovery);
    open = isLeftToOthers(recovery.steps);
  }
}

async function readRecovery(connection: Connection, owner: ExecutionName, name: string): Promise<Related | null> {
  const execution = siblingOf(owner, name);
  if (!execution || !(await executionThere(connection, execution.arn))) return null;
  const steps = await readSteps(connection, execution);
  return steps && { execution, steps };
}

/** An execution of the rollback-cluster that was deployed with the state machine of `owner`. */
export function siblingOf({ arn, stateMachine }: ExecutionName, name: string): ExecutionName | null {
  const machine = stateMachine.replace(/migrate-cluster$/, 'rollback-cluster');
  if (machineOf(machine) !== 'rollback-cluster') return null;
  const before = arn.slice(0, arn.lastIndexOf(`:${stateMachine}:`));
  return parseExecutionArn(`${before}:${machine}:${name}`);
}

/** Executions that were started and waited for; the history has them from their start, however they ended. */
function nestedIn(steps: readonly Step[]): ExecutionName[] {
  const arns = steps.flatMap((step) => {
    if (step.kind !== 'submitted' && step.kind !== 'succeeded') return [];
    return step.calls === 'states:startExecution.sync:2' ? arnIn(step.value) : [];
  });
  return [...new Set(arns)].map(parseExecutionArn).filter((nested) => nested !== null);
}

function arnIn(value: unknown): string[] {
  const nested = Nested.safeParse(value);
  return nested.success ? [nested.data.ExecutionArn] : [];
}

async function readSteps(connection: Connection, { arn, stateMachine }: ExecutionName): Promise<Step[] | null> {
  try {
    return readHistory(await eventsAfter(connection, arn, 0), machineOf(stateMachine));
  } catch (error) {
    if (error instanceof Failure && error.name === 'ExecutionDoesNotExist') return null;
    throw error;
  }
}
