import type { Execution } from './execution.ts';
import { StateFailure } from './failure.ts';
import type { Json, JsonObject } from './json.ts';
import { toJson } from './json.ts';
import { refusalOf, startNeed } from './rights.ts';
import { asException, callerOf, callForTask, requiredText } from './service-call.ts';
import type { TaskContext } from './world.ts';

/** Throws StateFailure if the state machine's role may not do this. */
function requireRight(context: TaskContext, need: ReturnType<typeof startNeed>): void {
  const refusal = refusalOf(context, need);
  if (refusal !== undefined)
    throw new StateFailure(
      'StepFunctions.AWSStepFunctionsException',
      `${refusal} (Service: AWSStepFunctions, Status Code: 400)`,
    );
}

/** Starts an execution by the role of the one that the task belongs to. Throws StateFailure. */
export async function startExecution(
  args: JsonObject,
  context: TaskContext,
): Promise<{ arn: string; startedAt: Date }> {
  const stateMachineArn = requiredText(args, 'StateMachineArn');
  const name = args['Name'] === undefined ? {} : { name: requiredText(args, 'Name') };
  const input = args['Input'] ?? {};
  requireRight(context, startNeed(stateMachineArn));
  const output = await callForTask(
    {
      service: 'states',
      operation: 'StartExecution',
      input: { stateMachineArn, ...name, input: typeof input === 'string' ? input : JSON.stringify(input) },
    },
    context,
    'AWSStepFunctions',
    (code) => `StepFunctions.${asException(code)}`,
  );
  const { executionArn, startDate } = output;
  if (typeof executionArn !== 'string' || !(startDate instanceof Date))
    throw new Error('StartExecution answered without executionArn or startDate');
  return { arn: executionArn, startedAt: startDate };
}

/** DescribeExecution's answer as a synchronous integration gives it; `open` reads input and output as JSON (`.sync:2`). */
function describe(execution: Execution, open: boolean): JsonObject {
  const data = (text: string): Json => (open ? toJson(JSON.parse(text)) : text);
  const ended: JsonObject = {};
  if (execution.stopDate) ended['StopDate'] = execution.stopDate.getTime();
  if (execution.output) ended['Output'] = data(execution.output.text);
  if (execution.output) ended['OutputDetails'] = { Included: true };
  if (execution.error !== undefined) ended['Error'] = execution.error;
  if (execution.cause !== undefined) ended['Cause'] = execution.cause;
  return {
    ExecutionArn: execution.arn,
    Input: data(execution.input.text),
    InputDetails: { Included: true },
    Name: execution.name,
    StartDate: execution.startDate.getTime(),
    StateMachineArn: execution.machine.arn,
    Status: execution.status,
    ...ended,
  };
}

/** Stops the execution `arn`, if the role of the one that started it may do so; otherwise it goes on alone. */
function stop(arn: string, context: TaskContext): void {
  const { world, execution } = context;
  if (refusalOf(context, { action: 'states:StopExecution', resource: arn, context: {} }) !== undefined) return;
  const call = { operation: 'StopExecution', input: { executionArn: arn }, ...callerOf(execution) };
  world.callService({ service: 'states', ...call }).catch((error: unknown) => world.onBug?.(error, execution));
}

/**
 * Starts an execution and waits for its end; it ends with the execution that started it. Throws States.TaskFailed with
 * its description, unless it succeeded.
 * https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
 */
export async function runExecution(args: JsonObject, context: TaskContext, open: boolean): Promise<Json> {
  const { arn, startedAt } = await startExecution(args, context);
  const interrupt = () => stop(arn, context);
  if (context.signal.aborted) interrupt();
  context.signal.addEventListener('abort', interrupt, { once: true });
  try {
    context.submitted(JSON.stringify({ ExecutionArn: arn, StartDate: startedAt.getTime() }));
    requireRight(context, { action: 'states:DescribeExecution', resource: arn, context: {} });
    const child = await context.wait(() => context.ended(arn));
    if (child.status === 'SUCCEEDED') return describe(child, open);
    throw new StateFailure('States.TaskFailed', JSON.stringify(describe(child, false)));
  } finally {
    context.signal.removeEventListener('abort', interrupt);
  }
}
