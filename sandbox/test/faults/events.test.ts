import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Faults } from '../../faults.ts';
import { openMessaging } from '../../messaging.ts';
import type { ApiCall, Region } from '../../region.ts';
import { StatusChanges } from '../../services/events/status-changes.ts';
import { StepFunctions } from '../../step-functions/engine.ts';
import { START, TestRegion } from '../services/region.ts';

interface StatusEvent {
  readonly detail: { readonly status: string };
}

let world: TestRegion;
let calls: ApiCall[];
let heard: { status: string; second: number }[];
let events: StatusEvent[];
let failures: number;
let faults: Faults;
let engine: StepFunctions;

/** Step Functions that sends every status change to this test. */
beforeEach(() => {
  world = new TestRegion();
  calls = [];
  heard = [];
  events = [];
  failures = 0;
  const { region, dispatcher } = world;
  faults = new Faults(region, {
    clock: world.clock,
    random: region.random,
    calls,
    documents: [],
    stepFunctions: () => engine,
    join: () => undefined,
    others: { region, calls, call: (call) => dispatcher.call(call), schedules: () => [], leaseName: (name) => name },
  });
  const arn = 'arn:aws:lambda:us-east-1:111122223333:function:on-execution-ended';
  const { buses, rules } = openMessaging({
    region,
    calls,
    dispatcher,
    endpoint: 'http://127.0.0.1',
    findFunction: () => ({ arn, bundle: '', environment: {}, memory: 128, timeout: 1 }),
    invoke: async (_, event) => listen(region, event),
  });
  rules.put({ name: 'ended', bus: 'default', pattern: '{"source":["aws.states"]}', enabled: true });
  rules.putTargets('default', 'ended', [{ Id: 'function', Arn: arn }]);
  const changes = new StatusChanges({
    region,
    put: (event, milliseconds) => buses.put('default', event, milliseconds),
    fault: (status) => faults.event(status),
  });
  engine = new StepFunctions({
    region,
    invokeFunction: async () => ({ payload: null }),
    callService: async () => ({}),
    publish: async () => undefined,
    onStatusChange: (execution) => changes.announce(execution),
  });
});
afterEach(() => world.close());

async function listen(region: Region, event: unknown) {
  if (!isStatusEvent(event)) throw new Error('no status event');
  events.push(event);
  const second = (region.clock.now().getTime() - START.getTime()) / 1000;
  heard.push({ status: event.detail.status, second });
  if (failures-- > 0) return { error: { errorType: 'Oops', errorMessage: 'oops', trace: [] } };
  return { payload: null };
}

function isStatusEvent(event: unknown): event is StatusEvent {
  return typeof event === 'object' && event !== null && 'detail' in event;
}

/** An execution of one minute; `abort` seconds after its start it is stopped. */
async function run(abort?: number) {
  const definition = JSON.stringify({
    QueryLanguage: 'JSONata',
    StartAt: 'Pause',
    States: { Pause: { Type: 'Wait', Seconds: 60, End: true } },
  });
  const machine = engine.register({ name: 'pausing', definition, roleArn: 'arn:aws:iam::111122223333:role/pausing' });
  const execution = engine.start(machine, 'one', { cluster: 'demo' });
  if (abort !== undefined)
    world.clock.at(new Date(START.getTime() + abort * 1000), () => engine.stop(execution, undefined, 'enough'));
  await world.clock.idle();
}

test('every status change is published half a second later, in the form of EventBridge', async () => {
  await run(30);
  expect(heard).toEqual([
    { status: 'RUNNING', second: 0.5 },
    { status: 'ABORTED', second: 30.5 },
  ]);
  expect(events[1]).toEqual({
    version: '0',
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account: '111122223333',
    time: '2026-11-21T22:00:30Z',
    region: 'us-east-1',
    resources: ['arn:aws:states:us-east-1:111122223333:execution:pausing:one'],
    detail: {
      executionArn: 'arn:aws:states:us-east-1:111122223333:execution:pausing:one',
      stateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:pausing',
      name: 'one',
      status: 'ABORTED',
      startDate: 1795298400000,
      stopDate: 1795298430000,
      input: '{"cluster":"demo"}',
      inputDetails: { included: true },
      output: null,
      outputDetails: null,
      error: null,
      cause: 'enough',
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      redriveCount: 0,
      redriveDate: null,
      redriveStatus: 'NOT_REDRIVABLE',
      redriveStatusReason: 'Execution is ABORTED and cannot be redriven',
    },
  });
  expect(calls).toMatchObject([
    { service: 'lambda', operation: 'Invoke', principal: 'events', input: { FunctionName: 'on-execution-ended' } },
    { service: 'lambda', operation: 'Invoke', principal: 'events' },
  ]);
});

describe('a function that fails', () => {
  test('is invoked again after one minute and after two more', async () => {
    failures = 2;
    await faults.add([{ events: 'lost', status: 'RUNNING' }]);
    await run(30);
    expect(heard.map(({ second }) => second)).toEqual([30.5, 90.5, 210.5]);
    expect(calls.map(({ error }) => error)).toEqual(['Oops', 'Oops', undefined]);
  });

  test('is given up after that', async () => {
    failures = 9;
    await faults.add([{ events: 'lost', status: 'RUNNING' }]);
    await run(30);
    expect(heard).toHaveLength(3);
  });
});

describe('an event', () => {
  test('comes twice, with one id', async () => {
    await faults.add([{ events: 'twice', status: 'ABORTED' }]);
    await run(30);
    expect(heard.map(({ status }) => status)).toEqual(['RUNNING', 'ABORTED', 'ABORTED']);
    expect(events[1]).toEqual(events[2]);
  });

  test('is lost', async () => {
    await faults.add([{ events: 'lost', status: 'SUCCEEDED' }]);
    await run();
    expect(heard.map(({ status }) => status)).toEqual(['RUNNING']);
  });

  test('of the start is overtaken by that of the end', async () => {
    await faults.add([{ events: 'out-of-order' }]);
    await run(30);
    expect(heard.map(({ status }) => status)).toEqual(['ABORTED', 'RUNNING']);
  });

  test('of the end comes ten minutes late', async () => {
    await faults.add([{ events: 'out-of-order', status: 'SUCCEEDED' }]);
    await run();
    expect(heard).toEqual([
      { status: 'RUNNING', second: 0.5 },
      { status: 'SUCCEEDED', second: 660 },
    ]);
  });
});
