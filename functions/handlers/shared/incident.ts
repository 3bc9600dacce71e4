import { createHash } from 'node:crypto';
import { isNamed } from '../../aws/clients.ts';
import type { ObjectStore } from '../../aws/s3.ts';
import type { StepFunctions } from '../../aws/step-functions.ts';
import type { ReadOutput } from '../../contracts/inspect-rollback.ts';
import type { Execution } from '../../contracts/shared/input.ts';
import { owedRecord } from '../../core/execution/owed-record.ts';
import { type RollbackInput, recoveryOf } from '../../core/execution/recovery.ts';
import { findEnding } from './evidence.ts';

/** What the executions of one incident have recorded before this one. */
export type Incident = Pick<ReadOutput, 'ending' | 'paged'>;

interface Sources {
  store: Pick<ObjectStore, 'find'>;
  history: StepFunctions['history'];
}

/**
 * Reads what the executions before a recovery recorded. A rollback that a person asks for is an incident of its own. A
 * rollback that the migration starts again, because the first was stopped, belongs to the same incident. Throws what
 * the bucket throws.
 */
export async function incidentBefore(sources: Sources, request: RollbackInput, self: Execution): Promise<Incident> {
  if (request.mode === 'rollback') {
    const looks = await Promise.all(startsBefore(request, self).map((each) => lookAt(sources, each)));
    return { ending: null, paged: looks.some(({ paged }) => paged) };
  }
  const left = request.after ?? request.execution;
  const attempts = Array.from({ length: request.attempt - 1 }, (_, index) =>
    recoveryOf(left, request.attempt - 1 - index),
  );
  const recovered = [left, ...attempts.map((name) => sibling(self, name))];
  const looks = await Promise.all(
    [...recovered, nestedRollback(request.execution, self)].map((each) => lookAt(sources, each)),
  );
  return {
    ending: looks.slice(0, recovered.length).find(({ ending }) => ending !== null)?.ending ?? null,
    paged: looks.some(({ paged }) => paged),
  };
}

/**
 * The ending that one execution recorded, and whether it published that its rollback failed: its record shows it, or, if
 * the bucket took no record, its history. A bucket that is out for longer than two recoveries would otherwise page a
 * person for each.
 */
async function lookAt({ store, history }: Sources, execution: Execution): Promise<Incident> {
  const ending = await findEnding(store, execution);
  if (ending !== null) return { ending, paged: ending === 'rollback-failed' };
  const owed = owedRecord(await history(execution.arn).catch(nothingOfNoExecution));
  return { ending, paged: owed?.ran === true && owed.ending === 'rollback-failed' };
}

function nothingOfNoExecution(error: unknown): string[] {
  if (isNamed(error, 'ExecutionDoesNotExist')) return [];
  throw error;
}

/** The starts of the rollback that the migration made before this one; the first has no number, the second has `-2`. */
function startsBefore({ leasedTo, execution }: RollbackInput, self: Execution): Execution[] {
  const first = nestedRollback(execution, self);
  const number = Number(/-(\d)$/.exec(self.name)?.[1] ?? 1);
  if (leasedTo !== self.name || number === 1) return [];
  const others = Array.from({ length: number - 2 }, (_, index) => sibling(self, `${first.name}-${index + 2}`));
  return [first, ...others];
}

/** Another execution of the state machine that `self` belongs to. */
const sibling = ({ arn }: Execution, name: string): Execution => ({
  name,
  arn: `${arn.slice(0, arn.lastIndexOf(':') + 1)}${name}`,
});

/** The rollback that a migration starts itself; the state machine gives it the same name. */
function nestedRollback(owner: Execution, self: Execution): Execution {
  const digest = createHash('sha256').update(owner.arn).digest('hex');
  return sibling(self, `rollback-${digest.slice(0, 20)}`);
}
