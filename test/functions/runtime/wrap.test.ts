import type { Context } from 'aws-lambda';
import { expect, test } from 'vitest';
import * as z from 'zod/mini';
import { Common, Step } from '../../../functions/contracts/shared/input.ts';
import { NodesNotPrepared } from '../../../functions/core/errors.ts';
import { wrap } from '../../../functions/runtime/wrap.ts';
import { execution } from '../handlers/fakes.ts';

const context: Context = {
  callbackWaitsForEmptyEventLoop: false,
  functionName: 'nightshift-test',
  functionVersion: '$LATEST',
  invokedFunctionArn: 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-test',
  memoryLimitInMB: '256',
  awsRequestId: 'r-1',
  logGroupName: '/aws/lambda/nightshift-test',
  logStreamName: 'test',
  getRemainingTimeInMillis: () => 1000,
  done: () => undefined,
  fail: () => undefined,
  succeed: () => undefined,
};
const Input = z.object({ ...Common, step: Step });
const event = { execution, now: '2026-11-21T07:00:00.123Z', step: 'prepare-1' };

test('a handler gets its input parsed, times as dates, and fields it does not know left out', async () => {
  const handler = wrap(Input, async (input) => ({ seen: input }));
  expect(await handler({ ...event, extra: 1 }, context)).toEqual({
    seen: { execution, now: new Date('2026-11-21T07:00:00.123Z'), step: 'prepare-1' },
  });
});

test.each([
  ['now', { ...event, now: 'yesterday' }],
  ['execution.name', { ...event, execution: { ...execution, name: '../../other' } }],
  ['step', { ...event, step: 'prepare/../../x' }],
  ['execution', { now: event.now, step: event.step }],
])('a bad %s is InvalidRequest and named', async (field, bad) => {
  const handler = wrap(Input, async () => ({}));
  await expect(handler(bad, context)).rejects.toMatchObject({
    name: 'InvalidRequest',
    message: expect.stringMatching(new RegExp(`^${field} must `)),
  });
});

test('an error comes out under its own name, with what happened and what to do', async () => {
  const handler = wrap(Input, async () => {
    throw new NodesNotPrepared('1 of 3 nodes failed.');
  });
  await expect(handler(event, context)).rejects.toMatchObject({
    name: 'NodesNotPrepared',
    message: '1 of 3 nodes failed. Repair the named nodes and start again; the cluster still runs its former mode.',
  });
});

test("an AWS error keeps AWS's name, so that the state machine can wait for it", async () => {
  const busy = Object.assign(new Error('the add-on is being updated'), { name: 'ResourceInUseException' });
  const handler = wrap(Input, async () => Promise.reject(busy));
  await expect(handler(event, context)).rejects.toMatchObject({ name: 'ResourceInUseException' });
});

test('an answer that no state machine could carry fails by name', async () => {
  const sized = (bytes: number) => wrap(z.object({}), async () => 'x'.repeat(bytes - 2))({}, context);
  expect(await sized(204_800)).toHaveLength(204_798);
  await expect(sized(204_801)).rejects.toMatchObject({
    name: 'AnswerTooLarge',
    message: expect.stringMatching(/^The answer has 204801 bytes; a state machine takes 204800\. /),
  });
});

test('reports a throttled request under the name that the state machines retry', async () => {
  const throttled = Object.assign(new Error('Request limit exceeded.'), { name: 'RequestLimitExceeded' });
  const handler = wrap(Input, () => Promise.reject(throttled));
  await expect(handler(event, context)).rejects.toMatchObject({
    name: 'ThrottlingException',
    message: 'RequestLimitExceeded: Request limit exceeded.',
  });
});
