import type { SFN } from '@aws-sdk/client-sfn';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MapRunReader, waits } from './map-run-reader.ts';
import { distributed, ServedRegion, startOnly, startStates } from './served.ts';

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

test.each([
  ['states:StartExecution', `${ARN}:stateMachine:fleet`, []],
  ['states:DescribeExecution', `${ARN}:execution:fleet/Clusters:run-1`, [`${ARN}:execution:fleet:run-1`]],
])('a Map Run fails without %s on %s', async (action, resource, others) => {
  for (const each of [resource, ...others]) world.lacking.add(`${action} ${each}`);
  const arn = await startOnly(sfn, distributed(waits), [1]);
  await world.clock.idle();
  expect(await read.outcome(arn)).toMatchObject({
    error: 'States.Permissions',
    cause: `User: arn:aws:sts::111122223333:assumed-role/fleet/run-1 is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action`,
  });
  expect((await read.types(arn))?.slice(-3)).toEqual(['MapRunFailed', 'MapStateFailed', 'ExecutionFailed']);
  expect(await read.counts(await read.mapRun(arn))).toEqual({ status: 'FAILED', executions: {}, items: {} });
});

test.each([
  ['a Label', { Label: 'Clusters' }, 'Second', /the Label 'Clusters' is used more than once/],
  ['the name of a state', { Label: 'Others' }, 'One', /DUPLICATE_STATE_NAME: Duplicate State name: One/],
])('a definition that uses %s twice is refused', async (_, fields, name, message) => {
  const Only = distributed(waits, { Next: 'Again' });
  const Again = distributed({ [name]: { Type: 'Succeed' } }, { ...fields, End: true });
  await expect(startStates(sfn, { Only, Again }, 'Only', [1])).rejects.toMatchObject({
    name: 'InvalidDefinition',
    message,
  });
});

test('a Map Run is content with DescribeExecution on the state machine’s own executions, as AWS’s example has it', async () => {
  world.lacking.add(`states:DescribeExecution ${ARN}:execution:fleet/Clusters:run-1`);
  const arn = await startOnly(sfn, distributed(waits), [1]);
  await world.clock.idle();
  expect((await read.outcome(arn)).output).toEqual([10]);
});

test('without states:StopExecution the children of a stopped parent go on', async () => {
  for (const name of ['fleet/Clusters', 'fleet'])
    world.lacking.add(`states:StopExecution ${ARN}:execution:${name}:run-1`);
  const arn = await startOnly(sfn, distributed(waits, { MaxConcurrency: 1 }), [50, 50]);
  const mapRunArn = await world.frozen(async () => {
    await sfn.stopExecution({ executionArn: arn });
    return read.mapRun(arn);
  });
  await world.clock.idle();
  expect(await read.counts(mapRunArn)).toMatchObject({ status: 'ABORTED', executions: { succeeded: 1, pending: 1 } });
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
