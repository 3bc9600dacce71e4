import { eventBus } from '../aws/events.ts';
import { objectStore } from '../aws/s3.ts';
import { ssm } from '../aws/ssm.ts';
import { stepFunctions } from '../aws/step-functions.ts';
import { Input, type Output } from '../contracts/on-execution-ended.ts';
import { parseExecutionEvent } from '../core/execution/recovery.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { type EndingDeps, endingOf, handleEndedExecution, liveStateMachines } from './shared/execution-ended.ts';

/**
 * Keeps the history of every execution that ended, and starts a recovery for one that was aborted, timed out or failed
 * without recording its end. If the history cannot be kept, the recovery is started all the same; then the invocation
 * fails, and is retried. Throws InvalidRequest for an event that is not a status change of an execution.
 */
export function onExecutionEnded(deps: EndingDeps): Run<unknown, Output> {
  return async (event, log) => {
    const ended = parseExecutionEvent(event);
    const machine = endingOf(deps, ended);
    if (machine === null) {
      const reason = `${ended.status} of ${ended.stateMachineArn} is not an ending of an execution of nightshift's.`;
      log.decision('recovery.ignored', { execution: ended.name, status: ended.status, reason, name: null });
      return { kind: 'ignored', reason, name: null };
    }
    return (await handleEndedExecution(deps, machine, ended, log)).recovered;
  };
}

export const handler = wrap(
  Input,
  onExecutionEnded({
    stepFunctions,
    store: objectStore(environment.evidenceBucket),
    bus: eventBus(environment.eventBus),
    holds: ssm,
    stateMachines: liveStateMachines,
  }),
);
