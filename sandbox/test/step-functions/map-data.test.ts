import type { S3 } from '@aws-sdk/client-s3';
import type { SFN } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MapRunReader, mayFail, waits } from './map-run-reader.ts';
import { distributed, ServedRegion, startOnly } from './served.ts';

let world: ServedRegion;
let sfn: SFN;
let s3: S3;
let read: MapRunReader;
beforeEach(async () => {
  world = new ServedRegion();
  ({ sfn, s3 } = await world.open());
  read = new MapRunReader(sfn);
});
afterEach(async () => {
  await world.close();
  expect([...world.bugs, ...world.broken, ...world.clockErrors]).toEqual([]);
});

test('a tolerated failure stands in the result as its description', async () => {
  const arn = await startOnly(sfn, distributed(mayFail, { ToleratedFailureCount: 1 }), [-1, 2]);
  await world.clock.idle();
  expect((await read.outcome(arn)).output).toMatchObject([
    { Status: 'FAILED', Error: 'TooSmall', Cause: 'it is negative', Input: '-1' },
    20,
  ]);
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
  expect((await read.outcome(arn)).output).toMatchObject([
    { BatchInput: { stage: 1 }, Items: [1, 2] },
    { Status: 'FAILED', Input: '{"BatchInput":{"stage":1},"Items":[-3,-4]}' },
    { BatchInput: { stage: 1 }, Items: [5] },
  ]);
  expect(await read.counts(await read.mapRun(arn))).toEqual({
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
  expect((await read.outcome(arn)).output).toEqual([['aa', 'bb'], ['cc']]);
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
  expect((await read.outcome(arn)).output).toEqual([10, 20]);
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
  expect(await read.outcome(arn)).toMatchObject({ error: 'States.ItemReaderFailed', cause });
  expect((await read.types(arn))?.slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed']);
});

const object = async (Key: string) =>
  JSON.parse((await (await s3.getObject({ Bucket: 'fleet', Key })).Body?.transformToString()) ?? '');
const ResultWriter = {
  Resource: 'arn:aws:states:::s3:putObject',
  Arguments: { Bucket: 'fleet', Prefix: 'results' },
};

test('a ResultWriter puts the results in S3, by how the children ended', async () => {
  const fields = { ResultWriter, ToleratedFailureCount: 1 };
  const arn = await startOnly(sfn, distributed(mayFail, fields), [-1, 2]);
  await world.clock.idle();
  const mapRunArn = await read.mapRun(arn);
  const folder = `results/${mapRunArn.split(':').at(-1)}`;
  expect((await read.outcome(arn)).output).toEqual({
    MapRunArn: mapRunArn,
    ResultWriterDetails: { Bucket: 'fleet', Key: `${folder}/manifest.json` },
  });
  expect(await object(`${folder}/manifest.json`)).toEqual({
    DestinationBucket: 'fleet',
    MapRunArn: mapRunArn,
    ResultFiles: {
      FAILED: [{ Key: `${folder}/FAILED_0.json`, Size: expect.any(Number) }],
      PENDING: [],
      SUCCEEDED: [{ Key: `${folder}/SUCCEEDED_0.json`, Size: expect.any(Number) }],
    },
  });
  expect(await object(`${folder}/SUCCEEDED_0.json`)).toMatchObject([{ Status: 'SUCCEEDED', Input: '2', Output: '20' }]);
  expect(await object(`${folder}/FAILED_0.json`)).toMatchObject([{ Status: 'FAILED', Input: '-1', Error: 'TooSmall' }]);
});

test('a Map Run that fails has its results in S3 too', async () => {
  const arn = await startOnly(sfn, distributed(mayFail, { ResultWriter, MaxConcurrency: 1 }), [2, -1, 3]);
  await world.clock.idle();
  const folder = `results/${(await read.mapRun(arn)).split(':').at(-1)}`;
  expect((await read.outcome(arn)).error).toBe('States.ExceedToleratedFailureThreshold');
  const { ResultFiles } = await object(`${folder}/manifest.json`);
  expect(Object.values(ResultFiles).map((each) => Array.isArray(each) && each.length)).toEqual([1, 1, 1]);
  expect(await object(`${folder}/PENDING_0.json`)).toEqual([{ Input: '3', Status: 'PENDING' }]);
});

test('a WriterConfig formats the state’s output', async () => {
  const states = { One: { Type: 'Pass', Output: '{% [$states.input, $states.input] %}', End: true } };
  const fields = { ResultWriter: { WriterConfig: { Transformation: 'FLATTEN', OutputType: 'JSON' } } };
  const arn = await startOnly(sfn, distributed(states, fields), [1, 2]);
  await world.clock.idle();
  expect((await read.outcome(arn)).output).toEqual([1, 1, 2, 2]);
});

test('a ResultWriter without its bucket fails the Map Run', async () => {
  const writer = { ...ResultWriter, Arguments: { Bucket: 'elsewhere' } };
  const arn = await startOnly(sfn, distributed(waits, { ResultWriter: writer }), [1]);
  await world.clock.idle();
  expect((await read.outcome(arn)).error).toBe('States.ResultWriterFailed');
});

test('outputs of more than 256 KiB together fail the state', async () => {
  const states = { One: { Type: 'Pass', Output: "{% $pad('', 200000, 'x') %}", End: true } };
  const arn = await startOnly(sfn, distributed(states), [1, 2]);
  await world.clock.idle();
  expect((await read.outcome(arn)).error).toBe('States.DataLimitExceeded');
  expect((await read.types(arn))?.slice(-3)).toEqual(['MapRunSucceeded', 'MapStateFailed', 'ExecutionFailed']);
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
