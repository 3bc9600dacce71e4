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

/** The alarms that page a person. Each fires at the first occurrence, and its description says where to look. */
export class Alarms extends Construct {
  readonly alarms: Alarm[] = [];
  private readonly topic: Topic;

  constructor(scope: Construct, id: string, options: { topic: Topic; queue: Queue; functions: Functions }) {
    super(scope, id);
    const { topic, queue, functions } = options;
    this.topic = topic;
    this.ring('rollback-failed', ownMetric('nightshift.RollbackFailed'), {
      alarmDescription:
        'A rollback failed: the cluster may run two modes. See docs/operations.md, RollbackFailed, at once.',
    });
    this.ring('recovery-started', matches('recovery-started'), {
      alarmDescription:
        'An execution ended without recording its outcome or held its lease too long, and a recovery began. Check how it ends.',
    });
    this.ring('dead-events', queue.metricApproximateNumberOfMessagesVisible({ period: EVERY, statistic: 'Maximum' }), {
      alarmDescription: `An event or a schedule was not delivered. Read the queue ${names.deadEvents}.`,
    });
    for (const handler of functions.asynchronous)
      this.ring(`${handler}-errors`, functions.get(handler).metricErrors({ period: EVERY }), {
        alarmDescription: `${names.function(handler)} failed, and no caller waits for its answer. Read its log.`,
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

/** The number of events that matched a rule. */
function matches(rule: string): Metric {
  return new Metric({
    namespace: 'AWS/Events',
    metricName: 'MatchedEvents',
    dimensionsMap: { RuleName: names.rule(rule) },
    statistic: 'Sum',
    period: EVERY,
  });
}
