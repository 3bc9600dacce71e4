import type { $SchemaRef, StaticListSchema, StaticOperationSchema, StaticStructureSchema } from '@smithy/types';

/**
 * The part of Amazon CloudWatch's model that is about alarms, in the form in which the SDK's clients carry theirs
 * (`@aws-sdk/client-cloudwatch` exports the same names).
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
 */
const NAMESPACE = 'com.amazonaws.cloudwatch';

const STRING = 0;
const NUMBER = 1;
const BOOLEAN = 2;
const TIME = 4;
const STRINGS = 64;
const UNIT = 'unit';

type Members = Readonly<Record<string, $SchemaRef>>;

/** Required members come first. */
function structure(name: string, required: Members, optional: Members = {}): StaticStructureSchema {
  const members = { ...required, ...optional };
  const count = Object.keys(required).length;
  return [3, NAMESPACE, name, 0, Object.keys(members), Object.values(members), count];
}

function list(name: string, item: $SchemaRef): StaticListSchema {
  return [1, NAMESPACE, name, 0, item];
}

function operation(name: string, input: $SchemaRef, output: $SchemaRef = UNIT): StaticOperationSchema {
  return [9, NAMESPACE, name, 0, input, output];
}

/** An error of the service, with the code that it has in the older query protocol. */
function error(name: string, queryCode: string, status: number) {
  const traits = { awsQueryError: [queryCode, status], error: 'client', httpError: status };
  return [-3, NAMESPACE, name, traits, ['message'], [STRING]] as const;
}

const Dimensions = list('Dimensions', structure('Dimension', { Name: STRING, Value: STRING }));
const TagList = list('TagList', structure('Tag', { Key: STRING, Value: STRING }));
const Metric = structure('Metric', {}, { Namespace: STRING, MetricName: STRING, Dimensions });
const MetricStat = structure('MetricStat', { Metric, Period: NUMBER, Stat: STRING }, { Unit: STRING });
const MetricDataQueries = list(
  'MetricDataQueries',
  structure(
    'MetricDataQuery',
    { Id: STRING },
    { MetricStat, Expression: STRING, Label: STRING, ReturnData: BOOLEAN, Period: NUMBER, AccountId: STRING },
  ),
);

const ACTIONS: Members = {
  ActionsEnabled: BOOLEAN,
  OKActions: STRINGS,
  AlarmActions: STRINGS,
  InsufficientDataActions: STRINGS,
};
const MEASURE: Members = {
  MetricName: STRING,
  Namespace: STRING,
  Statistic: STRING,
  ExtendedStatistic: STRING,
  Dimensions,
  Period: NUMBER,
  Unit: STRING,
  EvaluationPeriods: NUMBER,
  DatapointsToAlarm: NUMBER,
  Threshold: NUMBER,
  ComparisonOperator: STRING,
  TreatMissingData: STRING,
  EvaluateLowSampleCountPercentile: STRING,
  Metrics: MetricDataQueries,
  ThresholdMetricId: STRING,
};
const SUPPRESSOR: Members = {
  ActionsSuppressor: STRING,
  ActionsSuppressorWaitPeriod: NUMBER,
  ActionsSuppressorExtensionPeriod: NUMBER,
};
const DESCRIBED: Members = {
  AlarmName: STRING,
  AlarmArn: STRING,
  AlarmDescription: STRING,
  AlarmConfigurationUpdatedTimestamp: TIME,
  StateValue: STRING,
  StateReason: STRING,
  StateReasonData: STRING,
  StateUpdatedTimestamp: TIME,
  StateTransitionedTimestamp: TIME,
  ...ACTIONS,
};
const MetricAlarms = list('MetricAlarms', structure('MetricAlarm', {}, { ...DESCRIBED, ...MEASURE }));
const CompositeAlarms = list(
  'CompositeAlarms',
  structure('CompositeAlarm', {}, { ...DESCRIBED, AlarmRule: STRING, ...SUPPRESSOR }),
);

export const DescribeAlarms$ = operation(
  'DescribeAlarms',
  structure(
    'DescribeAlarmsInput',
    {},
    {
      AlarmNames: STRINGS,
      AlarmNamePrefix: STRING,
      AlarmTypes: STRINGS,
      ChildrenOfAlarmName: STRING,
      ParentsOfAlarmName: STRING,
      StateValue: STRING,
      ActionPrefix: STRING,
      MaxRecords: NUMBER,
      NextToken: STRING,
    },
  ),
  structure('DescribeAlarmsOutput', {}, { CompositeAlarms, MetricAlarms, NextToken: STRING }),
);
export const PutMetricAlarm$ = operation(
  'PutMetricAlarm',
  structure(
    'PutMetricAlarmInput',
    { AlarmName: STRING },
    { AlarmDescription: STRING, ...ACTIONS, ...MEASURE, Tags: TagList },
  ),
);
export const PutCompositeAlarm$ = operation(
  'PutCompositeAlarm',
  structure(
    'PutCompositeAlarmInput',
    { AlarmName: STRING, AlarmRule: STRING },
    { AlarmDescription: STRING, ...ACTIONS, Tags: TagList, ...SUPPRESSOR },
  ),
);
export const SetAlarmState$ = operation(
  'SetAlarmState',
  structure(
    'SetAlarmStateInput',
    { AlarmName: STRING, StateValue: STRING, StateReason: STRING },
    { StateReasonData: STRING },
  ),
);
export const DeleteAlarms$ = operation('DeleteAlarms', structure('DeleteAlarmsInput', { AlarmNames: STRINGS }));
export const ListTagsForResource$ = operation(
  'ListTagsForResource',
  structure('ListTagsForResourceInput', { ResourceARN: STRING }),
  structure('ListTagsForResourceOutput', {}, { Tags: TagList }),
);
export const TagResource$ = operation(
  'TagResource',
  structure('TagResourceInput', { ResourceARN: STRING, Tags: TagList }),
  structure('TagResourceOutput', {}),
);

export const ResourceNotFound$ = error('ResourceNotFound', 'ResourceNotFound', 404);
export const ResourceNotFoundException$ = error('ResourceNotFoundException', 'ResourceNotFoundException', 404);
export const ValidationException$ = error('ValidationException', 'ValidationError', 400);
export const InvalidNextToken$ = error('InvalidNextToken', 'InvalidNextToken', 400);
export const InvalidFormatFault$ = error('InvalidFormatFault', 'InvalidFormat', 400);
export const LimitExceededFault$ = error('LimitExceededFault', 'LimitExceeded', 400);
