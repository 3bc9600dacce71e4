import type { StepFunctions } from '../../aws/step-functions.ts';
import type { Output as Recovered } from '../../contracts/on-execution-ended.ts';
import { Input as OutcomeInput } from '../../contracts/record-outcome.ts';
import { assertNever } from '../../core/errors.ts';
import { isExecutionName, type Machine, recordPrefix } from '../../core/execution/executions.ts';
import { owedRecord } from '../../core/execution/owed-record.ts';
import {
  decideRecovery,
  type ExecutionEnded,
  endedBadly,
  type RecoveryDecision,
  RollbackInput,
} from '../../core/execution/recovery.ts';
import { countsAsFailed, hasBegun } from '../../core/fleet/batch.ts';
import { parseInput } from '../../core/values/parse-input.ts';
import { environment } from '../../runtime/environment.ts';
import type { Log } from '../../runtime/wrap.ts';
import { batchOf, countFailure } from './batch.ts';
import { historyKey, outcomeKey } from './evidence.ts';
import { type Deps as OutcomeDeps, recordOutcome } from './outcome.ts';

export interface EndingDeps extends OutcomeDeps {
  stepFunctions: Pick<StepFunctions, 'start' | 'input' | 'history'>;
  /** ARNs as events have them, and as StartExecution takes the one that recovers. */
  stateMachines: () => Record<Machine, string> & { recovery: string };
}

const ignored = (reason: string): Recovered => ({ kind: 'ignored', reason, name: null });

const selfOf = ({ name, executionArn }: Pick<ExecutionEnded, 'name' | 'executionArn'>) => ({ name, arn: executionArn });

type Ended = ExecutionEnded['status'];
const ENDINGS: readonly Ended[] = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];

/**
 * Which of nightshift's state machines the ended execution belongs to; null for any other state machine, and if the
 * execution has not ended.
 */
export function endingOf(deps: Pick<EndingDeps, 'stateMachines'>, ended: ExecutionEnded): Machine | null {
  if (!ENDINGS.includes(ended.status)) return null;
  const { migrate, rollback } = deps.stateMachines();
  if (ended.stateMachineArn === migrate) return 'migrate';
  return ended.stateMachineArn === rollback ? 'rollback' : null;
}

/**
 * Keeps an execution's whole history before Step Functions forgets it, one event a line. Returns false if the history
 * is kept already.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
async function keepHistory(
  { stepFunctions, store }: Pick<EndingDeps, 'stepFunctions' | 'store'>,
  ended: Pick<ExecutionEnded, 'name' | 'executionArn'>,
): Promise<boolean> {
  const key = historyKey(selfOf(ended));
  // Listed, not read: a history may be large.
  if ((await store.list(key)).includes(key)) return false;
  const events = await stepFunctions.history(ended.executionArn);
  await store.put(key, events.map((event) => `${event}\n`).join(''));
  return true;
}

/**
 * Keeps the history of an execution that ended, writes the record that it still owes, recovers what it left, and counts
 * a migration that was cut off in its batch. If the history cannot be kept, or the failure cannot be counted, the
 * recovery is started all the same; then the error is thrown, so that the caller retries.
 */
export async function handleEndedExecution(
  deps: EndingDeps,
  machine: Machine,
  ended: ExecutionEnded,
  log: Log,
): Promise<{ kept: boolean; recovered: Recovered }> {
  const [kept] = await Promise.allSettled([keepHistory(deps, ended)]);
  const recovered = await react(deps, machine, ended, log);
  const { kind, reason, name } = recovered;
  log.decision(`recovery.${kind}`, { execution: ended.name, status: ended.status, reason, name });
  if (machine === 'migrate' && (kind === 'started' || kind === 'already-started')) await countCutOff(deps, ended, log);
  if (kept.status === 'rejected') throw kept.reason;
  return { kept: kept.value, recovered };
}

async function react(deps: EndingDeps, machine: Machine, ended: ExecutionEnded, log: Log): Promise<Recovered> {
  if (!endedBadly(ended)) return ignored(`${ended.status} needs no recovery.`);
  if (await isRecorded(deps, ended)) return ignored('The execution has recorded its end.');
  const completed = await complete(deps, ended, log);
  if (completed) return completed;
  if (!isExecutionName(ended.name)) return ignored('Its name was refused by its first state: it has changed nothing.');
  const input = ended.input ?? (await deps.stepFunctions.input(ended.executionArn));
  return act(deps, ended, decideRecovery(machine, ended, input), log);
}

