import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { NOTHING, PAUSE, Scene, task } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
beforeEach(() => scene.load());
afterEach(() => expect(scene.bugs).toEqual([]));
afterAll(() => scene.stop());

const path = async (executionArn: string) => {
  const { events = [] } = await scene.sfn.getExecutionHistory({ executionArn });
  return events.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []);
};

describe('an execution', () => {
  test('is aborted when it enters the state, before the state does anything', async () => {
    const machine = await scene.machine('listing', { First: NOTHING, List: task('aws-sdk:eks:listClusters', {}) });
    await scene.arm({ at: 'List', execution: 'abort' });
    const { status, executionArn = '' } = await scene.run(machine);
    expect(status).toBe('ABORTED');
    expect(await path(executionArn)).toEqual(['First', 'List']);
    expect(scene.calls.filter(({ operation }) => operation === 'ListClusters')).toEqual([]);
    expect(scene.calls.find(({ operation }) => operation === 'StopExecution')).toMatchObject({ principal: 'person' });
    expect((await scene.run(machine, 'second')).status).toBe('SUCCEEDED');
  });

  test('is aborted in the middle of a state', async () => {
    const machine = await scene.machine('pausing', { Pause: PAUSE });
    await scene.arm({ at: 'Pause', after: 20, execution: 'abort' });
    const { status, startDate, stopDate } = await scene.run(machine);
    expect(status).toBe('ABORTED');
    expect((stopDate?.getTime() ?? 0) - (startDate?.getTime() ?? 0)).toBe(20_000);
  });

  test('that is a child of a distributed Map is aborted alone, at a state inside the Map', async () => {
    const Each = {
      Type: 'Map',
      Label: 'Each',
      Items: [1, 2],
      MaxConcurrency: 1,
      ToleratedFailurePercentage: 0,
      ItemProcessor: {
        ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
        StartAt: 'Inside',
        States: { Inside: { ...PAUSE, End: true } },
      },
    };
    const machine = await scene.machine('fleet', { Each });
    await scene.arm({ at: 'Inside', machine: 'fleet', execution: 'abort' });
    const { executionArn } = await scene.run(machine);
    const [mapRun] = (await scene.sfn.listMapRuns({ executionArn })).mapRuns ?? [];
    const { executions = [] } = await scene.sfn.listExecutions({ mapRunArn: mapRun?.mapRunArn });
    expect(executions.map(({ status }) => status)).toEqual(['SUCCEEDED', 'ABORTED']);
  });

  test('gets a double with the same input under another name, once', async () => {
    const machine = await scene.machine('pausing', { Pause: PAUSE });
    await scene.arm({ at: 'Pause', execution: 'duplicate' });
    await scene.run(machine);
    await scene.idle();
    const { executions = [] } = await scene.sfn.listExecutions({ stateMachineArn: machine });
    expect(executions.map(({ name, status }) => [name, status])).toEqual([
      ['first-again-2', 'SUCCEEDED'],
      ['first', 'SUCCEEDED'],
    ]);
    const { input } = await scene.sfn.describeExecution({ executionArn: executions[0]?.executionArn });
    expect(input).toBe('{"cluster":"demo"}');
  });

  test('meets a fault at its nth visit to a state, and in the machine that is meant', async () => {
    const loop = {
      QueryLanguage: 'JSONata',
      StartAt: 'Init',
      States: {
        Init: { Type: 'Pass', Assign: { n: 0 }, Next: 'Poll' },
        Poll: { Type: 'Pass', Assign: { n: '{% $n + 1 %}' }, Next: 'Done' },
        Done: { Type: 'Choice', Choices: [{ Condition: '{% $n < 5 %}', Next: 'Poll' }], Default: 'End' },
        End: { Type: 'Succeed' },
      },
    };
    const create = (name: string) =>
      scene.sfn.createStateMachine({
        name,
        definition: JSON.stringify(loop),
        roleArn: 'arn:aws:iam::111122223333:role/loop',
      });
    const [{ stateMachineArn: other = '' }, { stateMachineArn: meant = '' }] = [
      await create('other'),
      await create('meant'),
    ];
    await scene.arm({ at: 'Poll', machine: 'meant', visit: 3, execution: 'abort' });
    expect((await scene.run(other)).status).toBe('SUCCEEDED');
    const { status, executionArn = '' } = await scene.run(meant);
    expect(status).toBe('ABORTED');
    expect((await path(executionArn)).filter((name) => name === 'Poll')).toHaveLength(3);
  });

  test('lets a fault that finds nothing to befall wait for its next visit', async () => {
    const machine = await scene.machine('passing', { Pass: NOTHING });
    await scene.arm({ at: 'Pass', node: 3, fault: 'terminated' });
    await scene.run(machine);
    expect((await scene.state()).faults).toHaveLength(1);
    await scene.arm({ join: { os: 'al2023', count: 1, ssm: 'none' } });
    await scene.run(machine, 'second');
    expect((await scene.state()).faults).toEqual([]);
    expect(scene.nodes.map(({ terminated }) => terminated)).toEqual([false, false, false, true]);
  });
});

