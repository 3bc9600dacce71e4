import type { AsynchronousInvocations } from '../../lambda/asynchronous.ts';
import type { Region } from '../../region.ts';
import { roleCaller } from '../../role-caller.ts';
import { isRecord } from '../../wire/check.ts';
import type { Dispatcher } from '../../wire/dispatcher.ts';
import { ServiceError } from '../../wire/error.ts';
import type { Caller } from '../../wire/operations.ts';
import type { Deliver } from '../destinations.ts';
import { type GivenUp, tryUntil } from '../retry.ts';
import type { Schedule, ScheduleTarget } from './schedules.ts';

export interface TargetOptions {
  readonly region: Region;
  readonly dispatcher: Dispatcher;
  readonly invocations: AsynchronousInvocations;
  readonly deliver: Deliver;
  /** Throws ServiceError if the function does not exist. */
  readonly requireFunction: (functionName: string) => void;
}

const START_EXECUTION = 'arn:aws:scheduler:::aws-sdk:sfn:startExecution';

/**
 * Calls a schedule's target as its role, tries again as its policy says and sends what cannot be delivered to its
 * dead-letter queue. Known are the universal target of StartExecution, whose input is the request (member names with a
 * small or a capital first letter), a state machine's own ARN, whose input is the execution's, and a function's.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
 */
export function fireTarget(options: TargetOptions): (schedule: Schedule) => Promise<void> {
  const { region, deliver } = options;
  return ({ target, arn }) => {
    const caller = roleCaller(target.RoleArn, 'scheduler');
    const toDeadLetters = async ({ error, retries, exhausted }: GivenUp) => {
      const queue = target.DeadLetterConfig?.Arn;
      if (queue === undefined) {
        // A lease may fire after its recovery was already started under the same name. AWS ignores that, too.
        if (error.name === 'ExecutionAlreadyExists') return;
        // Without a queue AWS only counts a metric; here it is an error of the sandbox's clock.
        throw error;
      }
      const attributes = {
        SCHEDULE_ARN: arn,
        TARGET_ARN: target.Arn,
        ERROR_CODE: error.name,
        ERROR_MESSAGE: error.message,
        RETRY_ATTEMPTS: String(retries),
        ...(exhausted && { EXHAUSTED_RETRY_CONDITION: exhausted }),
      };
      await deliver(queue, target.Input ?? '{}', caller, { attributes });
    };
    return tryUntil(region, target.RetryPolicy, () => call(options, target, caller), toDeadLetters);
  };
}

async function call(options: TargetOptions, target: ScheduleTarget, caller: Caller): Promise<void> {
  const { dispatcher, invocations, requireFunction } = options;
  const text = target.Input ?? '{}';
  const [, functionName] = /^arn:aws[\w-]*:lambda:[^:]+:\d{12}:function:([^:]+)/.exec(target.Arn) ?? [];
  if (functionName !== undefined) {
    requireFunction(functionName);
    return invocations.invoke(functionName, JSON.parse(text), caller);
  }
  const input = startExecutionInput(target.Arn, text);
  if (!input) throw new ServiceError('ValidationException', `the sandbox cannot call the target ${target.Arn}`);
  await dispatcher.call({ service: 'states', operation: 'StartExecution', input, ...caller });
}

function startExecutionInput(targetArn: string, text: string): Record<string, unknown> | undefined {
  if (/^arn:aws[\w-]*:states:[^:]+:\d{12}:stateMachine:/.test(targetArn))
    return { stateMachineArn: targetArn, input: text };
  if (targetArn !== START_EXECUTION) return undefined;
  const request: unknown = JSON.parse(text);
  if (!isRecord(request)) return undefined;
  return Object.fromEntries(
    Object.entries(request).map(([name, value]) => [name.charAt(0).toLowerCase() + name.slice(1), value]),
  );
}
