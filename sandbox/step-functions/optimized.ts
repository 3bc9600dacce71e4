import type { Execution } from './execution.ts';
import { StateFailure } from './failure.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonObject, toJson } from './json.ts';
import { optimizedIntegrations } from './sdk-services.ts';
import { callerOf, callForTask, isApiError } from './service-call.ts';
import type { TaskContext, TaskResource } from './world.ts';

function checkFields(arn: string): (args: JsonObject) => string[] {
  const names = optimizedIntegrations.get(arn) ?? [];
  return (args) =>
    Object.keys(args)
      .filter((key) => !names.includes(key))
      .map((key) => `the field '${key}' is not supported by Step Functions`);
}

function requiredText(args: JsonObject, field: string): string {
  const value = args[field];
  if (typeof value !== 'string') throw new StateFailure('States.Runtime', `The field '${field}' must be a string.`);
  return value;
}

const asException = (code: string) => (code.endsWith('Exception') ? code : `${code}Exception`);
const LAMBDA_ERRORS = ['ServiceException', 'TooManyRequestsException', 'ResourceNotFoundException'];

function lambdaErrorName(code: string): string {
  if (code === 'SdkClientException') return 'Lambda.SdkClientException';
  return LAMBDA_ERRORS.includes(code) ? `Lambda.${code}` : 'Lambda.AWSLambdaException';
}

async function invokeFunction(args: JsonObject, { world, execution, wait, signal }: TaskContext): Promise<Json> {
  const name = requiredText(args, 'FunctionName');
  // arn:aws:lambda:region:account:function:name[:qualifier]
  const functionName = name.startsWith('arn:') ? (name.split(':')[6] ?? name) : name;
  let answer: Awaited<ReturnType<typeof world.invokeFunction>>;
  try {
    answer = await world.invokeFunction(functionName, args['Payload'] ?? {}, callerOf(execution));
  } catch (error) {
    if (!isApiError(error)) throw error;
    throw new StateFailure(
      lambdaErrorName(error.name),
      `${error.message} (Service: Lambda, Status Code: ${error.status})`,
    );
  }
  const latency = world.region.latencies.function;
  // ±20 %, as every latency of the sandbox.
  const usual = latency > 0 ? latency * (0.8 + 0.4 * world.region.random()) * 1000 : 0;
  const milliseconds = usual + (answer.waited ?? 0);
  if (milliseconds > 0) await wait(() => world.region.clock.sleep(milliseconds, signal));
  if ('error' in answer) throw new StateFailure(answer.error.errorType, JSON.stringify(answer.error));
  return { ExecutedVersion: '$LATEST', Payload: toJson(answer.payload ?? null), StatusCode: 200 };
}

async function startExecution(args: JsonObject, context: TaskContext): Promise<{ arn: string; startedAt: Date }> {
  const name = args['Name'] === undefined ? {} : { name: requiredText(args, 'Name') };
  const input = args['Input'] ?? {};
  const output = await callForTask(
    {
      service: 'states',
      operation: 'StartExecution',
      input: {
        stateMachineArn: requiredText(args, 'StateMachineArn'),
        ...name,
        input: typeof input === 'string' ? input : JSON.stringify(input),
      },
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

async function runExecution(args: JsonObject, context: TaskContext): Promise<Json> {
  const { arn, startedAt } = await startExecution(args, context);
  // A stopped or timed-out parent takes the child with it.
  const stop = () => {
    const call = { operation: 'StopExecution', input: { executionArn: arn }, ...callerOf(context.execution) };
    context.world
      .callService({ service: 'states', ...call })
      .catch((error: unknown) => context.world.onBug?.(error, context.execution));
  };
  if (context.signal.aborted) stop();
  context.signal.addEventListener('abort', stop, { once: true });
  try {
    context.submitted(JSON.stringify({ ExecutionArn: arn, StartDate: startedAt.getTime() }));
    const child = await context.wait(() => context.ended(arn));
    if (child.status === 'SUCCEEDED') return describe(child, true);
    throw new StateFailure('States.TaskFailed', JSON.stringify(describe(child, false)));
  } finally {
    context.signal.removeEventListener('abort', stop);
  }
}

async function putEvents(args: JsonObject, context: TaskContext): Promise<Json> {
  const entries = Array.isArray(args['Entries']) ? args['Entries'].filter(isJsonObject) : [];
  const { execution } = context;
  const output = await callForTask(
    {
      service: 'events',
      operation: 'PutEvents',
      input: {
        Entries: entries.map(({ Detail, Resources, Time, ...entry }) => ({
          ...entry,
          ...(Detail === undefined ? {} : { Detail: typeof Detail === 'string' ? Detail : JSON.stringify(Detail) }),
          ...(typeof Time === 'string' ? { Time: new Date(Time) } : {}),
          Resources: [...(Array.isArray(Resources) ? Resources : []), execution.machine.arn, execution.arn],
        })),
      },
    },
    context,
    'EventBridge',
    (code) => `EventBridge.${asException(code)}`,
  );
  const result = toJson(output);
  if (isJsonObject(result) && typeof result['FailedEntryCount'] === 'number' && result['FailedEntryCount'] > 0)
    throw new StateFailure('EventBridge.FailedEntry', JSON.stringify(result));
  return result;
}

function optimized(resourceType: string, resource: string, run: TaskResource['run']): readonly [string, TaskResource] {
  const arn = `arn:aws:states:::${resourceType}:${resource}`;
  return [arn, { resourceType, resource, check: checkFields(arn), run }];
}

/**
 * Step Functions' own integrations, by Resource ARN.
 * https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html
 */
export const optimizedResources: ReadonlyMap<string, TaskResource> = new Map([
  optimized('lambda', 'invoke', invokeFunction),
  optimized('states', 'startExecution', async (args, context) => {
    const { arn, startedAt } = await startExecution(args, context);
    return { ExecutionArn: arn, StartDate: startedAt.toISOString() };
  }),
  optimized('states', 'startExecution.sync:2', runExecution),
  optimized('events', 'putEvents', putEvents),
]);
