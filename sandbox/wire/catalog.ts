import * as ec2 from '@aws-sdk/client-ec2';
import * as eks from '@aws-sdk/client-eks';
import * as eventbridge from '@aws-sdk/client-eventbridge';
import * as lambda from '@aws-sdk/client-lambda';
import * as s3 from '@aws-sdk/client-s3';
import * as scheduler from '@aws-sdk/client-scheduler';
import * as sfn from '@aws-sdk/client-sfn';
import * as sqs from '@aws-sdk/client-sqs';
import * as ssm from '@aws-sdk/client-ssm';
import * as sts from '@aws-sdk/client-sts';
import type { StaticOperationSchema } from '@smithy/types';
import type { Problem } from './check.ts';
import * as cloudwatch from './cloudwatch-schemas.ts';
import { ServiceError } from './error.ts';
import { type StructureShape, structureOf } from './shape.ts';

/** The names by which requests are signed; also the sandbox's own ids of its services. */
export const SERVICE_IDS = [
  'eks',
  'ssm',
  'ec2',
  's3',
  'sts',
  'scheduler',
  'events',
  'states',
  'lambda',
  'sqs',
  'monitoring',
] as const;
export type ServiceId = (typeof SERVICE_IDS)[number];

export type Protocol =
  | { kind: 'rest-json'; message: 'message' | 'Message' }
  | { kind: 'aws-json'; version: '1.0' | '1.1' }
  | { kind: 'query'; namespace: string }
  | { kind: 'ec2'; namespace: string }
  | { kind: 'rest-xml'; namespace: string };

/** An operation as its SDK client describes it. */
export interface OperationModel {
  readonly name: string;
  readonly input: StructureShape;
  readonly output: StructureShape;
  /** Only where the protocol binds to HTTP: method, path with `{Labels}` and fixed query, status of success. */
  readonly http: readonly [method: string, path: string, status: number] | undefined;
}

export interface ServiceModel {
  readonly id: ServiceId;
  readonly protocol: Protocol;
  /** What older clients of a service speak that has changed its protocol. */
  readonly former?: Protocol;
  /** Errors whose code in the query protocol is not their name, where the service has ever spoken it. */
  readonly queryCodes?: Readonly<Record<string, string>>;
  readonly operations: ReadonlyMap<string, OperationModel>;
  /** The service's error for a request that does not fit its model. */
  readonly invalid: (problems: readonly Problem[]) => ServiceError;
  /** The service's error for too many calls. */
  readonly throttled: { readonly code: string; readonly message: string; readonly status: number };
}

const THROTTLED = { code: 'ThrottlingException', message: 'Rate exceeded', status: 400 };

