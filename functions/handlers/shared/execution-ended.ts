import type { EventBus } from '../../aws/events.ts';
import type { ObjectStore } from '../../aws/s3.ts';
import type { StepFunctions } from '../../aws/step-functions.ts';
import { assertNever } from '../../core/errors.ts';
import type { Machine } from '../../core/executions.ts';
import { decideRecovery, type ExecutionEnded, endedBadly, type RecoveryDecision } from '../../core/recovery.ts';
import { environment } from './environment.ts';
import { givenUpKey, historyKey, outcomeKey } from './evidence.ts';
import type { Say } from './wrap.ts';

export interface EndingDeps {
  stepFunctions: Pick<StepFunctions, 'start' | 'input' | 'history'>;
  store: Pick<ObjectStore, 'find' | 'put' | 'list'>;
  bus: EventBus;
  /** ARNs as events have them, and as StartExecution takes the one that recovers. */
  stateMachines: () => Record<Machine, string> & { recovery: string };
}

/** `name`: the execution that recovers. */
export interface Recovered {
  kind: 'ignored' | 'started' | 'already-started' | 'given-up';
  reason: string;
  name: string | null;
}

const ignored = (reason: string): Recovered => ({ kind: 'ignored', reason, name: null });

const selfOf = ({ name, executionArn }: Pick<ExecutionEnded, 'name' | 'executionArn'>) => ({ name, arn: executionArn });

type Ended = ExecutionEnded['status'];
const ENDINGS: readonly Ended[] = ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];

/** Which state machine of nightshift's has ended an execution; null for others', and for what is no ending. */
export function endingOf(deps: Pick<EndingDeps, 'stateMachines'>, ended: ExecutionEnded): Machine | null {
  if (!ENDINGS.includes(ended.status)) return null;
  const { migrate, rollback } = deps.stateMachines();
  if (ended.stateMachineArn === migrate) return 'migrate';
  return ended.stateMachineArn === rollback ? 'rollback' : null;
}

/**
 * Keeps an execution's whole history before Step Functions forgets it, one event a line. False where it is kept already.
 * https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
 */
async function keepHistory(
  { stepFunctions, store }: Pick<EndingDeps, 'stepFunctions' | 'store'>,
  { name, executionArn }: Pick<ExecutionEnded, 'name' | 'executionArn'>,
): Promise<boolean> {
  const key = historyKey({ name, arn: executionArn });
  // Listed, not read: a history may be large.
  if ((await store.list(key)).includes(key)) return false;
  const events = await stepFunctions.history(executionArn);
  await store.put(key, events.map((event) => `${event}\n`).join(''));
  return true;
}

/**
 * Starts a recovery for an execution that ended without recording its end, or calls a person after the last attempt.
 * The recovery's name makes a second one the first.
 */
async function recover(deps: EndingDeps, machine: Machine, ended: ExecutionEnded, say: Say): Promise<Recovered> {
  const recovered = await react(deps, machine, ended, say);
  const { kind, reason, name } = recovered;
  say.decision(`recovery.${kind}`, { execution: ended.name, status: ended.status, reason, name });
  return recovered;
}

/**
 * Keeps the history of an execution that ended and recovers what it left. Neither holds up the other; then what failed is
 * thrown, for a call that is made again.
 */
export async function lookAfter(
  deps: EndingDeps,
  machine: Machine,
  ended: ExecutionEnded,
  say: Say,
): Promise<{ kept: boolean; recovered: Recovered }> {
  const [kept, recovered] = await Promise.allSettled([keepHistory(deps, ended), recover(deps, machine, ended, say)]);
  if (recovered.status === 'rejected') throw recovered.reason;
  if (kept.status === 'rejected') throw kept.reason;
  return { kept: kept.value, recovered: recovered.value };
}

async function react(deps: EndingDeps, machine: Machine, ended: ExecutionEnded, say: Say): Promise<Recovered> {
  if (!endedBadly(ended)) return ignored(`${ended.status} needs no recovery.`);
  const self = selfOf(ended);
  if (await deps.store.find(outcomeKey(self))) return ignored('The execution has recorded its end.');
  if (await deps.store.find(givenUpKey(self))) return ignored('A person was called.');
  const input = ended.input ?? (await deps.stepFunctions.input(ended.executionArn));
  return act(deps, ended, decideRecovery(machine, ended, input), say);
}

async function act(deps: EndingDeps, ended: ExecutionEnded, decision: RecoveryDecision, say: Say): Promise<Recovered> {
  switch (decision.kind) {
    case 'ignore':
      return ignored(decision.reason);
    case 'recover': {
      const { name, input } = decision;
      const stateMachineArn = deps.stateMachines().recovery;
      const { started } = await deps.stepFunctions.start({ stateMachineArn, name, input });
      return { kind: started ? 'started' : 'already-started', reason: input.reason, name };
    }
    case 'give-up': {
      const { cluster, owner, reason } = decision;
      const error = { name: 'RollbackFailed', cause: reason };
      const detail = { cluster, execution: owner, ending: 'rollback-failed', error };
      await deps.bus.put({ detailType: 'nightshift.RollbackFailed', resources: [owner.arn], detail });
      say.count('nightshift.RollbackFailed', 1);
      // Events come more than once, and the sweep finds this execution again: a person is called once.
      await deps.store.put(givenUpKey(selfOf(ended)), JSON.stringify(detail));
      return { kind: 'given-up', reason, name: null };
    }
    default:
      return assertNever(decision);
  }
}

/** The deployed state machines. */
export const liveStateMachines: EndingDeps['stateMachines'] = () => ({
  migrate: environment.migrateStateMachineArn(),
  rollback: environment.rollbackStateMachineArn(),
  recovery: environment.rollbackAliasArn(),
});
