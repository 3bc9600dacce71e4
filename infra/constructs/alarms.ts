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

/**
 * The alarms. Each rings at the first occurrence, and its description says where to look. Most page a person; those that
 * only stop a release have no action, because the rules of Notifications already report what they count.
 */
export class Alarms extends Construct {
  readonly alarms: Alarm[] = [];
  /** The alarms that stop the release of a new version of the workflow, by name. */
  readonly stopRelease = new Map<string, Alarm>();
  private readonly topic: Topic;

  constructor(scope: Construct, id: string, options: { topic: Topic; queue: Queue; functions: Functions }) {
    super(scope, id);
    const { topic, queue, functions } = options;
    this.topic = topic;
    const rollbackFailed = this.page('rollback-failed', ownMetric('nightshift.RollbackFailed'), {
      alarmDescription:
        'A rollback failed: the cluster may run two modes. See docs/operations.md, RollbackFailed, at once.',
    });
    const recoveryStarted = this.page('recovery-started', matches('recovery-started'), {
      alarmDescription:
        'An execution ended without recording its outcome or held its lease too long, and a recovery began. Check how it ends.',
    });
    this.page('dead-events', queue.metricApproximateNumberOfMessagesVisible({ period: EVERY, statistic: 'Maximum' }), {
      alarmDescription: `An event or a schedule was not delivered. Read the queue ${names.deadEvents}.`,
    });
    for (const handler of functions.asynchronous)
      this.page(`${handler}-errors`, functions.get(handler).metricErrors({ period: EVERY }), {
        alarmDescription: `${names.function(handler)} failed, and no caller waits for its answer. Read its log.`,
      });
    this.stopRelease.set('rollback-failed', rollbackFailed).set('recovery-started', recoveryStarted);
    const alone = (name: string, metric: IMetric, alarmDescription: string) =>
      this.stopRelease.set(name, this.ring(name, metric, { alarmDescription }));
    alone('failures', matches('failures'), 'A migration failed, or was rolled back. Read its notification.');
    // An outcome that cannot be recorded causes no event.
    const recorder = functions.get('record-outcome').metricErrors({ period: EVERY });
    alone('record-outcome-errors', recorder, `${names.function('record-outcome')} failed. Read its log.`);
  }

  /** An alarm that notifies people, too. */
  private page(name: string, metric: IMetric, props: Pick<AlarmProps, 'alarmDescription'>): Alarm {
    const alarm = this.ring(name, metric, props);
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.node.addDependency(policyOfTopic(this.topic));
    return alarm;
  }

  private ring(name: string, metric: IMetric, props: Pick<AlarmProps, 'alarmDescription'>): Alarm {
    const alarm = new Alarm(this, name, {
      ...props,
      alarmName: names.alarm(name),
      metric,
      threshold: 1,
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
    this.alarms.push(alarm);
    return alarm;
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
