import type { Messaging } from '../messaging.ts';
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

function isRinging(
  { Namespace, MetricName, Dimensions, ComparisonOperator, Threshold }: Properties,
  messaging: Messaging,
) {
  const [dimension, ...others]: unknown[] = Array.isArray(Dimensions) ? Dimensions : [];
  const name = asRecord(dimension)['Value'];
  const metric = METRICS[`${String(Namespace)} ${String(MetricName)}`];
  if (!metric || others.length > 0 || typeof name !== 'string') return false;
  const value = metric(messaging, name);
  return value !== undefined && COMPARE[String(ComparisonOperator)]?.(value, Number(Threshold)) === true;
}
