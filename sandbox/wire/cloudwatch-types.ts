import type { CommandIO } from '@smithy/types';

/** The operations of cloudwatch-schemas.ts in types, as an SDK client's module has them. */
export interface CloudWatch {
  readonly DescribeAlarmsCommand: Command<DescribeAlarmsInput, DescribeAlarmsOutput>;
  readonly PutMetricAlarmCommand: Command<PutMetricAlarmInput>;
  readonly PutCompositeAlarmCommand: Command<PutCompositeAlarmInput>;
  readonly SetAlarmStateCommand: Command<SetAlarmStateInput>;
  readonly DeleteAlarmsCommand: Command<{ AlarmNames: string[] | undefined }>;
  readonly ListTagsForResourceCommand: Command<{ ResourceARN: string | undefined }, { Tags?: Tag[] }>;
  readonly TagResourceCommand: Command<{ ResourceARN: string | undefined; Tags: Tag[] | undefined }>;
}

type Command<Input extends object, Output extends object = object> = new (
  ...input: never[]
) => CommandIO<Input, Output & { $metadata: object }>;

export const STATE_VALUES = ['INSUFFICIENT_DATA', 'ALARM', 'OK'] as const;
export type StateValue = (typeof STATE_VALUES)[number];

export interface Tag {
  Key: string | undefined;
  Value: string | undefined;
}

export interface Dimension {
  Name: string | undefined;
  Value: string | undefined;
}

export interface DescribeAlarmsInput {
  AlarmNames?: string[];
  AlarmNamePrefix?: string;
  AlarmTypes?: string[];
  ChildrenOfAlarmName?: string;
  ParentsOfAlarmName?: string;
  StateValue?: string;
  ActionPrefix?: string;
  MaxRecords?: number;
  NextToken?: string;
}

export interface DescribeAlarmsOutput {
  MetricAlarms?: object[] | undefined;
  CompositeAlarms?: object[] | undefined;
  NextToken?: string | undefined;
}

interface Common {
  AlarmName: string | undefined;
  AlarmDescription?: string;
  ActionsEnabled?: boolean;
  OKActions?: string[];
  AlarmActions?: string[];
  InsufficientDataActions?: string[];
  Tags?: Tag[];
}

export interface PutMetricAlarmInput extends Common {
  MetricName?: string;
  Namespace?: string;
  Dimensions?: Dimension[];
  Metrics?: object[];
  EvaluationPeriods?: number;
  ComparisonOperator?: string;
}

export interface PutCompositeAlarmInput extends Common {
  AlarmRule: string | undefined;
}

export interface SetAlarmStateInput {
  AlarmName: string | undefined;
  StateValue: string | undefined;
  StateReason: string | undefined;
  StateReasonData?: string;
}
