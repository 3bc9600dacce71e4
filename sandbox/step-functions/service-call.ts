import { roleCaller } from '../role-caller.ts';
import type { Call } from '../wire/dispatcher.ts';
import { EmulatorBug } from '../wire/error.ts';
import type { Caller } from '../wire/operations.ts';
import type { Execution } from './execution.ts';
import { StateFailure } from './failure.ts';
import { uuid } from './functions.ts';
import type { JsonObject } from './json.ts';
import type { TaskContext } from './world.ts';

interface ApiError {
  readonly name: string;
  readonly message: string;
  readonly status: number;
}

/** An error that a service answered with; anything else that is thrown is a fault of the sandbox. */
export function isApiError(error: unknown): error is ApiError {
  return (
    error instanceof Error && !(error instanceof EmulatorBug) && 'status' in error && typeof error.status === 'number'
  );
}

/** Who makes an execution's calls: its state machine's role, in a session named as the execution. */
export function callerOf(execution: Execution): Caller {
  return roleCaller(execution.machine.roleArn, execution.name);
}

/**
 * One API call of a task. A service's error becomes a StateFailure with `errorName` of its code and the cause that the
 * SDK's exceptions have: `message (Service: Eks, Status Code: 409, Request ID: …)`.
 */
export async function callForTask(
  call: Omit<Call, keyof Caller>,
  context: Pick<TaskContext, 'world' | 'execution'>,
  serviceName: string,
  errorName: (code: string) => string,
): Promise<Record<string, unknown>> {
  const { world, execution } = context;
  try {
    return await world.callService({ ...call, ...callerOf(execution) });
  } catch (error) {
    if (!isApiError(error)) throw error;
    const request = `Service: ${serviceName}, Status Code: ${error.status}, Request ID: ${uuid(world.region.random)}`;
    throw new StateFailure(errorName(error.name), `${error.message} (${request})`);
  }
}

/** A field of a task's arguments. Throws StateFailure unless it is a text. */
export function requiredText(args: JsonObject, field: string): string {
  const value = args[field];
  if (typeof value !== 'string') throw new StateFailure('States.Runtime', `The field '${field}' must be a string.`);
  return value;
}

/** The end of an error's name, for a service's error code. */
export const asException = (code: string) => (code.endsWith('Exception') ? code : `${code}Exception`);