const MODELS: Readonly<Record<ServiceId, ServiceModel>> = {
  eks: service('eks', eks, { kind: 'rest-json', message: 'message' }, byCode('InvalidParameterException'), {
    ...THROTTLED,
    status: 429,
  }),
  ssm: service('ssm', ssm, { kind: 'aws-json', version: '1.1' }, validationErrors('ValidationException'), THROTTLED),
  ec2: service('ec2', ec2, { kind: 'ec2', namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/' }, ec2Invalid, {
    code: 'RequestLimitExceeded',
    message: 'Request limit exceeded.',
    status: 503,
  }),
  s3: service(
    's3',
    s3,
    { kind: 'rest-xml', namespace: 'http://s3.amazonaws.com/doc/2006-03-01/' },
    byCode('InvalidArgument'),
    {
      code: 'SlowDown',
      message: 'Please reduce your request rate.',
      status: 503,
    },
  ),
  sts: service(
    'sts',
    sts,
    { kind: 'query', namespace: 'https://sts.amazonaws.com/doc/2011-06-15/' },
    validationErrors('ValidationError'),
    {
      ...THROTTLED,
      code: 'Throttling',
    },
  ),
  scheduler: service(
    'scheduler',
    scheduler,
    { kind: 'rest-json', message: 'Message' },
    validationErrors('ValidationException'),
    {
      ...THROTTLED,
      status: 429,
    },
  ),
  events: service(
    'events',
    eventbridge,
    { kind: 'aws-json', version: '1.1' },
    validationErrors('ValidationException'),
    THROTTLED,
  ),
  states: service(
    'states',
    sfn,
    { kind: 'aws-json', version: '1.0' },
    validationErrors('ValidationException'),
    THROTTLED,
  ),
  lambda: service(
    'lambda',
    lambda,
    { kind: 'rest-json', message: 'Message' },
    byCode('InvalidParameterValueException'),
    {
      code: 'TooManyRequestsException',
      message: 'Rate Exceeded.',
      status: 429,
    },
  ),
  sqs: service('sqs', sqs, { kind: 'aws-json', version: '1.0' }, validationErrors('InvalidParameterValue'), {
    code: 'RequestThrottled',
    message: 'Request is throttled.',
    status: 400,
  }),
  // The AWS CLI and the SDKs send JSON since CloudWatch's model has it beside the query protocol.
  monitoring: {
    ...service(
      'monitoring',
      cloudwatch,
      { kind: 'aws-json', version: '1.0' },
      validationErrors('ValidationException'),
      THROTTLED,
    ),
    former: { kind: 'query', namespace: 'http://monitoring.amazonaws.com/doc/2010-08-01/' },
    queryCodes: {
      InvalidFormatFault: 'InvalidFormat',
      ThrottlingException: 'Throttling',
      ValidationException: 'ValidationError',
    },
  },
};

export function serviceModel(id: ServiceId): ServiceModel {
  return MODELS[id];
}

export function isServiceId(name: string): name is ServiceId {
  return SERVICE_IDS.some((id) => id === name);
}

function service(
  id: ServiceId,
  client: Readonly<Record<string, unknown>>,
  protocol: Protocol,
  invalid: ServiceModel['invalid'],
  throttled: ServiceModel['throttled'],
): ServiceModel {
  const operations = new Map<string, OperationModel>();
  for (const exported of Object.values(client)) {
    if (!isOperationSchema(exported)) continue;
    operations.set(exported[2], operationModel(exported));
  }
  return { id, protocol, operations, invalid, throttled };
}

/** Clients export their schemas next to their classes; kind 9 is an operation (@smithy/types, StaticOperationSchema). */
function isOperationSchema(exported: unknown): exported is StaticOperationSchema {
  return Array.isArray(exported) && exported[0] === 9 && exported.length === 6;
}

/** EC2 alone has 800 operations: shapes are compiled when they are first asked for. */
function operationModel([, , name, traits, input, output]: StaticOperationSchema): OperationModel {
  let inputShape: StructureShape | undefined;
  let outputShape: StructureShape | undefined;
  return {
    name,
    http: typeof traits === 'object' ? traits.http : undefined,
    get input() {
      inputShape ??= structureOf(input);
      return inputShape;
    },
    get output() {
      outputShape ??= structureOf(output);
      return outputShape;
    },
  };
}

function byCode(code: string): ServiceModel['invalid'] {
  return (problems) =>
    new ServiceError(code, problems.map(({ path, rule }) => `${path || 'input'}: ${rule}`).join('; '));
}

/** The wording that services built on AWS's older framework share. */
function validationErrors(code: string): ServiceModel['invalid'] {
  return (problems) => {
    const count = `${problems.length} validation error${problems.length === 1 ? '' : 's'} detected`;
    const list = problems.map(
      ({ path, rule }) => `Value at '${path || 'input'}' failed to satisfy constraint: Member ${rule}`,
    );
    return new ServiceError(code, `${count}: ${list.join('; ')}`);
  };
}

function ec2Invalid(problems: readonly Problem[]): ServiceError {
  const [first] = problems;
  if (first?.kind === 'required')
    return new ServiceError('MissingParameter', `The request must contain the parameter ${first.path}`);
  if (first?.kind === 'unknown')
    return new ServiceError('UnknownParameter', `The parameter ${first.path} is not recognized`);
  return new ServiceError('InvalidParameterValue', problems.map(({ path, rule }) => `${path}: ${rule}`).join('; '));
}