/** Counts a migration that was cut off, and so recorded no ending, in its batch. What it stored shows whether it began. */
async function countCutOff(deps: EndingDeps, ended: ExecutionEnded, log: Log): Promise<void> {
  const input: unknown = JSON.parse(ended.input ?? (await deps.stepFunctions.input(ended.executionArn)));
  const batched = batchOf(input);
  if (batched === null) return;
  const execution = selfOf(ended);
  const begun = hasBegun(await deps.store.list(recordPrefix(execution)));
  if (!countsAsFailed({ proven: false, begun, changed: begun, rollbackFailed: false, error: null })) return;
  const at = new Date(ended.stopDate ?? 0).toISOString();
  await countFailure(deps, batched, { error: ended.status, execution, at }, log);
}

/** If the bucket cannot be read, it is not known whether the record exists, and no recovery is started. */
async function isRecorded({ store }: Pick<EndingDeps, 'store'>, ended: ExecutionEnded): Promise<boolean> {
  return (await store.find(outcomeKey(selfOf(ended)))) !== null;
}

/**
 * Writes the record of an execution that ended but could not record its outcome, because the event bus or the evidence
 * bucket did not answer. The execution's history carries all that the record needs; no execution is started for it. Null for an
 * execution that owes no such record. While the bus or the bucket does not answer, the record stays owed: the next
 * sweep tries again.
 */
async function complete(deps: EndingDeps, ended: ExecutionEnded, log: Log): Promise<Recovered | null> {
  if (ended.status !== 'FAILED') return null;
  const owed = owedRecord(await deps.stepFunctions.history(ended.executionArn));
  if (!owed) return null;
  const input = parseInput(OutcomeInput, owed.payload, 'The payload of RecordOutcome');
  const announced = owed.announced || input.announced === true;
  // The migration that waited for this rollback publishes the event that the rollback could not publish.
  const publishedByOther =
    input.publishedByOther || (!owed.ran && input.ending === 'rollback-failed' && isNested(input));
  return record(deps, { ...input, announced, publishedByOther, paged: owed.ran || input.paged === true }, log);
}

/** A rollback that the migration started and waits for. */
function isNested({ request, execution }: OutcomeInput): boolean {
  return RollbackInput.safeParse(request).data?.leasedTo === execution.name;
}

/** As `complete`, for an execution that ended long ago; null also if the record exists. */
export async function completeOld(deps: EndingDeps, ended: ExecutionEnded, log: Log): Promise<Recovered | null> {
  return (await isRecorded(deps, ended)) ? null : complete(deps, ended, log);
}

async function record(deps: EndingDeps, input: OutcomeInput, log: Log): Promise<Recovered> {
  const { recorded, owed, ending } = await recordOutcome(deps)(input, log);
  const name = null;
  if (recorded) return { kind: 'recorded', reason: `The record of the ending ${ending} was written afterwards.`, name };
  return { kind: 'owed', reason: owed ?? 'The record is still owed.', name };
}

async function act(deps: EndingDeps, ended: ExecutionEnded, decision: RecoveryDecision, log: Log): Promise<Recovered> {
  switch (decision.kind) {
    case 'ignore':
      return ignored(decision.reason);
    case 'recover': {
      const { name, input } = decision;
      const stateMachineArn = deps.stateMachines().recovery;
      const { started } = await deps.stepFunctions.start({ stateMachineArn, name, input });
      return { kind: started ? 'started' : 'already-started', reason: input.reason, name };
    }
    case 'record':
      return record(deps, givenUp(ended, decision.input, decision.reason), log);
    default:
      return assertNever(decision);
  }
}

/** The record that the execution that gives up would have written. */
function givenUp(ended: ExecutionEnded, request: RollbackInput, reason: string): OutcomeInput {
  const at = new Date(ended.stopDate ?? 0);
  return {
    execution: selfOf(ended),
    now: at,
    startedAt: at,
    request,
    ending: 'rollback-failed',
    failure: { Error: 'RollbackFailed', Cause: reason },
    remains: null,
    from: null,
    to: null,
    changed: true,
    owner: request.execution,
    rollback: null,
    stored: [],
    publishedByOther: false,
  };
}

/** The deployed state machines. */
export const liveStateMachines: EndingDeps['stateMachines'] = () => ({
  migrate: environment.migrateStateMachineArn(),
  rollback: environment.rollbackStateMachineArn(),
  recovery: environment.rollbackAliasArn(),
});
