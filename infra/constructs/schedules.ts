import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import { Construct } from 'constructs';
import { arns } from '../names.ts';
import { groups } from '../naming.ts';
import * as executions from '../permissions/executions.ts';
import type { DeadEvents } from './dead-events.ts';
import type { Functions } from './functions.ts';
import { roleFor } from './role.ts';

/** The functions that a schedule starts every day. */
export const SWEEPS = ['schedule-migrations', 'sweep-executions'] as const;

/** The schedule groups, the roles that their schedules use, and the two daily sweeps. */
export class Schedules extends Construct {
  constructor(scope: Construct, id: string, options: { functions: Functions; deadEvents: DeadEvents }) {
    super(scope, id);
    const { functions, deadEvents } = options;
    for (const name of [groups.leases, groups.migrations]) new CfnScheduleGroup(this, name, { name });
    const sweeps = new CfnScheduleGroup(this, groups.sweeps, { name: groups.sweeps });
    roleFor(new Construct(this, 'Scheduler'), 'scheduler', {
      assumedBy: scheduledBy(groups.leases, groups.migrations),
      description: 'The role with which leases and planned migrations start executions',
      permissions: [executions.startMigrations, executions.startRollbacks, executions.sendToDeadEvents],
    });
    const role = roleFor(new Construct(this, 'Sweeper'), 'sweeper', {
      assumedBy: scheduledBy(groups.sweeps),
      description: 'The role with which EventBridge Scheduler starts the daily sweeps',
      permissions: [executions.runSweeps, executions.sendToDeadEvents],
    });
    for (const handler of SWEEPS) {
      const schedule = new CfnSchedule(this, handler, {
        name: `nightshift-${handler}`,
        groupName: sweeps.ref,
        description: 'Runs every day, in case an event never came',
        scheduleExpression: 'rate(1 day)',
        flexibleTimeWindow: { mode: 'FLEXIBLE', maximumWindowInMinutes: 15 },
        target: {
          arn: functions.get(handler).functionArn,
          roleArn: role.roleArn,
          input: JSON.stringify({ kind: 'sweep' }),
          deadLetterConfig: { arn: arns.deadEvents },
          retryPolicy: { maximumRetryAttempts: 10, maximumEventAgeInSeconds: 3600 },
        },
      });
      schedule.node.addDependency(deadEvents);
    }
  }
}

function scheduledBy(...scheduleGroups: string[]): ServicePrincipal {
  return new ServicePrincipal('scheduler.amazonaws.com', { conditions: executions.scheduledBy(...scheduleGroups) });
}
