import type { SFN } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MapRunReader, mayFail, waits } from './map-run-reader.ts';
import { distributed, ServedRegion, startOnly, startStates } from './served.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}';
const ARN = 'arn:aws:states:us-east-1:111122223333';

let world: ServedRegion;
let sfn: SFN;
let read: MapRunReader;
beforeEach(async () => {
  world = new ServedRegion();
  ({ sfn } = await world.open());
  read = new MapRunReader(sfn);
});
afterEach(async () => {
  await world.close();
  expect([...world.bugs, ...world.broken, ...world.clockErrors]).toEqual([]);
});

test('each item is a child execution with a history of its own, and the outputs keep the order', async () => {
  const arn = await startOnly(sfn, distributed(waits), [3, 1]);
  await world.clock.idle();
  expect(await read.outcome(arn)).toMatchObject({ status: 'SUCCEEDED', output: [30, 10] });
  expect(await read.types(arn)).toEqual([
    'ExecutionStarted',
    'MapStateEntered',
    'MapStateStarted',
    'MapRunStarted',
    'MapRunSucceeded',
    'MapStateSucceeded',
    'MapStateExited',
    'ExecutionSucceeded',
  ]);
  const { mapRuns } = await sfn.listMapRuns({ executionArn: arn });
  expect(mapRuns).toMatchObject([
    {
      executionArn: `${ARN}:execution:fleet:run-1`,
      mapRunArn: expect.stringMatching(new RegExp(`^${ARN}:mapRun:fleet/Clusters:${UUID}$`)),
      stateMachineArn: `${ARN}:stateMachine:fleet/Clusters`,
      startDate: new Date('2026-11-21T22:00:00Z'),
      stopDate: new Date('2026-11-21T22:00:03Z'),
    },
  ]);
  const mapRunArn = await read.mapRun(arn);
  const { executions = [] } = await sfn.listExecutions({ mapRunArn });
  expect(executions).toMatchObject([
    { status: 'SUCCEEDED', itemCount: 1, mapRunArn, stateMachineArn: `${ARN}:stateMachine:fleet/Clusters` },
    { status: 'SUCCEEDED', itemCount: 1, mapRunArn, stateMachineArn: `${ARN}:stateMachine:fleet/Clusters` },
  ]);
  const child = String(executions[0]?.executionArn);
  expect(child).toMatch(new RegExp(`^${ARN}:execution:fleet/Clusters:${UUID}$`));
  expect(await sfn.describeExecution({ executionArn: child })).toMatchObject({ mapRunArn, input: '1', output: '10' });
  const { events = [] } = await sfn.getExecutionHistory({ executionArn: child });
  expect(events.map(({ id, previousEventId, type, timestamp }) => [id, previousEventId, type, timestamp])).toEqual([
    [1, 0, 'ExecutionStarted', new Date('2026-11-21T22:00:00Z')],
    [2, 0, 'WaitStateEntered', new Date('2026-11-21T22:00:00Z')],
    [3, 2, 'WaitStateExited', new Date('2026-11-21T22:00:01Z')],
    [4, 3, 'ExecutionSucceeded', new Date('2026-11-21T22:00:01Z')],
  ]);
  expect(await sfn.describeStateMachineForExecution({ executionArn: child })).toMatchObject({
    label: 'Clusters',
    mapRunArn,
  });
  const { executions: own } = await sfn.listExecutions({ stateMachineArn: `${ARN}:stateMachine:fleet` });
  expect(own).toMatchObject([{ name: 'run-1' }]);
});

test('a child sees its own execution, and what the selector made of its item', async () => {
  const states = { One: { Type: 'Pass', Output: '{% $states.context.Execution.Input %}', End: true } };
  const ItemSelector = {
    index: '{% $states.context.Map.Item.Index %}',
    value: '{% $states.context.Map.Item.Value %}',
    night: '{% $night %}',
  };
  const Begin = { Type: 'Pass', Assign: { night: 'tonight' }, Next: 'Each' };
  const Each = distributed(states, { ItemSelector, End: true });
  const arn = await startStates(sfn, { Begin, Each }, 'Begin', ['a', 'b']);
  await world.clock.idle();
  expect((await read.outcome(arn)).output).toEqual([
    { index: 0, value: 'a', night: 'tonight' },
    { index: 1, value: 'b', night: 'tonight' },
  ]);
});

