import * as ec2 from '@aws-sdk/client-ec2';
import * as eks from '@aws-sdk/client-eks';
import * as eventbridge from '@aws-sdk/client-eventbridge';
import * as lambda from '@aws-sdk/client-lambda';
import * as s3 from '@aws-sdk/client-s3';
import * as scheduler from '@aws-sdk/client-scheduler';
import * as sfn from '@aws-sdk/client-sfn';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import { NormalizedSchema } from '@smithy/core/schema';
import * as cloudwatch from '../wire/cloudwatch-schemas.ts';

type SigningName = 'ec2' | 'eks' | 'events' | 'lambda' | 'monitoring' | 's3' | 'scheduler' | 'states' | 'ssm' | 'sts';

/** One service as Step Functions' AWS SDK integrations name it: `arn:aws:states:::aws-sdk:<name>:<operation>`. */
export interface SdkService {
  /** What error names start with: `Eks.ResourceInUseException`. */
  readonly prefix: string;
  /** The service's signing name, which the sandbox's call log uses. */
  readonly signingName: SigningName;
  /** By operation name, `UpdateAddon`. */
  readonly operations: ReadonlyMap<string, SdkOperation>;
  /** Names of the errors that the service declares, as the API has them (`InvocationDoesNotExist`). */
  readonly errors: ReadonlySet<string>;
}

export interface SdkOperation {
  readonly input: NormalizedSchema;
  readonly output: NormalizedSchema;
}

const OPERATION = 9;
const ERROR = -3;

function resolveSchema(reference: unknown): NormalizedSchema {
  return NormalizedSchema.of(typeof reference === 'function' ? reference() : reference);
}

function readService(prefix: string, signingName: SigningName, client: Record<string, unknown>): SdkService {
  const operations = new Map<string, SdkOperation>();
  const errors = new Set<string>();
  for (const [key, schema] of Object.entries(client)) {
    if (!key.endsWith('$') || !Array.isArray(schema)) continue;
    const [kind, namespace, name, , input, output]: unknown[] = schema;
    if (kind === OPERATION)
      operations.set(String(name), { input: resolveSchema(input), output: resolveSchema(output) });
    // The client's own base class is not an error of the service.
    if (kind === ERROR && !String(namespace).startsWith('smithy.')) errors.add(String(name));
  }
  return { prefix, signingName, operations, errors };
}

/** The services that a state machine here may call, read from the SDK clients' own schemas. */
export const sdkServices: ReadonlyMap<string, SdkService> = new Map([
  ['cloudwatch', readService('CloudWatch', 'monitoring', cloudwatch)],
  ['ec2', readService('Ec2', 'ec2', ec2)],
  ['eks', readService('Eks', 'eks', eks)],
  ['eventbridge', readService('EventBridge', 'events', eventbridge)],
  ['lambda', readService('Lambda', 'lambda', lambda)],
  ['s3', readService('S3', 's3', s3)],
  ['scheduler', readService('Scheduler', 'scheduler', scheduler)],
  ['sfn', readService('Sfn', 'states', sfn)],
  ['ssm', readService('Ssm', 'ssm', ssm)],
  ['sts', readService('Sts', 'sts', sts)],
]);

/**
 * The error name that a state machine sees for an API error: the exception class of the SDK that Step Functions uses,
 * whose names always end in `Exception`. An error that the service does not declare is the service's base exception,
 * `Eks.EksException`.
 * https://docs.aws.amazon.com/step-functions/latest/dg/supported-services-awssdk.html
 */
export function integrationErrorName(service: SdkService, apiError: string): string {
  if (apiError === 'SdkClientException') return `${service.prefix}.SdkClientException`;
  if (!service.errors.has(apiError)) return `${service.prefix}.${service.prefix}Exception`;
  return `${service.prefix}.${apiError.endsWith('Exception') ? apiError : `${apiError}Exception`}`;
}

/** Every error name that calls to `service` can end in. */
export function integrationErrorNames(service: SdkService): Set<string> {
  const names = [...service.errors].map((error) => integrationErrorName(service, error));
  return new Set([...names, `${service.prefix}.${service.prefix}Exception`, `${service.prefix}.SdkClientException`]);
}

/**
 * A member name as Step Functions spells it, that is, as the SDK for Java does: `clientRequestToken` →
 * `ClientRequestToken`, `ContentMD5` → `ContentMd5`, `SSEKMSKeyId` → `SsekmsKeyId`.
 */
export function integrationMemberName(member: string): string {
  return member
    .replaceAll(/([a-z])(?=[A-Z][A-Za-z0-9])/g, '$1 ')
    .replaceAll(/(?<=[A-Z])(?=[A-Z][a-z])/g, ' ')
    .replaceAll(/([0-9])([A-Za-z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1).toLowerCase())
    .join('');
}

const LAMBDA_CLIENT_ERRORS = ['Lambda.AWSLambdaException', 'Lambda.ClientExecutionTimeoutException', 'Lambda.Unknown'];

/** Error names of the integrations that Step Functions has beside the SDK's. */
export const optimizedIntegrationErrors: ReadonlySet<string> = new Set([
  ...LAMBDA_CLIENT_ERRORS,
  'EventBridge.FailedEntry',
  'SQS.AmazonSQSException',
  'SNS.NotFoundException',
  ...[...(sdkServices.get('sfn')?.errors ?? [])].map((error) =>
    error.endsWith('Exception') ? `StepFunctions.${error}` : `StepFunctions.${error}Exception`,
  ),
]);

/** Behind an integration's ARN: the task waits until somebody reports its end by its token. */
export const CALLBACK = '.waitForTaskToken';

const EXECUTION = ['StateMachineArn', 'Input', 'Name', 'TraceHeader'];
const WITH_OR_WITHOUT_TOKEN: Readonly<Record<string, readonly string[]>> = {
  'lambda:invoke': ['FunctionName', 'Payload'],
  'states:startExecution': EXECUTION,
  'events:putEvents': ['Entries'],
  'sqs:sendMessage': [
    'QueueUrl',
    'MessageBody',
    'DelaySeconds',
    'MessageAttributes',
    'MessageDeduplicationId',
    'MessageGroupId',
  ],
  'sns:publish': ['TopicArn', 'Message'],
};

/** Step Functions' own integrations that are supported, by Resource ARN, with the names of their arguments. */
export const optimizedIntegrations: ReadonlyMap<string, readonly string[]> = new Map([
  ...Object.entries(WITH_OR_WITHOUT_TOKEN).flatMap(([name, fields]) =>
    [name, `${name}${CALLBACK}`].map((each) => [`arn:aws:states:::${each}`, fields] as const),
  ),
  ['arn:aws:states:::states:startExecution.sync', EXECUTION],
  ['arn:aws:states:::states:startExecution.sync:2', EXECUTION],
]);
