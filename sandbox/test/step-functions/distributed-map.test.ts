import type { S3 } from '@aws-sdk/client-s3';
import type { SFN } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { distributed, ServedRegion, startOnly, startStates } from './served.ts';

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}';
const ARN = 'arn:aws:states:us-east-1:111122223333';
const waits = { One: { Type: 'Wait', Seconds: '{% $states.input %}', Output: '{% $states.input * 10 %}', End: true } };
/** A child that fails at once if its input is negative, and otherwise waits so long. */
const mayFail = {
  Look: { Type: 'Choice', Choices: [{ Condition: '{% $states.input < 0 %}', Next: 'No' }], Default: 'One' },
  No: { Type: 'Fail', Error: 'TooSmall', Cause: 'it is negative' },
  ...waits,
};

let world: ServedRegion;
let sfn: SFN;
let s3: S3;
beforeEach(async () => {
  world = new ServedRegion();
  ({ sfn, s3 } = await world.open());
});
afterEach(async () => {
  await world.close();
  expect([...world.bugs, ...world.broken, ...world.clockErrors]).toEqual([]);
});

const typesOf = async (executionArn: string) =>
  (await sfn.getExecutionHistory({ executionArn })).events?.map(({ type }) => String(type));
const mapRunOf = async (executionArn: string) => {
  const { mapRuns = [] } = await sfn.listMapRuns({ executionArn });
  return String(mapRuns[0]?.mapRunArn);
};
const outcome = async (executionArn: string) => {
  const { status, output, error, cause } = await sfn.describeExecution({ executionArn });
  return { status, error, cause, output: output === undefined ? undefined : JSON.parse(output) };
};
const counts = async (mapRunArn: string) => {
  const { executionCounts, itemCounts, status } = await sfn.describeMapRun({ mapRunArn });
  const set = (each: object | undefined) => Object.fromEntries(Object.entries(each ?? {}).filter(([, n]) => n !== 0));
  return { status, executions: set(executionCounts), items: set(itemCounts) };
};

