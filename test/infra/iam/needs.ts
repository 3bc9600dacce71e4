import type { Need } from '@nightshift/sandbox/iam';
import { EKS_NEEDS } from './needs-eks.ts';
import { STORAGE_NEEDS } from './needs-storage.ts';
import { arn, asRecord, type Call, type Needs, need, type Surroundings, text, textsOf } from './surroundings.ts';

const SCHEDULER = 'scheduler.amazonaws.com';

/** A schedule of which somebody else is to call the target: its role is passed on. */
const withRole =
  (action: string): Needs =>
  (call, around) => {
    const { RoleArn } = asRecord(call.input['Target']);
    return [
      ...schedule(action)(call, around),
      need('iam:PassRole', String(RoleArn), { 'iam:PassedToService': SCHEDULER }),
    ];
  };

const schedule =
  (action: string): Needs =>
  ({ input }, around) => {
    const group = input['GroupName'] === undefined ? 'default' : text(input, 'GroupName');
    return [need(`scheduler:${action}`, arn('scheduler', around, `schedule/${group}/${text(input, 'Name')}`))];
  };

const onExecution =
  (action: string): Needs =>
  ({ input }) => [need(`states:${action}`, text(input, 'executionArn'))];

const anywhere =
  (action: string): Needs =>
  () => [need(action, '*')];

/**
 * By version or alias the resource is still the state machine: the qualifier is a condition key, and a multivalued one.
 * https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
 */
const startExecution: Needs = ({ input }) => {
  const [, machine = '', qualifier] = /^((?:[^:]+:){6}[^:]+)(?::([^:]+))?$/.exec(text(input, 'stateMachineArn')) ?? [];
  const context = qualifier === undefined ? {} : { 'states:StateMachineQualifier': [qualifier] };
  return [need('states:StartExecution', machine, context)];
};

const sendCommand: Needs = ({ input }, around) => {
  const name = text(input, 'DocumentName');
  const document = name.startsWith('AWS-')
    ? `arn:aws:ssm:${around.region}::document/${name}`
    : arn('ssm', around, `document/${name}`);
  return [
    need('ssm:SendCommand', document),
    ...textsOf(input['InstanceIds']).map((id) => {
      const instance = id.startsWith('mi-')
        ? arn('ssm', around, `managed-instance/${id}`)
        : arn('ec2', around, `instance/${id}`);
      const tags = Object.entries(around.instanceTags(id));
      return need(
        'ssm:SendCommand',
        instance,
        Object.fromEntries(tags.map(([tag, value]) => [`ssm:resourceTag/${tag}`, value])),
      );
    }),
  ];
};

/** One request for each bus: its context has the sources and detail types of all entries for that bus. */
const putEvents: Needs = ({ input }, around) => {
  const entries: unknown[] = Array.isArray(input['Entries']) ? input['Entries'] : [];
  const byBus = Map.groupBy(entries.map(asRecord), ({ EventBusName = 'default' }) => String(EventBusName));
  return [...byBus].map(([name, ofBus]) => {
    const resource = name.startsWith('arn:') ? name : arn('events', around, `event-bus/${name}`);
    const all = (member: string) => [...new Set(ofBus.map((entry) => String(entry[member])))];
    return need('events:PutEvents', resource, {
      'events:source': all('Source'),
      'events:detail-type': all('DetailType'),
    });
  });
};

const invoke: Needs = ({ input }, around) => {
  const name = text(input, 'FunctionName');
  const resource = name.startsWith('arn:') ? name : arn('lambda', around, `function:${name}`);
  const { Qualifier: qualifier } = input;
  return [need('lambda:InvokeFunction', typeof qualifier === 'string' ? `${resource}:${qualifier}` : resource)];
};

/**
 * What each API call of the product needs, by service and operation.
 * https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
 */
const NEEDS: Readonly<Record<string, Readonly<Record<string, Needs>>>> = {
  eks: EKS_NEEDS,
  ...STORAGE_NEEDS,
  ec2: { DescribeInstances: anywhere('ec2:DescribeInstances') },
  ssm: {
    SendCommand: sendCommand,
    ListCommands: anywhere('ssm:ListCommands'),
    ListCommandInvocations: anywhere('ssm:ListCommandInvocations'),
    GetCommandInvocation: anywhere('ssm:GetCommandInvocation'),
    DescribeInstanceInformation: anywhere('ssm:DescribeInstanceInformation'),
    GetCalendarState: ({ input }, around) =>
      textsOf(input['CalendarNames']).map((name) =>
        need('ssm:GetCalendarState', name.startsWith('arn:') ? name : arn('ssm', around, `document/${name}`)),
      ),
    PutParameter: ({ input }, around) => [
      need('ssm:PutParameter', arn('ssm', around, `parameter${text(input, 'Name')}`)),
    ],
    GetParameter: ({ input }, around) => [
      need('ssm:GetParameter', arn('ssm', around, `parameter${text(input, 'Name')}`)),
    ],
    GetParameters: ({ input }, around) =>
      textsOf(input['Names']).map((name) => need('ssm:GetParameters', arn('ssm', around, `parameter${name}`))),
  },
  monitoring: {
    // For composite alarms CloudWatch needs the permission for every alarm, which no resource can express here.
    DescribeAlarms: ({ input }, around) =>
      textsOf(input['AlarmNames']).map((name) =>
        need('cloudwatch:DescribeAlarms', arn('cloudwatch', around, `alarm:${name}`)),
      ),
  },
  sts: {
    AssumeRole: ({ input }) => [need('sts:AssumeRole', text(input, 'RoleArn'))],
    GetCallerIdentity: () => [],
  },
  scheduler: {
    CreateSchedule: withRole('CreateSchedule'),
    UpdateSchedule: withRole('UpdateSchedule'),
    GetSchedule: schedule('GetSchedule'),
    DeleteSchedule: schedule('DeleteSchedule'),
    ListSchedules: anywhere('scheduler:ListSchedules'),
  },
  events: { PutEvents: putEvents },
  states: {
    StartExecution: startExecution,
    DescribeExecution: onExecution('DescribeExecution'),
    StopExecution: onExecution('StopExecution'),
    GetExecutionHistory: onExecution('GetExecutionHistory'),
    ListExecutions: ({ input }) => [need('states:ListExecutions', text(input, 'stateMachineArn'))],
  },
  lambda: { Invoke: invoke },
};

/** What a logged call needs; undefined for one that the table does not have. */
export function needsOf(call: Call, around: Surroundings): Need[] | undefined {
  const needs = NEEDS[call.service]?.[call.operation];
  return needs?.(call, around);
}
