import { asRecord } from '../wire/check.ts';

/** Where a stack is deployed to. */
export interface StackPlace {
  readonly account: string;
  readonly region: string;
  readonly stack: string;
}

/** A resource's properties, with intrinsic functions resolved. */
export type Properties = Readonly<Record<string, unknown>>;

/** How CloudFormation names a resource once it is there. */
export interface Identity {
  readonly ref: string;
  /** What `Fn::GetAtt` answers. */
  readonly attributes: Readonly<Record<string, string>>;
}

type Identify = (name: string, place: StackPlace, properties: Properties) => Identity;

const arnOf = (service: string, { account, region }: StackPlace, rest: string) =>
  `arn:aws:${service}:${region}:${account}:${rest}`;

/** Resources whose `Ref` is their name. */
const byName =
  (service: string, path: (name: string, properties: Properties) => string, more: readonly string[] = []): Identify =>
  (name, place, properties) => ({
    ref: name,
    attributes: {
      Arn: arnOf(service, place, path(name, properties)),
      ...Object.fromEntries(more.map((attribute) => [attribute, name])),
    },
  });

/** Type → the property that names it, and what the name makes of it. */
const IDENTITIES: Readonly<Record<string, { readonly name: string; readonly identify: Identify }>> = {
  'AWS::Lambda::Function': { name: 'FunctionName', identify: byName('lambda', (name) => `function:${name}`) },
  // A stack that is deployed anew publishes each function's first version.
  'AWS::Lambda::Version': {
    name: '',
    identify: (_, place, { FunctionName }) => {
      const arn = `${arnOf('lambda', place, `function:${functionNameOf(FunctionName)}`)}:1`;
      return { ref: arn, attributes: { FunctionArn: arn, Version: '1' } };
    },
  },
  'AWS::IAM::Role': {
    name: 'RoleName',
    identify: (name, { account }) => ({
      ref: name,
      attributes: { Arn: `arn:aws:iam::${account}:role/${name}`, RoleId: name },
    }),
  },
  'AWS::StepFunctions::StateMachine': {
    name: 'StateMachineName',
    identify: (name, place) => {
      const Arn = arnOf('states', place, `stateMachine:${name}`);
      return { ref: Arn, attributes: { Arn, Name: name, StateMachineRevisionId: name } };
    },
  },
  // A stack that is deployed anew publishes each state machine's first version.
  'AWS::StepFunctions::StateMachineVersion': {
    name: '',
    identify: (_, __, { StateMachineArn }) => qualified(String(StateMachineArn), '1'),
  },
  'AWS::StepFunctions::StateMachineAlias': {
    name: 'Name',
    identify: (name, _, properties) => qualified(aliasedVersion(properties).replace(/:\d+$/, ''), name),
  },
  'AWS::Events::Rule': {
    name: 'Name',
    identify: byName('events', (name, { EventBusName: bus = 'default' }) =>
      bus === 'default' ? `rule/${name}` : `rule/${String(bus).replace(/^.*event-bus\//, '')}/${name}`,
    ),
  },
  'AWS::Events::EventBus': { name: 'Name', identify: byName('events', (name) => `event-bus/${name}`, ['Name']) },
  'AWS::Scheduler::Schedule': {
    name: 'Name',
    identify: byName('scheduler', (name, { GroupName = 'default' }) => `schedule/${String(GroupName)}/${name}`),
  },
  'AWS::Scheduler::ScheduleGroup': { name: 'Name', identify: byName('scheduler', (name) => `schedule-group/${name}`) },
  'AWS::SQS::Queue': {
    name: 'QueueName',
    identify: (name, place) => {
      const url = `https://sqs.${place.region}.amazonaws.com/${place.account}/${name}`;
      return { ref: url, attributes: { Arn: arnOf('sqs', place, name), QueueName: name, QueueUrl: url } };
    },
  },
  'AWS::SNS::Topic': {
    name: 'TopicName',
    identify: (name, place) => {
      const TopicArn = arnOf('sns', place, name);
      return { ref: TopicArn, attributes: { TopicArn, TopicName: name } };
    },
  },
  'AWS::S3::Bucket': {
    name: 'BucketName',
    identify: (name) => ({ ref: name, attributes: { Arn: `arn:aws:s3:::${name}` } }),
  },
  'AWS::SSM::Document': { name: 'Name', identify: byName('ssm', (name) => `document/${name}`) },
  'AWS::KMS::Key': { name: '', identify: byName('kms', (name) => `key/${name}`, ['KeyId']) },
  'AWS::Logs::LogGroup': { name: 'LogGroupName', identify: byName('logs', (name) => `log-group:${name}:*`) },
  'AWS::CloudWatch::Alarm': { name: 'AlarmName', identify: byName('cloudwatch', (name) => `alarm:${name}`) },
};

/** A function's name, of its name or ARN, without a qualifier. */
export const functionNameOf = (nameOrArn: unknown): string =>
  String(nameOrArn)
    .replace(/^.*:function:/, '')
    .replace(/:.*$/, '');

/** The property that names resources of this type; undefined where CloudFormation always makes up the name. */
export function nameProperty(type: string): string | undefined {
  return IDENTITIES[type]?.name || undefined;
}

/** A type that the sandbox does not know has its name for `Ref` and no attribute. */
export function identify(type: string, name: string, place: StackPlace, properties: Properties): Identity {
  return IDENTITIES[type]?.identify(name, place, properties) ?? { ref: name, attributes: {} };
}

/** The version that an alias leads to. */
export function aliasedVersion(properties: Properties): string {
  const { DeploymentPreference, RoutingConfiguration } = properties;
  const [route] = Array.isArray(RoutingConfiguration) ? RoutingConfiguration : [DeploymentPreference];
  return String(asRecord(route)['StateMachineVersionArn'] ?? '');
}

function qualified(arn: string, qualifier: string): Identity {
  const Arn = `${arn}:${qualifier}`;
  return { ref: Arn, attributes: { Arn } };
}