describe('the clock', () => {
  test('skips hours before the state does anything, and what was due in them has happened', async () => {
    const machine = await scene.machine('passing', { Pass: NOTHING });
    const begun = scene.live.region.clock.now().getTime();
    await scene.eks.updateAddon({ clusterName: 'demo', addonName: 'kube-proxy', configurationValues: '{}' });
    await scene.arm({ at: 'Pass', clock: 'skip', hours: 3 });
    const { stopDate } = await scene.run(machine);
    expect((stopDate?.getTime() ?? 0) - begun).toBeGreaterThanOrEqual(3 * 3_600_000);
    expect((await scene.state()).clusters[0]?.addon?.status).toBe('ACTIVE');
  });

  test('has skipped when the request is answered', async () => {
    const begun = scene.live.region.clock.now().getTime();
    await scene.arm({ clock: 'skip', hours: 0.5 });
    expect(scene.live.region.clock.now().getTime() - begun).toBe(1_800_000);
  });
});

describe('a lease', () => {
  const GroupName = 'nightshift-leases';
  const machineStates = { Recover: NOTHING };
  const lease = (StateMachineArn: string) => ({
    Name: 'lease-demo',
    GroupName,
    ScheduleExpression: 'at(2026-11-21T09:00:00)',
    FlexibleTimeWindow: { Mode: 'OFF' as const },
    ActionAfterCompletion: 'DELETE' as const,
    Target: {
      Arn: 'arn:aws:scheduler:::aws-sdk:sfn:startExecution',
      RoleArn: 'arn:aws:iam::111122223333:role/recoverer',
      Input: JSON.stringify({ StateMachineArn, Name: 'recover-test', Input: '{"mode":"recover","cluster":"demo"}' }),
    },
  });

  test('that nobody releases starts its execution at the deadline, by its name, although nothing else happens', async () => {
    const machine = await scene.machine('recovery', machineStates);
    await scene.scheduler.createSchedule(lease(machine));
    await scene.idle();
    const { executions = [] } = await scene.sfn.listExecutions({ stateMachineArn: machine });
    expect(executions.map(({ name, status, startDate }) => [name, status, startDate?.toISOString()])).toEqual([
      ['recover-test', 'SUCCEEDED', '2026-11-21T09:00:00.000Z'],
    ]);
    expect((await scene.state()).schedules).toEqual([]);
  });

  test('that was deleted holds time no more', async () => {
    const machine = await scene.machine('recovery', machineStates);
    const before = scene.live.region.clock.now();
    await scene.live.region.clock.busy(async () => {
      await scene.scheduler.createSchedule(lease(machine));
      await scene.scheduler.deleteSchedule({ Name: 'lease-demo', GroupName });
    });
    await scene.idle();
    expect(scene.live.region.clock.now()).toEqual(before);
  });

  test('that was renewed fires at the later deadline only', async () => {
    const machine = await scene.machine('recovery', machineStates);
    await scene.live.region.clock.busy(async () => {
      await scene.scheduler.createSchedule(lease(machine));
      await scene.scheduler.updateSchedule({ ...lease(machine), ScheduleExpression: 'at(2026-11-21T12:00:00)' });
    });
    await scene.idle();
    const { executions = [] } = await scene.sfn.listExecutions({ stateMachineArn: machine });
    expect(executions.map(({ startDate }) => startDate?.toISOString())).toEqual(['2026-11-21T12:00:00.000Z']);
  });
});

test('the end of an execution is told to the function on-execution-ended, which faults of Invoke befall too', async () => {
  const invoke = { service: 'lambda', operation: 'Invoke', function: 'nightshift-on-execution-ended' };
  await scene.arm({ on: invoke, error: 'TooManyRequestsException' });
  await scene.run(scene.live.stateMachines['migrate-cluster'] ?? '');
  await scene.idle();
  const deliveries = scene.calls.filter(({ principal }) => principal === 'events');
  expect(deliveries.map(({ operation, error }) => [operation, error])).toEqual([
    ['Invoke', 'TooManyRequestsException'],
    ['Invoke', undefined],
  ]);
});