test('each item is a child execution with a history of its own, and the outputs keep the order', async () => {
  const arn = await startOnly(sfn, distributed(waits), [3, 1]);
  await world.clock.idle();
  expect(await outcome(arn)).toMatchObject({ status: 'SUCCEEDED', output: [30, 10] });
  expect(await typesOf(arn)).toEqual([
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
  const mapRunArn = await mapRunOf(arn);
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
  expect((await outcome(arn)).output).toEqual([
    { index: 0, value: 'a', night: 'tonight' },
    { index: 1, value: 'b', night: 'tonight' },
  ]);
});

test('the variables around a distributed Map are not those of its children', async () => {
  const Begin = { Type: 'Pass', Assign: { night: 'tonight' }, Next: 'Each' };
  const Each = distributed({ One: { Type: 'Pass', Output: '{% $night %}', End: true } }, { End: true });
  const arn = await startStates(sfn, { Begin, Each }, 'Begin', [1]);
  await world.clock.idle();
  expect((await outcome(arn)).error).toBe('States.ExceedToleratedFailureThreshold');
});

test('MaxConcurrency holds children back, and UpdateMapRun lets more run', async () => {
  const input = { items: [100, 100, 100, 100], most: 1 };
  const fields = { Items: '{% $states.input.items %}', MaxConcurrency: '{% $states.input.most %}' };
  const arn = await startOnly(sfn, distributed(waits, fields), input);
  const mapRunArn = await world.frozen(async () => {
    const found = await mapRunOf(arn);
    expect(await counts(found)).toEqual({
      status: 'RUNNING',
      executions: { pending: 3, running: 1, total: 4 },
      items: { pending: 3, running: 1, total: 4 },
    });
    await sfn.updateMapRun({ mapRunArn: found, maxConcurrency: 3 });
    expect((await counts(found)).executions).toEqual({ pending: 1, running: 3, total: 4 });
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
  expect(await outcome(arn)).toMatchObject({ error: 'States.ExceedToleratedFailureThreshold', cause });
  expect((await typesOf(arn))?.slice(-4)).toEqual([
    'MapRunStarted',
    'MapRunFailed',
    'MapStateFailed',
    'ExecutionFailed',
  ]);
  const mapRunArn = await mapRunOf(arn);
  expect(await counts(mapRunArn)).toMatchObject({
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
  expect((await outcome(arn)).status).toBe(status);
});

test('a tolerated failure stands in the result as its description', async () => {
  const arn = await startOnly(sfn, distributed(mayFail, { ToleratedFailureCount: 1 }), [-1, 2]);
  await world.clock.idle();
  expect((await outcome(arn)).output).toMatchObject([
    { Status: 'FAILED', Error: 'TooSmall', Cause: 'it is negative', Input: '-1' },
    20,
  ]);
});

test('a limit that is no number fails the state before a child starts', async () => {
  const arn = await startOnly(sfn, distributed(waits, { ToleratedFailureCount: "{% 'many' %}" }), [1]);
  await world.clock.idle();
  expect(await outcome(arn)).toMatchObject({ error: 'States.QueryEvaluationError' });
  expect((await sfn.listMapRuns({ executionArn: arn })).mapRuns).toEqual([]);
});

test('stopping the parent aborts the Map Run and its children', async () => {
  const arn = await startOnly(sfn, distributed(waits, { MaxConcurrency: 1 }), [5000, 5000]);
  const mapRunArn = await world.frozen(async () => {
    await sfn.stopExecution({ executionArn: arn });
    return mapRunOf(arn);
  });
  await world.clock.idle();
  expect((await typesOf(arn))?.slice(-3)).toEqual(['MapRunStarted', 'MapRunAborted', 'ExecutionAborted']);
  expect(await counts(mapRunArn)).toMatchObject({ status: 'ABORTED', executions: { aborted: 1, pending: 1 } });
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
  expect(await outcome(String(executionArn))).toMatchObject({ status: 'TIMED_OUT' });
  expect(await counts(await mapRunOf(String(executionArn)))).toMatchObject({
    status: 'ABORTED',
    executions: { aborted: 1 },
  });
});

test('a batch fails as a whole, and the counts are by executions and by items', async () => {
  const states = {
    Look: {
      Type: 'Choice',
      Choices: [{ Condition: '{% $sum($states.input.Items) < 0 %}', Next: 'No' }],
      Default: 'Yes',
    },
    No: { Type: 'Fail', Error: 'No' },
    Yes: { Type: 'Pass', Output: '{% $states.input %}', End: true },
  };
  const ItemBatcher = { MaxItemsPerBatch: 2, BatchInput: { stage: '{% $states.input[0] %}' } };
  const arn = await startOnly(sfn, distributed(states, { ItemBatcher, ToleratedFailureCount: 2 }), [1, 2, -3, -4, 5]);
  await world.clock.idle();
  expect((await outcome(arn)).output).toMatchObject([
    { BatchInput: { stage: 1 }, Items: [1, 2] },
    { Status: 'FAILED', Input: '{"BatchInput":{"stage":1},"Items":[-3,-4]}' },
    { BatchInput: { stage: 1 }, Items: [5] },
  ]);
  expect(await counts(await mapRunOf(arn))).toEqual({
    status: 'SUCCEEDED',
    executions: { succeeded: 2, failed: 1, total: 3, resultsWritten: 3 },
    items: { succeeded: 3, failed: 2, total: 5, resultsWritten: 5 },
  });
});

test('MaxInputBytesPerBatch counts the whole input of a child', async () => {
  const states = { One: { Type: 'Pass', Output: '{% $states.input.Items %}', End: true } };
  // {"Items":["aa","bb"]} has 21 bytes.
  const arn = await startOnly(sfn, distributed(states, { ItemBatcher: { MaxInputBytesPerBatch: 21 } }), [
    'aa',
    'bb',
    'cc',
  ]);
  await world.clock.idle();
  expect((await outcome(arn)).output).toEqual([['aa', 'bb'], ['cc']]);
});

const ItemReader = {
  Resource: 'arn:aws:states:::s3:getObject',
  ReaderConfig: { InputType: 'JSON', MaxItems: 2 },
  Arguments: { Bucket: 'fleet', Key: '{% $states.input.key %}' },
};

test('an ItemReader reads a JSON array from S3; its length is not known when the state starts', async () => {
  await s3.putObject({ Bucket: 'fleet', Key: 'clusters.json', Body: '[1,2,3]' });
  const arn = await startOnly(sfn, distributed(waits, { ItemReader }), { key: 'clusters.json' });
  await world.clock.idle();
  expect((await outcome(arn)).output).toEqual([10, 20]);
  const { events = [] } = await sfn.getExecutionHistory({ executionArn: arn });
  expect(events[2]?.mapStateStartedEventDetails).toEqual({ length: 0 });
  expect(world.calls.map(({ principal, operation }) => `${principal} ${operation}`)).toContain('fleet GetObject');
});

test.each([
  ['what is no array', '{"a":1}', 'Attempting to map over non-iterable node.'],
  ['what is no JSON', 'clusters', expect.stringMatching(/^The object is not JSON: /)],
  ['what does not exist', null, expect.stringMatching(/^The specified key does not exist\. \(Service: S3, /)],
])('an ItemReader fails the Map Run for %s', async (_, body, cause) => {
  if (body !== null) await s3.putObject({ Bucket: 'fleet', Key: 'clusters.json', Body: body });
  const arn = await startOnly(sfn, distributed(waits, { ItemReader }), { key: 'clusters.json' });
  await world.clock.idle();
  expect(await outcome(arn)).toMatchObject({ error: 'States.ItemReaderFailed', cause });
  expect((await typesOf(arn))?.slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed']);
});

const read = async (Key: string) =>
  JSON.parse((await (await s3.getObject({ Bucket: 'fleet', Key })).Body?.transformToString()) ?? '');
const ResultWriter = {
  Resource: 'arn:aws:states:::s3:putObject',
  Arguments: { Bucket: 'fleet', Prefix: 'results' },
};

test('a ResultWriter puts the results in S3, by how the children ended', async () => {
  const fields = { ResultWriter, ToleratedFailureCount: 1 };
  const arn = await startOnly(sfn, distributed(mayFail, fields), [-1, 2]);
  await world.clock.idle();
  const mapRunArn = await mapRunOf(arn);
  const folder = `results/${mapRunArn.split(':').at(-1)}`;
  expect((await outcome(arn)).output).toEqual({
    MapRunArn: mapRunArn,
    ResultWriterDetails: { Bucket: 'fleet', Key: `${folder}/manifest.json` },
  });
  expect(await read(`${folder}/manifest.json`)).toEqual({
    DestinationBucket: 'fleet',
    MapRunArn: mapRunArn,
    ResultFiles: {
      FAILED: [{ Key: `${folder}/FAILED_0.json`, Size: expect.any(Number) }],
      PENDING: [],
      SUCCEEDED: [{ Key: `${folder}/SUCCEEDED_0.json`, Size: expect.any(Number) }],
    },
  });
  expect(await read(`${folder}/SUCCEEDED_0.json`)).toMatchObject([{ Status: 'SUCCEEDED', Input: '2', Output: '20' }]);
  expect(await read(`${folder}/FAILED_0.json`)).toMatchObject([{ Status: 'FAILED', Input: '-1', Error: 'TooSmall' }]);
});

test('a Map Run that fails has its results in S3 too', async () => {
  const arn = await startOnly(sfn, distributed(mayFail, { ResultWriter, MaxConcurrency: 1 }), [2, -1, 3]);
  await world.clock.idle();
  const folder = `results/${(await mapRunOf(arn)).split(':').at(-1)}`;
  expect((await outcome(arn)).error).toBe('States.ExceedToleratedFailureThreshold');
  const { ResultFiles } = await read(`${folder}/manifest.json`);
  expect(Object.values(ResultFiles).map((each) => Array.isArray(each) && each.length)).toEqual([1, 1, 1]);
  expect(await read(`${folder}/PENDING_0.json`)).toEqual([{ Input: '3', Status: 'PENDING' }]);
});

test('a WriterConfig formats the state’s output', async () => {
  const states = { One: { Type: 'Pass', Output: '{% [$states.input, $states.input] %}', End: true } };
  const fields = { ResultWriter: { WriterConfig: { Transformation: 'FLATTEN', OutputType: 'JSON' } } };
  const arn = await startOnly(sfn, distributed(states, fields), [1, 2]);
  await world.clock.idle();
  expect((await outcome(arn)).output).toEqual([1, 1, 2, 2]);
});

test('a ResultWriter without its bucket fails the Map Run', async () => {
  const writer = { ...ResultWriter, Arguments: { Bucket: 'elsewhere' } };
  const arn = await startOnly(sfn, distributed(waits, { ResultWriter: writer }), [1]);
  await world.clock.idle();
  expect((await outcome(arn)).error).toBe('States.ResultWriterFailed');
});

test('outputs of more than 256 KiB together fail the state', async () => {
  const states = { One: { Type: 'Pass', Output: "{% $pad('', 200000, 'x') %}", End: true } };
  const arn = await startOnly(sfn, distributed(states), [1, 2]);
  await world.clock.idle();
  expect((await outcome(arn)).error).toBe('States.DataLimitExceeded');
  expect((await typesOf(arn))?.slice(-3)).toEqual(['MapRunSucceeded', 'MapStateFailed', 'ExecutionFailed']);
});

test('a retried Map starts a new Map Run, and a caught one goes on', async () => {
  const Each = distributed(mayFail, {
    Retry: [{ ErrorEquals: ['States.ExceedToleratedFailureThreshold'], MaxAttempts: 1 }],
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'After', Output: '{% $states.errorOutput.Error %}' }],
    End: true,
  });
  const arn = await startStates(sfn, { Each, After: { Type: 'Succeed' } }, 'Each', [-1]);
  await world.clock.idle();
  expect(await outcome(arn)).toMatchObject({ output: 'States.ExceedToleratedFailureThreshold' });
  expect((await sfn.listMapRuns({ executionArn: arn })).mapRuns).toHaveLength(2);
});

test('a Map over nothing succeeds, and one without a label has one of its own', async () => {
  const arn = await startOnly(sfn, distributed(waits, { Label: undefined }), []);
  await world.clock.idle();
  expect((await outcome(arn)).output).toEqual([]);
  expect(await mapRunOf(arn)).toMatch(new RegExp(`^${ARN}:mapRun:fleet/${UUID}:${UUID}$`));
});

test('a distributed Map inside a child has Map Runs of its own', async () => {
  const inner = { End: true, ...distributed(waits, { Label: 'Nodes' }) };
  const arn = await startOnly(sfn, distributed({ Inner: inner }), [[1], [2]]);
  await world.clock.idle();
  expect((await outcome(arn)).output).toEqual([[10], [20]]);
  const { executions = [] } = await sfn.listExecutions({ mapRunArn: await mapRunOf(arn) });
  expect(await mapRunOf(String(executions[0]?.executionArn))).toMatch(
    new RegExp(`^${ARN}:mapRun:fleet/Nodes:${UUID}$`),
  );
});

test.each([
  [{ ItemProcessor: { ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'EXPRESS' } } }, /expected "STANDARD"/],
  [{ ItemReader: { ...ItemReader, ReaderConfig: { InputType: 'CSV' } } }, /expected "JSON"/],
  [{ ItemReader, Items: [1] }, /at most one of Items and ItemReader can be used/],
  [{ ItemBatcher: {} }, /ItemBatcher needs MaxItemsPerBatch or MaxInputBytesPerBatch/],
  [{ Label: 'two words' }, /must be 1 to 40 characters without spaces/],
  [{ ResultWriter: {} }, /ResultWriter must not be empty/],
  [{ MaxConcurrencyPath: '$.most' }, /field 'MaxConcurrencyPath' is not supported/],
  [{ ItemProcessor: { ProcessorConfig: { Mode: 'INLINE' } } }, /field 'Label' is only for a Map in DISTRIBUTED mode/],
])('a definition with %j is refused by name', async (fields, message) => {
  const base = distributed(waits);
  const processor = 'ItemProcessor' in fields ? { ...base.ItemProcessor, ...fields.ItemProcessor } : base.ItemProcessor;
  const state = { ...base, ...fields, ItemProcessor: processor };
  await expect(startOnly(sfn, state, [1])).rejects.toMatchObject({ name: 'InvalidDefinition', message });
});

test.each([
  ['states:StartExecution', `${ARN}:stateMachine:fleet`, []],
  ['states:DescribeExecution', `${ARN}:execution:fleet/Clusters:run-1`, [`${ARN}:execution:fleet:run-1`]],
])('a Map Run fails without %s on %s', async (action, resource, others) => {
  for (const each of [resource, ...others]) world.lacking.add(`${action} ${each}`);
  const arn = await startOnly(sfn, distributed(waits), [1]);
  await world.clock.idle();
  expect(await outcome(arn)).toMatchObject({
    error: 'States.Permissions',
    cause: `User: arn:aws:sts::111122223333:assumed-role/fleet/run-1 is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
  });
  expect((await typesOf(arn))?.slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed']);
  expect(await counts(await mapRunOf(arn))).toEqual({ status: 'FAILED', executions: {}, items: {} });
});

test('a Map Run is content with DescribeExecution on the state machine’s own executions, as AWS’s example has it', async () => {
  world.lacking.add(`states:DescribeExecution ${ARN}:execution:fleet/Clusters:run-1`);
  const arn = await startOnly(sfn, distributed(waits), [1]);
  await world.clock.idle();
  expect((await outcome(arn)).output).toEqual([10]);
});

test('without states:StopExecution the children of a stopped parent go on', async () => {
  for (const name of ['fleet/Clusters', 'fleet'])
    world.lacking.add(`states:StopExecution ${ARN}:execution:${name}:run-1`);
  const arn = await startOnly(sfn, distributed(waits, { MaxConcurrency: 1 }), [50, 50]);
  const mapRunArn = await world.frozen(async () => {
    await sfn.stopExecution({ executionArn: arn });
    return mapRunOf(arn);
  });
  await world.clock.idle();
  expect(await counts(mapRunArn)).toMatchObject({ status: 'ABORTED', executions: { succeeded: 1, pending: 1 } });
  expect(world.clock.now()).toEqual(new Date('2026-11-21T22:00:50Z'));
});

test('what does not exist is named as such', async () => {
  await expect(sfn.describeMapRun({ mapRunArn: 'arn:aws:states' })).rejects.toMatchObject({ name: 'InvalidArn' });
  const unknown = `${ARN}:mapRun:fleet/Clusters:none`;
  await expect(sfn.describeMapRun({ mapRunArn: unknown })).rejects.toMatchObject({ name: 'ResourceNotFound' });
  await expect(sfn.listExecutions({ mapRunArn: unknown })).rejects.toMatchObject({ name: 'ResourceNotFound' });
  const executionArn = `${ARN}:execution:fleet:none`;
  await expect(sfn.listMapRuns({ executionArn })).rejects.toMatchObject({ name: 'ExecutionDoesNotExist' });
});
