import {
  ConflictException,
  ResourceNotFoundException,
  Scheduler,
  ValidationException,
} from '@aws-sdk/client-scheduler';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Messaging, openMessaging } from '../../messaging.ts';
import { MOST_RECURRENCES, Schedules } from '../../services/scheduler/schedules.ts';
import { fireTarget } from '../../services/scheduler/target.ts';
import { schedulerService } from '../../services/scheduler.ts';
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

const ROLE = 'arn:aws:iam::111122223333:role/nightshift-scheduler';
const SWEEP_ARN = 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-sweep';
const SWEEP = { arn: SWEEP_ARN, bundle: '', environment: {}, memory: 128, timeout: 1 };
const sweep = {
  Name: 'sweep',
  FlexibleTimeWindow: { Mode: 'OFF' },
  Target: { Arn: SWEEP_ARN, RoleArn: ROLE, Input: '{"kind":"sweep"}' },
} as const;

let world: TestRegion;
let client: Scheduler;
let schedules: Schedules;
let started: unknown[];
let invoked: { event: unknown; at: string }[];
let messaging: Messaging;
beforeEach(async () => {
  world = new TestRegion();
  started = [];
  invoked = [];
  const { region, dispatcher, calls } = world;
  messaging = openMessaging({
    region,
    calls,
    dispatcher,
    endpoint: 'http://127.0.0.1',
    findFunction: (name) => (name === 'nightshift-sweep' ? SWEEP : undefined),
    invoke: (_, event) => {
      invoked.push({ event, at: world.clock.now().toISOString() });
      return Promise.resolve({ payload: null });
    },
  });
  schedules = new Schedules(region, fireTarget({ region, dispatcher, ...messaging }));
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

test('an at() fires at its moment as its role and is deleted then', async () => {
  await client.createSchedule(lease);
  await world.clock.sleep(5 * 3_600_000);
  expect(started).toEqual([
    {
      input: { stateMachineArn: MACHINE, input: '{"cluster":"demo"}' },
      principal: 'nightshift-scheduler',
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

test('a rate() fires while something else lets time go on, and alone lets it come to rest', async () => {
  await client.createSchedule({ ...sweep, ScheduleExpression: 'rate(1 day)' });
  await world.clock.idle();
  expect(invoked).toEqual([]);
  await world.clock.sleep(60 * 3_600_000);
  expect(invoked).toEqual([
    { event: { kind: 'sweep' }, at: '2026-11-22T22:00:00.000Z' },
    { event: { kind: 'sweep' }, at: '2026-11-23T22:00:00.000Z' },
  ]);
});

test('a cron() fires at its local times, between its start and its end', async () => {
  await client.createSchedule({
    ...sweep,
    ScheduleExpression: 'cron(30 3 * * ? *)',
    ScheduleExpressionTimezone: 'Europe/Berlin',
    StartDate: new Date('2026-11-23T00:00:00Z'),
    EndDate: new Date('2026-11-25T00:00:00Z'),
  });
  await world.clock.skip(14 * 86_400_000);
  expect(invoked.map(({ at }) => at)).toEqual(['2026-11-23T02:30:00.000Z', '2026-11-24T02:30:00.000Z']);
});

test('a schedule that recurs every minute does not keep a skipped month busy', async () => {
  await client.createSchedule({ ...sweep, ScheduleExpression: 'rate(1 minute)' });
  await world.clock.skip(30 * 86_400_000);
  expect(invoked).toHaveLength(MOST_RECURRENCES);
});

test('a target that is gone gets no second try: its input goes to the dead-letter queue', async () => {
  const queue = messaging.queues.create('dead');
  const Target = {
    Arn: `${SWEEP_ARN}er`,
    RoleArn: ROLE,
    Input: '{"kind":"sweep"}',
    DeadLetterConfig: { Arn: queue.arn },
  };
  await client.createSchedule({ ...sweep, ScheduleExpression: 'at(2026-11-22T02:00:00)', Target });
  await world.clock.idle();
  expect(queue.messages).toMatchObject([
    {
      body: '{"kind":"sweep"}',
      sender: 'arn:aws:sts::111122223333:assumed-role/nightshift-scheduler/scheduler',
      sentAt: new Date('2026-11-22T02:00:00Z'),
      attributes: {
        ERROR_CODE: { StringValue: 'ResourceNotFoundException' },
        RETRY_ATTEMPTS: { StringValue: '0' },
        TARGET_ARN: { StringValue: 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-sweeper' },
      },
    },
  ]);
  expect(world.clockErrors).toEqual([]);
});

test('a throttled target is retried as often as the policy allows', async () => {
  const queue = messaging.queues.create('dead');
  world.faults.add([
    { on: { service: 'states', operation: 'StartExecution' }, error: 'ThrottlingException', times: 9 },
  ]);
  const Target = { ...lease.Target, DeadLetterConfig: { Arn: queue.arn }, RetryPolicy: { MaximumRetryAttempts: 2 } };
  await client.createSchedule({ ...lease, Target });
  await world.clock.idle();
  const tries = world.calls.filter(({ operation }) => operation === 'StartExecution');
  expect(tries.map(({ at, error }) => [at, error])).toEqual([
    ['2026-11-22T02:00:00.000Z', 'ThrottlingException'],
    ['2026-11-22T02:01:00.000Z', 'ThrottlingException'],
    ['2026-11-22T02:03:00.000Z', 'ThrottlingException'],
  ]);
  expect(queue.messages[0]?.attributes).toMatchObject({
    EXHAUSTED_RETRY_CONDITION: { StringValue: 'MaximumRetryAttempts' },
    RETRY_ATTEMPTS: { StringValue: '2' },
  });
});

test('without a queue, an execution that exists already is ignored and any other refusal is an error', async () => {
  const start = { service: 'states', operation: 'StartExecution' };
  world.faults.add([{ on: start, error: 'ExecutionAlreadyExists' }]);
  await client.createSchedule(lease);
  await world.clock.idle();
  expect(world.clockErrors).toEqual([]);
  world.faults.add([{ on: start, error: 'StateMachineDoesNotExist' }]);
  await client.createSchedule(lease);
  await world.clock.idle();
  expect(world.clockErrors).toMatchObject([{ name: 'StateMachineDoesNotExist' }]);
  world.clockErrors.length = 0;
});