test('the variables around a distributed Map are not those of its children', async () => {
  const Begin = { Type: 'Pass', Assign: { night: 'tonight' }, Next: 'Each' };
  const Each = distributed({ One: { Type: 'Pass', Output: '{% $night %}', End: true } }, { End: true });
  const arn = await startStates(sfn, { Begin, Each }, 'Begin', [1]);
  await world.clock.idle();
  expect((await read.outcome(arn)).error).toBe('States.ExceedToleratedFailureThreshold');
});

test('MaxConcurrency holds children back, and UpdateMapRun lets more run', async () => {
  const input = { items: [100, 100, 100, 100], most: 1 };
  const fields = { Items: '{% $states.input.items %}', MaxConcurrency: '{% $states.input.most %}' };
  const arn = await startOnly(sfn, distributed(waits, fields), input);
  const mapRunArn = await world.frozen(async () => {
    const found = await read.mapRun(arn);
    expect(await read.counts(found)).toEqual({
      status: 'RUNNING',
      executions: { pending: 3, running: 1, total: 4 },
      items: { pending: 3, running: 1, total: 4 },
    });
    await sfn.updateMapRun({ mapRunArn: found, maxConcurrency: 3 });
    expect((await read.counts(found)).executions).toEqual({ pending: 1, running: 3, total: 4 });
    return found;
  });
  await world.clock.idle();
  expect(await sfn.describeMapRun({ mapRunArn })).toMatchObject({
    status: 'SUCCEEDED',
    maxConcurrency: 3,
    stopDate: new Date('2026-11-21T22:03:20Z'),
    executionCounts: { succeeded: 4, resultsWritten: 4, total: 4 },
  });
  await expect(sfn.updateMapRun({ mapRunArn, maxConcurrency: 1 })).rejects.toMatchObject({
    name: 'ValidationException',
  });
});

test('the first failed child fails the Map Run, stops the children that run and starts no more', async () => {
  const arn = await startOnly(sfn, distributed(mayFail, { MaxConcurrency: 2 }), [500, -1, 7]);
  await world.clock.idle();
  const cause = 'The specified tolerated failure threshold was exceeded';
  expect(await read.outcome(arn)).toMatchObject({ error: 'States.ExceedToleratedFailureThreshold', cause });
  expect((await read.types(arn))?.slice(-4)).toEqual([
    'MapRunStarted',
    'MapRunFailed',
    'MapStateFailed',
    'ExecutionFailed',
  ]);
  const mapRunArn = await read.mapRun(arn);
  expect(await read.counts(mapRunArn)).toMatchObject({
    status: 'FAILED',
    executions: { failed: 1, aborted: 1, pending: 1, total: 3 },
  });
  const { executions } = await sfn.listExecutions({ mapRunArn, statusFilter: 'ABORTED' });
  expect(executions).toMatchObject([{ status: 'ABORTED', stopDate: new Date('2026-11-21T22:00:00Z') }]);
});

test.each([
  ['a count of 1 tolerates one of three', { ToleratedFailureCount: 1 }, [-1, 2, 3], 'SUCCEEDED'],
  ['a count of 1 does not tolerate two', { ToleratedFailureCount: 1 }, [-1, -2, 3], 'FAILED'],
  ['50 % tolerate two of four', { ToleratedFailurePercentage: 50 }, [-1, -2, 3, 4], 'SUCCEEDED'],
  ['50 % do not tolerate two of three', { ToleratedFailurePercentage: 50 }, [-1, -2, 3], 'FAILED'],
  ['100 % tolerate all', { ToleratedFailurePercentage: 100 }, [-1, -2], 'SUCCEEDED'],
  ['the stricter of both decides', { ToleratedFailureCount: 0, ToleratedFailurePercentage: 90 }, [-1, 2], 'FAILED'],
  ['an expression is evaluated', { ToleratedFailureCount: '{% $count($states.input) - 2 %}' }, [-1, 2, 3], 'SUCCEEDED'],
])('%s', async (_, fields, items, status) => {
  const arn = await startOnly(sfn, distributed(mayFail, fields), items);
  await world.clock.idle();
  expect((await read.outcome(arn)).status).toBe(status);
});

