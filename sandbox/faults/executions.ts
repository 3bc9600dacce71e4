import { recordCall } from '../calls.ts';
import type { Execution } from '../step-functions/execution.ts';
import { isJsonObject } from '../step-functions/json.ts';
import type { FaultWorld } from './world.ts';

/** The cluster that an execution's input names. */
export function clusterOf(execution: Execution | undefined): string | undefined {
  const input = execution?.input.value;
  const name = input !== undefined && isJsonObject(input) ? input['cluster'] : undefined;
  return typeof name === 'string' ? name : undefined;
}

/** Whether an execution is of the state machine with this name, or a child of one of its distributed Maps. */
export function isOfMachine({ machine: { name } }: Execution, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}/`);
}

/** StopExecution by a person. */
export function abort(world: FaultWorld, execution: Execution): void {
  const input = { executionArn: execution.arn, cause: 'a scripted fault of the sandbox' };
  record(world, 'StopExecution', input);
  world.stepFunctions().stop(execution, undefined, input.cause);
}

/** StartExecution by a person, with the same input under another name. Only a Map Run starts children of a Map. */
export function duplicate(world: FaultWorld, { machine, mapRun, name, input }: Execution): void {
  if (mapRun) return;
  const engine = world.stepFunctions();
  const names = function* () {
    for (let number = 2; ; number += 1) yield `${name.slice(0, 70)}-again-${number}`;
  };
  for (const free of names()) {
    if (engine.executions.has(engine.executionArn(machine, free))) continue;
    record(world, 'StartExecution', { stateMachineArn: machine.arn, name: free, input: input.text });
    engine.start(machine, free, input.value);
    return;
  }
}

function record({ calls, clock }: FaultWorld, operation: string, input: object): void {
  recordCall(calls, { at: clock.now(), service: 'states', operation, principal: 'person', input });
}
