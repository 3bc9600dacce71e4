import type { ServiceId } from '../wire/catalog.ts';

/** A bucket holds `size` tokens at most and gains `perSecond`; a call takes one. */
export interface Rate {
  readonly size: number;
  readonly perSecond: number;
}

/** Operations that share one bucket in an account and Region. */
export interface RateLimit extends Rate {
  readonly service: ServiceId;
  readonly operations: readonly string[];
}

/** Where an account starts with more than elsewhere. */
const LARGE = new Set(['us-east-1', 'us-west-2', 'eu-west-1']);

const SCHEDULER_LARGE = new Set([
  ...LARGE,
  'us-east-2',
  'ap-northeast-1',
  'ap-south-1',
  'ap-southeast-1',
  'ap-southeast-2',
  'eu-central-1',
  'eu-west-2',
  'sa-east-1',
]);

/**
 * The default quotas that AWS publishes for what the sandbox plays, per account and Region. A quota in transactions per
 * second is a bucket of as many tokens as it gains in a second. AWS publishes none for EKS and for Run Command
 * (SendCommand, GetCommandInvocation, ListCommandInvocations), nor for EventBridge's rules: they are not limited.
 */
export function publishedRates(region: string): RateLimit[] {
  return [...stepFunctions(LARGE.has(region)), ...scheduler(region), ...PARAMETER_STORE, ...ALARMS, ...INSTANCES];
}

/** Step Functions moves a Standard execution to its next state for a token. Without one the execution waits. */
export function publishedTransitions(region: string): Rate {
  return LARGE.has(region) ? { size: 5_000, perSecond: 1_500 } : { size: 800, perSecond: 500 };
}

/** https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-api-action-throttling-general */
function stepFunctions(large: boolean): RateLimit[] {
  const limit = (operation: string, size: number, perSecond: number): RateLimit => ({
    service: 'states',
    operations: [operation],
    size,
    perSecond,
  });
  return [
    large ? limit('StartExecution', 1_300, 300) : limit('StartExecution', 800, 150),
    large ? limit('StopExecution', 1_000, 200) : limit('StopExecution', 500, 25),
    large ? limit('DescribeExecution', 300, 15) : limit('DescribeExecution', 250, 10),
    large ? limit('ListExecutions', 200, 5) : limit('ListExecutions', 100, 2),
    limit('GetExecutionHistory', 400, 20),
    limit('DescribeStateMachine', 200, 20),
    limit('ListStateMachines', 100, 5),
  ];
}

/** https://docs.aws.amazon.com/scheduler/latest/UserGuide/scheduler-quotas.html */
function scheduler(region: string): RateLimit[] {
  const rate = SCHEDULER_LARGE.has(region) ? 5_000 : 250;
  return [{ service: 'scheduler', operations: ['CreateSchedule'], size: rate, perSecond: rate }];
}

/** Default throughput. https://docs.aws.amazon.com/general/latest/gr/ssm.html#limits_ssm */
const PARAMETER_STORE: RateLimit[] = [
  { service: 'ssm', operations: ['GetParameter', 'GetParameters', 'GetParametersByPath'], size: 40, perSecond: 40 },
];

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_limits.html */
const ALARMS: RateLimit[] = [
  { service: 'monitoring', operations: ['DescribeAlarms'], size: 9, perSecond: 9 },
  ...['PutMetricAlarm', 'SetAlarmState', 'DeleteAlarms'].map(
    (operation): RateLimit => ({ service: 'monitoring', operations: [operation], size: 3, perSecond: 3 }),
  ),
];

/** For actions that change nothing. https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html */
const INSTANCES: RateLimit[] = [{ service: 'ec2', operations: ['DescribeInstances'], size: 100, perSecond: 20 }];
