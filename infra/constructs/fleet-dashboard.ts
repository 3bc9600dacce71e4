import { Duration } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  Metric,
  SingleValueWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { arns } from '../names.ts';
import { ownMetric } from './alarms.ts';

const DAY = Duration.days(1);
const HOUR = Duration.hours(1);

const ENDINGS: readonly [metric: string, label: string][] = [
  ['nightshift.MigrationSucceeded', 'succeeded'],
  ['nightshift.MigrationRefused', 'refused'],
  ['nightshift.MigrationFailed', 'failed'],
  ['nightshift.MigrationRolledBack', 'rolled back'],
  ['nightshift.RollbackFailed', 'rollback failed'],
];

/** The clusters by the last sweep: schedule-migrations counts them every day. */
const CLUSTERS: readonly [metric: string, label: string][] = [
  ['ClustersCompliant', 'at the target'],
  ['ClustersDue', 'to be migrated'],
  ['ClustersRefused', 'refused by a tag'],
  ['ClustersNotEnrolled', 'not enrolled'],
];

/** The fleet on one page: clusters, endings, nodes without a proof, duration of migrations. */
export class FleetDashboard extends Construct {
  constructor(scope: Construct, id: string, alarms: Alarm[]) {
    super(scope, id);
    const own = (metrics: typeof ENDINGS, statistic: string) =>
      metrics.map(([name, label]) => ownMetric(name, statistic, DAY).with({ label }));
    new Dashboard(this, 'Dashboard', {
      dashboardName: 'nightshift',
      defaultInterval: Duration.days(14),
      widgets: [
        [new TextWidget({ markdown: '# nightshift\nRunbook: `docs/operations.md`.', width: 6, height: 3 })],
        [new AlarmStatusWidget({ title: 'Alarms', alarms, width: 24, height: 4 })],
        [
          new SingleValueWidget({ title: 'Clusters', metrics: own(CLUSTERS, 'Maximum'), width: 12, height: 4 }),
          new SingleValueWidget({
            title: 'Nodes without a proof, last day',
            metrics: own(
              [
                ['validate.failed', 'not proven'],
                ['prepare.failed', 'not prepared'],
              ],
              'Sum',
            ),
            width: 12,
            height: 4,
          }),
        ],
        [
          new GraphWidget({ title: 'Migrations by ending', left: own(ENDINGS, 'Sum'), stacked: true, width: 12 }),
          new GraphWidget({ title: 'Time that executions take', left: executionTimes(), width: 12 }),
        ],
      ],
    });
  }
}

/** The duration of executions, which includes the wait for the window: an upper bound of the time in the window. */
function executionTimes(): Metric[] {
  return ['migrate-cluster', 'rollback-cluster'].map(
    (machine) =>
      new Metric({
        namespace: 'AWS/States',
        metricName: 'ExecutionTime',
        dimensionsMap: { StateMachineArn: arns.stateMachine(machine) },
        statistic: 'Maximum',
        period: HOUR,
        label: machine,
      }),
  );
}
