import * as z from 'zod/mini';
import { type EventBus, eventBus } from '../aws/events.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { type StepFunctions, stepFunctions } from '../aws/step-functions.ts';
import { assertNever } from '../core/errors.ts';
import {
  decideRecovery,
  type ExecutionEnded,
  endedBadly,
  type Machine,
  parseExecutionEvent,
  type RecoveryDecision,
} from '../core/recovery.ts';
import { environment } from './shared/environment.ts';
import { outcomeKey } from './shared/evidence.ts';
import { type Run, type Say, wrap } from './shared/wrap.ts';

export interface Deps {
  stepFunctions: StepFunctions;
  store: Pick<ObjectStore, 'find'>;
  bus: EventBus;
  stateMachines: () => Record<Machine, string>;
}

/** `name`: the execution that recovers. */
export interface Output {
  kind: 'ignored' | 'started' | 'already-started' | 'given-up';
  reason: string;
  name: string | null;
}

const ignored = (reason: string): Output => ({ kind: 'ignored', reason, name: null });

/**
 * Starts a recovery for an execution that was aborted, timed out or failed without recording its end. EventBridge
 * delivers at least once and in any order: the recovery's name makes a second one the first. Throws InvalidRequest for
 * an event that is no status change of an execution.
 */
export function onExecutionEnded(deps: Deps): Run<unknown, Output> {
  return async (event, say) => {
    const ended = parseExecutionEvent(event);
    const output = await react(deps, ended, say);
    const { kind, reason, name } = output;
    say.decision(`recovery.${kind}`, { execution: ended.name, status: ended.status, reason, name });
    return output;
  };
}

async function react(deps: Deps, ended: ExecutionEnded, say: Say): Promise<Output> {
  const machine = machineOf(deps.stateMachines(), ended);
  if (!machine) return ignored(`${ended.stateMachineArn} is no state machine of nightshift's.`);
  if (!endedBadly(ended)) return ignored(`${ended.status} needs no recovery.`);
  if (await deps.store.find(outcomeKey(ended))) return ignored('The execution has recorded its end.');
  const input = ended.input ?? (await deps.stepFunctions.input(ended.executionArn));
  return act(deps, decideRecovery(machine, ended, input), say);
}

function machineOf(machines: Record<Machine, string>, { stateMachineArn }: ExecutionEnded): Machine | null {
  if (stateMachineArn === machines.migrate) return 'migrate';
  return stateMachineArn === machines.rollback ? 'rollback' : null;
}

async function act(deps: Deps, decision: RecoveryDecision, say: Say): Promise<Output> {
  switch (decision.kind) {
    case 'ignore':
      return ignored(decision.reason);
    case 'recover': {
      const { name, input } = decision;
      const stateMachineArn = deps.stateMachines().rollback;
      const { started } = await deps.stepFunctions.start({ stateMachineArn, name, input });
      return { kind: started ? 'started' : 'already-started', reason: input.reason, name };
    }
    case 'give-up': {
      const { cluster, owner, reason } = decision;
      const detail = {
        cluster,
        execution: owner,
        ending: 'rollback-failed',
        error: { name: 'RollbackFailed', cause: reason },
      };
      await deps.bus.put({ detailType: 'nightshift.RollbackFailed', resources: [owner.arn], detail });
      say.count('nightshift.RollbackFailed', 1);
      return { kind: 'given-up', reason, name: null };
    }
    default:
      return assertNever(decision);
  }
}

const live: Deps = {
  stepFunctions,
  store: objectStore(environment.evidenceBucket),
  bus: eventBus(environment.eventBus),
  stateMachines: () => ({
    migrate: environment.migrateStateMachineArn(),
    rollback: environment.rollbackStateMachineArn(),
  }),
};

export const handler = wrap(z.unknown(), onExecutionEnded(live));
