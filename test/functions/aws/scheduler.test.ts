import type * as Sdk from '@aws-sdk/client-scheduler';
import { operations, ServiceError } from '@nightshift/sandbox/wire';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { scheduleGroup } from '../../../functions/aws/scheduler.ts';
import { startWire, type Wire } from './wire.ts';

const ARN = 'arn:aws-cn:scheduler:cn-north-1:111122223333:schedule/migrations/nightshift-demo';
const SCHEDULE = {
  name: 'nightshift-demo',
  expression: 'at(2026-11-21T02:00:00)',
  timezone: 'America/New_York',
  input: '{"Name":"scheduled-demo"}',
  description: 'Migrates demo',
};
let there: Sdk.GetScheduleOutput | null;
let wire: Wire;

const absent = () => new ServiceError('ResourceNotFoundException', 'Schedule nightshift-demo does not exist.', 404);

beforeAll(async () => {
  wire = await startWire({
    scheduler: operations<typeof Sdk>({
      ListSchedules: ({ NextToken }) =>
        NextToken
          ? { Schedules: [{ Name: 'nightshift-c' }] }
          : {
              Schedules: [
                { Name: 'nightshift-a', LastModificationDate: new Date('2026-11-20T22:00:00.125Z') },
                { Name: 'nightshift-b' },
              ],
              NextToken: 'more',
            },
      GetSchedule() {
        if (!there) throw absent();
        return there;
      },
      CreateSchedule() {
        if (there) throw new ServiceError('ConflictException', 'Schedule nightshift-demo already exists.', 409);
        return { ScheduleArn: ARN };
      },
      UpdateSchedule() {
        if (!there) throw absent();
        return { ScheduleArn: ARN };
      },
      DeleteSchedule() {
        if (!there) throw absent();
        return {};
      },
    }),
  });
});
afterAll(() => wire.close());
beforeEach(() => {
  there = null;
  wire.calls.length = 0;
});

const group = scheduleGroup(() => ({
  group: 'migrations',
  roleArn: 'arn:aws-cn:iam::111122223333:role/nightshift-scheduler',
  deadLetterArn: 'arn:aws-cn:sqs:cn-north-1:111122223333:nightshift-dead-events',
}));

test('the schedules of a group come from all pages, with the time of their last change', async () => {
  expect(await group.list('nightshift-')).toEqual([
    { name: 'nightshift-a', modifiedAt: new Date('2026-11-20T22:00:00.125Z') },
    { name: 'nightshift-b', modifiedAt: null },
    { name: 'nightshift-c', modifiedAt: null },
  ]);
  expect(wire.calls[0]?.input).toEqual({ GroupName: 'migrations', NamePrefix: 'nightshift-', MaxResults: 100 });
});

test('a schedule starts an execution once, at its time, in its partition, and is deleted afterwards', async () => {
  expect(await group.create(SCHEDULE)).toEqual({ created: true });
  expect(wire.calls[0]?.input).toEqual({
    GroupName: 'migrations',
    Name: 'nightshift-demo',
    ClientToken: expect.any(String),
    Description: 'Migrates demo',
    ScheduleExpression: 'at(2026-11-21T02:00:00)',
    ScheduleExpressionTimezone: 'America/New_York',
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: 'DELETE',
    Target: {
      Arn: 'arn:aws-cn:scheduler:::aws-sdk:sfn:startExecution',
      RoleArn: 'arn:aws-cn:iam::111122223333:role/nightshift-scheduler',
      Input: '{"Name":"scheduled-demo"}',
      DeadLetterConfig: { Arn: 'arn:aws-cn:sqs:cn-north-1:111122223333:nightshift-dead-events' },
      RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 20 },
    },
  });
});

test('a schedule that exists is not made again, and one that is gone is neither updated nor found', async () => {
  expect(await group.update(SCHEDULE)).toEqual({ updated: false });
  expect(await group.find('nightshift-demo')).toBeNull();
  await group.delete('nightshift-demo');
  there = { ScheduleExpression: 'rate(1 day)', State: 'DISABLED' };
  expect(await group.create(SCHEDULE)).toEqual({ created: false });
  expect(await group.update(SCHEDULE)).toEqual({ updated: true });
});

test('a schedule that somebody edited is read as it is', async () => {
  there = { ScheduleExpression: 'rate(1 day)', State: 'DISABLED' };
  expect(await group.find('nightshift-demo')).toEqual({
    expression: 'rate(1 day)',
    timezone: 'UTC',
    enabled: false,
    input: '',
    modifiedAt: null,
  });
});
