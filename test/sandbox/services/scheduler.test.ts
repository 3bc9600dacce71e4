import {
  ConflictException,
  ResourceNotFoundException,
  Scheduler,
  ValidationException,
} from '@aws-sdk/client-scheduler';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Schedules } from '../../../sandbox/services/scheduler/schedules.ts';
import { fireTarget } from '../../../sandbox/services/scheduler/target.ts';
import { schedulerService } from '../../../sandbox/services/scheduler.ts';
import { TestRegion } from './region.ts';

const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:rollback-cluster';
const lease = {
  Name: 'nightshift-lease-demo',
  ScheduleExpression: 'at(2026-11-22T02:00:00)',
  FlexibleTimeWindow: { Mode: 'OFF' },
  Target: {
    Arn: 'arn:aws:scheduler:::aws-sdk:sfn:startExecution',
    RoleArn: 'arn:aws:iam::111122223333:role/nightshift-scheduler',
    Input: JSON.stringify({ StateMachineArn: MACHINE, Input: '{"cluster":"demo"}' }),
  },
  ActionAfterCompletion: 'DELETE',
} as const;

let world: TestRegion;
let client: Scheduler;
let schedules: Schedules;
let started: unknown[];
beforeEach(async () => {
  world = new TestRegion();
  started = [];
  schedules = new Schedules(world.region, fireTarget(world.dispatcher));
  world.dispatcher.register('scheduler', schedulerService(world.region, schedules));
  world.dispatcher.register('states', {
    StartExecution: async (input, { principal }) => {
      started.push({ input, principal, at: world.clock.now().toISOString() });
      return { executionArn: `${MACHINE}:1`, startDate: world.clock.now() };
    },
  });
  client = new Scheduler(await world.listen());
});
afterEach(() => world.close());

test('a lease is a lock: a second CreateSchedule of the name is a conflict until it is deleted', async () => {
  await world.frozen(async () => {
    const { ScheduleArn } = await client.createSchedule(lease);
    expect(ScheduleArn).toBe('arn:aws:scheduler:us-east-1:111122223333:schedule/default/nightshift-lease-demo');
    await expect(client.createSchedule(lease)).rejects.toThrow(ConflictException);
    expect(schedules.list().map(({ name }) => name)).toEqual(['nightshift-lease-demo']);
    await client.deleteSchedule({ Name: lease.Name });
    await expect(client.deleteSchedule({ Name: lease.Name })).rejects.toThrow(ResourceNotFoundException);
    await client.createSchedule(lease);
  });
});

test('the same client token creates one schedule, not a conflict', async () => {
  await world.frozen(async () => {
    await client.createSchedule({ ...lease, ClientToken: 'execution-1' });
    await client.createSchedule({ ...lease, ClientToken: 'execution-1' });
    await expect(client.createSchedule({ ...lease, ClientToken: 'execution-2' })).rejects.toThrow(ConflictException);
  });
});

test('an at() fires at its moment as the scheduler and is deleted then', async () => {
  await client.createSchedule(lease);
  await world.clock.sleep(5 * 3_600_000);
  expect(started).toEqual([
    {
      input: { stateMachineArn: MACHINE, input: '{"cluster":"demo"}' },
      principal: 'scheduler',
      at: '2026-11-22T02:00:00.000Z',
    },
  ]);
  expect(schedules.list()).toEqual([]);
  expect(world.clockErrors).toEqual([]);
});

test('an at() is local time in its zone', async () => {
  await client.createSchedule({
    ...lease,
    ScheduleExpressionTimezone: 'America/New_York',
    ActionAfterCompletion: 'NONE',
  });
  await world.clock.sleep(12 * 3_600_000);
  expect(started).toMatchObject([{ at: '2026-11-22T07:00:00.000Z' }]);
  expect((await client.getSchedule({ Name: lease.Name })).ScheduleExpressionTimezone).toBe('America/New_York');
});

test('a deleted or disabled schedule does not fire, an updated one fires at its new moment', async () => {
  await world.frozen(async () => {
    for (const Name of ['deleted', 'disabled', 'updated']) await client.createSchedule({ ...lease, Name });
    await client.deleteSchedule({ Name: 'deleted' });
    await client.updateSchedule({ ...lease, Name: 'disabled', State: 'DISABLED' });
    await client.updateSchedule({ ...lease, Name: 'updated', ScheduleExpression: 'at(2026-11-22T03:00:00)' });
  });
  await world.clock.sleep(12 * 3_600_000);
  expect(started).toMatchObject([{ at: '2026-11-22T03:00:00.000Z' }]);
  expect(schedules.list().map(({ name }) => name)).toEqual(['disabled']);
});

test('names, expressions, zones and targets follow AWS’s rules', async () => {
  const create = (input: object) => client.createSchedule({ ...lease, ...input });
  await expect(create({ Name: 'n'.repeat(65) })).rejects.toThrow(ValidationException);
  await expect(create({ ScheduleExpression: 'at(tomorrow)' })).rejects.toThrow(
    'Invalid Schedule Expression at(tomorrow)',
  );
  await expect(create({ ScheduleExpression: 'rate(0 hours)' })).rejects.toThrow(ValidationException);
  await expect(create({ ScheduleExpressionTimezone: 'Mars/Olympus' })).rejects.toThrow('Invalid timezone Mars/Olympus');
  await expect(create({ FlexibleTimeWindow: { Mode: 'FLEXIBLE' } })).rejects.toThrow('MaximumWindowInMinutes');
  await expect(create({ Target: { ...lease.Target, RoleArn: 'role' } })).rejects.toThrow('RoleArn');
  await expect(create({ GroupName: 'nowhere' })).rejects.toThrow(ResourceNotFoundException);
  await create({ Name: 'weekly', ScheduleExpression: 'cron(0 22 ? * SAT *)' });
  await create({ Name: 'often', ScheduleExpression: 'rate(5 minutes)' });
  const { Schedules: listed } = await client.listSchedules({ NamePrefix: 'w' });
  expect(listed?.map(({ Name }) => Name)).toEqual(['weekly']);
});

test('a group’s schedules go with it', async () => {
  await client.createScheduleGroup({ Name: 'nightshift' });
  await client.createSchedule({ ...lease, GroupName: 'nightshift', ScheduleExpression: 'rate(1 day)' });
  expect((await client.listSchedules({ GroupName: 'nightshift' })).Schedules).toHaveLength(1);
  await client.deleteScheduleGroup({ Name: 'nightshift' });
  expect(schedules.list()).toEqual([]);
});
