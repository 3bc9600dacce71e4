import { qualified, unqualified } from '../lambda/host.ts';
import { StateFailure } from './failure.ts';
import { uuid } from './functions.ts';
import type { Json, JsonObject } from './json.ts';
import { isJsonObject, toJson } from './json.ts';
import { runExecution, startExecution } from './nested-execution.ts';
import { optimizedIntegrations } from './sdk-services.ts';
import { asException, callerOf, callForTask, isApiError, requiredText } from './service-call.ts';
import type { TaskContext, TaskResource } from './world.ts';

function checkFields(arn: string): (args: JsonObject) => string[] {
  const names = optimizedIntegrations.get(arn) ?? [];
  return (args) =>
    Object.keys(args)
      .filter((key) => !names.includes(key))
      .map((key) => `the field '${key}' is not supported by Step Functions`);
}

const LAMBDA_ERRORS = ['ServiceException', 'TooManyRequestsException', 'ResourceNotFoundException'];

function lambdaErrorName(code: string): string {
  if (code === 'SdkClientException') return 'Lambda.SdkClientException';
  return LAMBDA_ERRORS.includes(code) ? `Lambda.${code}` : 'Lambda.AWSLambdaException';
}

/** A name, or an ARN: arn:aws:lambda:region:account:function:name[:qualifier] */
function invokedName(nameOrArn: string): string {
  const [name = nameOrArn, qualifier] = nameOrArn.replace(/^arn:.*:function:/, '').split(':');
  return qualified(name, qualifier);
}

async function invokeFunction(args: JsonObject, { world, execution, wait, signal }: TaskContext): Promise<Json> {
  const name = requiredText(args, 'FunctionName');
  const functionName = invokedName(name);
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
  return {
    ExecutedVersion: unqualified(functionName).version,
    Payload: toJson(answer.payload ?? null),
    StatusCode: 200,
  };
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

/** https://docs.aws.amazon.com/step-functions/latest/dg/connect-sqs.html */
async function sendMessage(args: JsonObject, context: TaskContext): Promise<Json> {
  const { MessageBody = null, ...others } = args;
  const input = { ...others, MessageBody: typeof MessageBody === 'string' ? MessageBody : JSON.stringify(MessageBody) };
  const call = { service: 'sqs', operation: 'SendMessage', input } as const;
  // LocalStack's snapshots record it against AWS: whatever SQS refuses has this name.
  return toJson(await callForTask(call, context, 'AmazonSQS', () => 'SQS.AmazonSQSException'));
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/connect-sns.html */
async function publish(args: JsonObject, { world, execution }: TaskContext): Promise<Json> {
  const { Message = null } = args;
  const text = typeof Message === 'string' ? Message : JSON.stringify(Message);
  try {
    await world.publish(requiredText(args, 'TopicArn'), text, callerOf(execution));
  } catch (error) {
    if (!isApiError(error)) throw error;
    throw new StateFailure(`SNS.${asException(error.name)}`, `${error.message} (Service: AmazonSNS)`);
  }
  return { MessageId: uuid(world.region.random) };
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
  optimized('states', 'startExecution.sync', (args, context) => runExecution(args, context, false)),
  optimized('states', 'startExecution.sync:2', (args, context) => runExecution(args, context, true)),
  optimized('sqs', 'sendMessage', sendMessage),
  optimized('sns', 'publish', publish),
  optimized('events', 'putEvents', putEvents),
]);
