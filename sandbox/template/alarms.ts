import type { InstallOptions } from '../installation.ts';
import type { Messaging } from '../messaging.ts';
import type { AlarmState } from '../services/monitoring/alarms.ts';
import { asRecord } from '../wire/check.ts';
import type { Properties } from './identities.ts';
import type { Stack } from './stack.ts';

/** A metric's value now, by its dimension; undefined where the sandbox does not have it. */
type Metric = (messaging: Messaging, dimension: string) => number | undefined;

const METRICS: Readonly<Record<string, Metric>> = {
  'AWS/SQS ApproximateNumberOfMessagesVisible': ({ queues }, name) => {
    const queue = queues.lookup(name);
    return queue && queues.visible(queue).length;
  },
  // Since the world began: the sandbox has no periods.
  'AWS/Events MatchedEvents': ({ buses, rules }, name) => {
    const [rule] = rules.list('default').filter((each) => each.name === name);
    return rule && buses.events.filter(({ bus, event }) => bus === rule.bus && rule.matches(event)).length;
  },
  // Of asynchronous invocations, since the world began.
  'AWS/Lambda Errors': ({ invocations }, name) => invocations.failures(name),
};

const COMPARE: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  GreaterThanThreshold: (value, threshold) => value > threshold,
};

/**
 * Names of the template's alarms that would ring now, of those on what the sandbox measures: messages that wait in a
 * queue, events that matched a rule, and asynchronous invocations that failed.
 */
export function ringingAlarms(stack: Stack, messaging: Messaging): string[] {
  return stack
    .all('AWS::CloudWatch::Alarm')
    .filter(({ properties }) => isRinging(properties, messaging))
    .map(({ name }) => name);
}

/** Makes the template's alarms CloudWatch's. */
export function installAlarms(stack: Stack, { alarms, messaging }: InstallOptions): void {
  for (const { name, properties } of stack.all('AWS::CloudWatch::Alarm')) {
    const { AlarmName: _name, Tags: _tags, ...configuration } = properties;
    alarms.follow(name, configuration, () => measuredState(properties, messaging));
  }
}

/** Of an alarm on what the sandbox does not measure, data is always missing. */
function measuredState(properties: Properties, messaging: Messaging): AlarmState {
  const value = measure(properties, messaging);
  if (value === undefined) return missing(properties['TreatMissingData']);
  const { ComparisonOperator: operator, Threshold: threshold } = properties;
  const ringing = isRinging(properties, messaging);
  const reason = `Threshold Crossed: 1 datapoint [${value}] was ${ringing ? '' : 'not '}${String(operator)} (${String(threshold)}).`;
  return { value: ringing ? 'ALARM' : 'OK', reason };
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html */
function missing(treatment: unknown): AlarmState {
  const reason = `no datapoints were received and missing data is treated as ${String(treatment ?? 'missing')}`;
  if (treatment === 'notBreaching') return { value: 'OK', reason };
  return { value: treatment === 'breaching' ? 'ALARM' : 'INSUFFICIENT_DATA', reason };
}

function measure({ Namespace, MetricName, Dimensions }: Properties, messaging: Messaging): number | undefined {
  const [dimension, ...others]: unknown[] = Array.isArray(Dimensions) ? Dimensions : [];
  const name = asRecord(dimension)['Value'];
  const metric = METRICS[`${String(Namespace)} ${String(MetricName)}`];
  return metric && others.length === 0 && typeof name === 'string' ? metric(messaging, name) : undefined;
}

function isRinging(properties: Properties, messaging: Messaging): boolean {
  const value = measure(properties, messaging);
  const { ComparisonOperator, Threshold } = properties;
  return value !== undefined && COMPARE[String(ComparisonOperator)]?.(value, Number(Threshold)) === true;
}
