import { Duration } from 'aws-cdk-lib';
import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { Topic } from 'aws-cdk-lib/aws-sns';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { names } from '../names.ts';
import type { Functions } from './functions.ts';
import { policyOfTopic } from './notifications.ts';

const EVERY = Duration.minutes(5);

/** One of the metrics that the functions write into their logs. */
export function ownMetric(metricName: string, statistic = 'Sum', period = EVERY): Metric {
  return new Metric({
    namespace: 'nightshift',
    metricName,
    dimensionsMap: { service: 'nightshift' },
    statistic,
    period,
  });
}

/** What wakes somebody up: each alarm rings at the first occurrence, and its text says where to look. */
export class Alarms extends Construct {
  readonly alarms: Alarm[] = [];
  private readonly topic: Topic;

  constructor(scope: Construct, id: string, options: { topic: Topic; queue: Queue; functions: Functions }) {
    super(scope, id);
    const { topic, queue, functions } = options;
    this.topic = topic;
    this.ring('rollback-failed', ownMetric('nightshift.RollbackFailed'), {
      alarmDescription:
        'A cluster could be brought neither to the target nor back. See docs/operations.md, RollbackFailed, at once.',
    });
    this.ring('recovery-started', matches('recovery-started'), {
      alarmDescription:
        'An execution ended without a word or held its lease too long, and a recovery began. See that it comes to its end.',
    });
    this.ring('dead-events', queue.metricApproximateNumberOfMessagesVisible({ period: EVERY, statistic: 'Maximum' }), {
      alarmDescription: `An event or a schedule reached nobody. Read the queue ${names.deadEvents}.`,
    });
    for (const handler of functions.asynchronous)
      this.ring(`${handler}-errors`, functions.get(handler).metricErrors({ period: EVERY }), {
        alarmDescription: `${names.function(handler)} failed, and nobody waits for its answer. Read its log.`,
      });
  }

  private ring(name: string, metric: IMetric, props: Pick<AlarmProps, 'alarmDescription'>): void {
    const alarm = new Alarm(this, name, {
      ...props,
      alarmName: `nightshift-${name}`,
      metric,
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.node.addDependency(policyOfTopic(this.topic));
    this.alarms.push(alarm);
  }
}

/** How often a rule found an event. */
function matches(rule: string): Metric {
  return new Metric({
    namespace: 'AWS/Events',
    metricName: 'MatchedEvents',
    dimensionsMap: { RuleName: names.rule(rule) },
    statistic: 'Sum',
    period: EVERY,
  });
}
