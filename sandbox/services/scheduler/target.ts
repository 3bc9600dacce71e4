import { isRecord } from '../../wire/check.ts';
import type { Dispatcher } from '../../wire/dispatcher.ts';
import { ServiceError } from '../../wire/error.ts';
import type { Schedule } from './schedules.ts';

const START_EXECUTION = 'arn:aws:scheduler:::aws-sdk:sfn:startExecution';

/**
 * Calls a schedule's target as the principal `scheduler`. Known are the universal target of StartExecution, whose
 * input is the request (member names with a small or a capital first letter), and a state machine's own ARN, whose
 * input is the execution's.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-targets-universal.html
 */
export function fireTarget(dispatcher: Dispatcher): (schedule: Schedule) => Promise<void> {
  return async ({ target, name }) => {
    const input = startExecutionInput(target.Arn, target.Input ?? '{}');
    if (!input)
      throw new ServiceError(
        'ValidationException',
        `the sandbox cannot call the target ${target.Arn} of schedule ${name}`,
      );
    await dispatcher.call({
      service: 'states',
      operation: 'StartExecution',
      input,
      principal: 'scheduler',
      principalArn: target.RoleArn,
    });
  };
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