test('a limit that is not a number fails the state before a child starts', async () => {
  const arn = await startOnly(sfn, distributed(waits, { ToleratedFailureCount: "{% 'many' %}" }), [1]);
  await world.clock.idle();
  expect(await read.outcome(arn)).toMatchObject({ error: 'States.QueryEvaluationError' });
  expect((await sfn.listMapRuns({ executionArn: arn })).mapRuns).toEqual([]);
});

test('stopping the parent aborts the Map Run and its children', async () => {
  const arn = await startOnly(sfn, distributed(waits, { MaxConcurrency: 1 }), [5000, 5000]);
  const mapRunArn = await world.frozen(async () => {
    await sfn.stopExecution({ executionArn: arn });
    return read.mapRun(arn);
  });
  await world.clock.idle();
  expect((await read.types(arn))?.slice(-3)).toEqual(['MapRunStarted', 'MapRunAborted', 'ExecutionAborted']);
  expect(await read.counts(mapRunArn)).toMatchObject({ status: 'ABORTED', executions: { aborted: 1, pending: 1 } });
  expect(world.clock.now()).toEqual(new Date('2026-11-21T22:00:00Z'));
});

test('a parent that times out aborts them too', async () => {
  const Only = { End: true, ...distributed(waits) };
  const definition = { QueryLanguage: 'JSONata', TimeoutSeconds: 60, StartAt: 'Only', States: { Only } };
  const { stateMachineArn } = await sfn.createStateMachine({
    name: 'fleet',
    definition: JSON.stringify(definition),
    roleArn: 'arn:aws:iam::111122223333:role/fleet',
  });
  const { executionArn } = await sfn.startExecution({ stateMachineArn, name: 'run-1', input: '[5000]' });
  await world.clock.idle();
  expect(await read.outcome(String(executionArn))).toMatchObject({ status: 'TIMED_OUT' });
  expect(await read.counts(await read.mapRun(String(executionArn)))).toMatchObject({
    status: 'ABORTED',
    executions: { aborted: 1 },
  });
});

test('a retried Map starts a new Map Run, and a caught one goes on', async () => {
  const Each = distributed(mayFail, {
    Retry: [{ ErrorEquals: ['States.ExceedToleratedFailureThreshold'], MaxAttempts: 1 }],
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'After', Output: '{% $states.errorOutput.Error %}' }],
    End: true,
  });
  const arn = await startStates(sfn, { Each, After: { Type: 'Succeed' } }, 'Each', [-1]);
  await world.clock.idle();
  expect(await read.outcome(arn)).toMatchObject({ output: 'States.ExceedToleratedFailureThreshold' });
  expect((await sfn.listMapRuns({ executionArn: arn })).mapRuns).toHaveLength(2);
});

test('a Map over nothing succeeds, and one without a label has one of its own', async () => {
  const arn = await startOnly(sfn, distributed(waits, { Label: undefined }), []);
  await world.clock.idle();
  expect((await read.outcome(arn)).output).toEqual([]);
  expect(await read.mapRun(arn)).toMatch(new RegExp(`^${ARN}:mapRun:fleet/${UUID}:${UUID}$`));
});

test('a distributed Map inside a child has Map Runs of its own', async () => {
  const inner = { End: true, ...distributed(waits, { Label: 'Nodes' }) };
  const arn = await startOnly(sfn, distributed({ Inner: inner }), [[1], [2]]);
  await world.clock.idle();
  expect((await read.outcome(arn)).output).toEqual([[10], [20]]);
  const { executions = [] } = await sfn.listExecutions({ mapRunArn: await read.mapRun(arn) });
  expect(await read.mapRun(String(executions[0]?.executionArn))).toMatch(
    new RegExp(`^${ARN}:mapRun:fleet/Nodes:${UUID}$`),
  );
});
