import type { SFN } from '@aws-sdk/client-sfn';
import type { SQS } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ServedRegion, startOnly, startStates } from './served.ts';

const TOKEN = '{% $states.context.Task.Token %}';
const TOPIC = 'arn:aws:sns:us-east-1:111122223333:approvals';

let world: ServedRegion;
let sfn: SFN;
let sqs: SQS;
let QueueUrl: string;
beforeEach(async () => {
  world = new ServedRegion();
  ({ sfn, sqs } = await world.open());
  QueueUrl = String((await sqs.createQueue({ QueueName: 'approvals' })).QueueUrl);
  world.topics.create(TOPIC);
});
afterEach(async () => {
  await world.close();
  expect([...world.bugs, ...world.broken, ...world.clockErrors]).toEqual([]);
});

const asks = (fields: Record<string, unknown> = {}) => ({
  Type: 'Task',
  Resource: 'arn:aws:states:::sqs:sendMessage.waitForTaskToken',
  Arguments: { QueueUrl, MessageBody: { token: TOKEN, cluster: 'demo' } },
  ...fields,
});
/** The token in the next message; the attempt that sent it is waiting then. */
async function received(): Promise<string> {
  const { Messages } = await sqs.receiveMessage({ QueueUrl });
  const [message] = Messages ?? [];
  const body: unknown = JSON.parse(message?.Body ?? 'null');
  // A message that is only received comes again after half a minute, before a newer one.
  await sqs.deleteMessage({ QueueUrl, ReceiptHandle: message?.ReceiptHandle });
  expect(body).toEqual({ token: expect.any(String), cluster: 'demo' });
  return typeof body === 'object' && body !== null && 'token' in body ? String(body.token) : '';
}
const historyOf = async (executionArn: string) => (await sfn.getExecutionHistory({ executionArn })).events ?? [];
const typesOf = async (arn: string) => (await historyOf(arn)).map(({ type }) => String(type));

test('a task waits until its token comes back with a result', async () => {
  const arn = await startOnly(sfn, asks());
  await world.clock.idle();
  const taskToken = await received();
  expect((await sfn.describeExecution({ executionArn: arn })).status).toBe('RUNNING');
  await sfn.sendTaskHeartbeat({ taskToken });
  await sfn.sendTaskSuccess({ taskToken, output: '{"approved": true}' });
  await world.clock.idle();
  expect(await sfn.describeExecution({ executionArn: arn })).toMatchObject({
    status: 'SUCCEEDED',
    output: '{"approved":true}',
  });
  const events = await historyOf(arn);
  expect(events.map(({ type }) => String(type))).toEqual([
    'ExecutionStarted',
    'TaskStateEntered',
    'TaskScheduled',
    'TaskStarted',
    'TaskSubmitted',
    'TaskSucceeded',
    'TaskStateExited',
    'ExecutionSucceeded',
  ]);
  const named = { resourceType: 'sqs', resource: 'sendMessage.waitForTaskToken' };
  expect(events[2]?.taskScheduledEventDetails).toMatchObject(named);
  expect(events[4]?.taskSubmittedEventDetails).toMatchObject(named);
  expect(events[5]?.taskSucceededEventDetails).toMatchObject({ ...named, output: '{"approved":true}' });
});

test('a failure that is reported by the token is the task’s own, and can be caught', async () => {
  const Only = asks({
    Catch: [{ ErrorEquals: ['Refused'], Next: 'After', Output: '{% $states.errorOutput %}' }],
    End: true,
  });
  const arn = await startStates(sfn, { Only, After: { Type: 'Succeed' } }, 'Only');
  await world.clock.idle();
  await sfn.sendTaskFailure({ taskToken: await received(), error: 'Refused', cause: 'not tonight' });
  await world.clock.idle();
  const { output } = await sfn.describeExecution({ executionArn: arn });
  expect(JSON.parse(output ?? '')).toEqual({ Error: 'Refused', Cause: 'not tonight' });
  expect((await historyOf(arn))[5]?.taskFailedEventDetails).toMatchObject({ error: 'Refused', cause: 'not tonight' });
});

test('a failure without error and cause is caught as null and null', async () => {
  const Only = asks({
    Catch: [{ ErrorEquals: ['States.ALL'], Next: 'After', Output: '{% $states.errorOutput %}' }],
    End: true,
  });
  const arn = await startStates(sfn, { Only, After: { Type: 'Succeed' } }, 'Only');
  await world.clock.idle();
  await sfn.sendTaskFailure({ taskToken: await received() });
  await world.clock.idle();
  const { output } = await sfn.describeExecution({ executionArn: arn });
  expect(JSON.parse(output ?? '')).toEqual({ Error: null, Cause: null });
});

test('a task whose token does not come back times out, and its token is worthless then', async () => {
  const arn = await startOnly(sfn, asks({ TimeoutSeconds: 600 }));
  await world.clock.idle();
  expect(await sfn.describeExecution({ executionArn: arn })).toMatchObject({
    status: 'FAILED',
    error: 'States.Timeout',
    stopDate: new Date('2026-11-21T22:10:00Z'),
  });
  expect((await historyOf(arn))[2]?.taskScheduledEventDetails).toMatchObject({ timeoutInSeconds: 600 });
  expect((await typesOf(arn)).slice(-2)).toEqual(['TaskTimedOut', 'ExecutionFailed']);
  const late = { taskToken: await received(), output: '{}' };
  await expect(sfn.sendTaskSuccess(late)).rejects.toMatchObject({
    name: 'TaskTimedOut',
    message: "Task Timed Out: 'Provided task does not exist anymore'",
  });
});

test('a task without heartbeats times out earlier; each heartbeat starts the time again', async () => {
  const arn = await startOnly(sfn, asks({ TimeoutSeconds: 600, HeartbeatSeconds: '{% 60 %}' }));
  await world.frozen(async (clock) => {
    while (world.calls.every(({ operation }) => operation !== 'SendMessage')) await new Promise(setImmediate);
    const taskToken = await received();
    await clock.skip(50_000);
    await sfn.sendTaskHeartbeat({ taskToken });
    await clock.skip(50_000);
  });
  await world.clock.idle();
  expect(await sfn.describeExecution({ executionArn: arn })).toMatchObject({
    error: 'States.Timeout',
    stopDate: new Date('2026-11-21T22:01:50Z'),
  });
  const events = await historyOf(arn);
  expect(events[2]?.taskScheduledEventDetails).toMatchObject({ heartbeatInSeconds: 60, timeoutInSeconds: 600 });
  expect(events.at(-2)).toMatchObject({ type: 'TaskTimedOut', taskTimedOutEventDetails: { error: 'States.Timeout' } });
});

test.each([
  ['HeartbeatSeconds: 60', { HeartbeatSeconds: 60 }, 'SUCCEEDED'],
  ['TimeoutSeconds: 60', { TimeoutSeconds: 60 }, 'FAILED'],
])('States.HeartbeatTimeout catches the end of %s: %j %s', async (_, fields, status) => {
  const Only = asks({ ...fields, Catch: [{ ErrorEquals: ['States.HeartbeatTimeout'], Next: 'After' }], End: true });
  const arn = await startStates(sfn, { Only, After: { Type: 'Succeed' } }, 'Only');
  await world.clock.idle();
  expect((await sfn.describeExecution({ executionArn: arn })).status).toBe(status);
});

test('a retried task has a new token, and the former one is worthless', async () => {
  const Retry = [{ ErrorEquals: ['States.Timeout'], MaxAttempts: 1 }];
  const arn = await startOnly(sfn, asks({ TimeoutSeconds: 60, Retry }));
  const [first, second] = await world.frozen(async (clock) => {
    const sent = async (count: number) => {
      while (world.calls.filter(({ operation }) => operation === 'SendMessage').length < count)
        await new Promise(setImmediate);
      return received();
    };
    const one = await sent(1);
    await clock.skip(60_000);
    // The time goes on when the retry is waited for.
    while (clock.now().getTime() < Date.parse('2026-11-21T22:01:01Z')) {
      await clock.skip(1000);
      await new Promise(setImmediate);
    }
    return [one, await sent(2)];
  });
  expect(first).not.toBe(second);
  await world.frozen(async () => {
    const output = '1';
    await expect(sfn.sendTaskSuccess({ taskToken: first, output })).rejects.toMatchObject({ name: 'TaskTimedOut' });
    await sfn.sendTaskSuccess({ taskToken: second, output });
  });
  await world.clock.idle();
  expect((await sfn.describeExecution({ executionArn: arn })).output).toBe('1');
});

test('a token that was never issued, a result that is no JSON and a second report are refused', async () => {
  await startOnly(sfn, asks());
  await world.clock.idle();
  const taskToken = await received();
  await expect(sfn.sendTaskSuccess({ taskToken: 'AQCo', output: '1' })).rejects.toMatchObject({
    name: 'InvalidToken',
    message: "Invalid Token: 'Invalid token'",
  });
  await expect(sfn.sendTaskHeartbeat({ taskToken: 'AQCo' })).rejects.toMatchObject({ name: 'InvalidToken' });
  await expect(sfn.sendTaskSuccess({ taskToken, output: 'yes' })).rejects.toMatchObject({ name: 'InvalidOutput' });
  await sfn.sendTaskSuccess({ taskToken, output: '"yes"' });
  await expect(sfn.sendTaskFailure({ taskToken })).rejects.toMatchObject({ name: 'TaskTimedOut' });
});

test('a stopped execution’s token is worthless', async () => {
  const executionArn = await startOnly(sfn, asks());
  await world.clock.idle();
  const taskToken = await received();
  await sfn.stopExecution({ executionArn });
  await world.clock.idle();
  await expect(sfn.sendTaskHeartbeat({ taskToken })).rejects.toMatchObject({ name: 'TaskTimedOut' });
});

test('a function may report by the token before it answers', async () => {
  world.invoke = async (_name, payload) => {
    const taskToken = typeof payload === 'object' && payload && 'token' in payload ? String(payload.token) : '';
    await sfn.sendTaskSuccess({ taskToken, output: '"early"' });
    return { payload: 'answered' };
  };
  const arn = await startOnly(sfn, {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Arguments: { FunctionName: 'approve', Payload: { token: TOKEN } },
  });
  await world.clock.idle();
  expect((await sfn.describeExecution({ executionArn: arn })).output).toBe('"early"');
  const submitted = (await historyOf(arn))[4]?.taskSubmittedEventDetails;
  expect(JSON.parse(submitted?.output ?? '')).toMatchObject({ Payload: 'answered', StatusCode: 200 });
});

test('a function that fails ends a task with a token at once', async () => {
  world.invoke = () => Promise.resolve({ error: { errorType: 'Broken', errorMessage: 'no' } });
  const arn = await startOnly(sfn, {
    Type: 'Task',
    Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
    Arguments: { FunctionName: 'approve', Payload: { token: TOKEN } },
  });
  await world.clock.idle();
  expect((await sfn.describeExecution({ executionArn: arn })).error).toBe('Broken');
});

test('a token goes out by a topic and by an event too', async () => {
  const byTopic = await startOnly(
    sfn,
    {
      Type: 'Task',
      Resource: 'arn:aws:states:::sns:publish.waitForTaskToken',
      Arguments: { TopicArn: TOPIC, Message: { token: TOKEN } },
    },
    {},
    'by-topic',
  );
  const byEvent = await startOnly(
    sfn,
    {
      Type: 'Task',
      Resource: 'arn:aws:states:::events:putEvents.waitForTaskToken',
      Arguments: { Entries: [{ Source: 'fleet', DetailType: 'Approval', Detail: { token: TOKEN } }] },
    },
    {},
    'by-event',
  );
  await world.clock.idle();
  const details = [
    JSON.parse(world.topics.list()[0]?.messages[0] ?? 'null'),
    world.events.find((event) => event['detail-type'] === 'Approval')?.detail,
  ];
  for (const { token } of details) await sfn.sendTaskSuccess({ taskToken: token, output: '1' });
  await world.clock.idle();
  for (const executionArn of [byTopic, byEvent])
    expect(await sfn.describeExecution({ executionArn })).toMatchObject({ status: 'SUCCEEDED', output: '1' });
});

test('a message can be sent and published without waiting', async () => {
  const Send = {
    Type: 'Task',
    Resource: 'arn:aws:states:::sqs:sendMessage',
    Arguments: { QueueUrl, MessageBody: 'plain' },
    Output: '{% $keys($states.result) %}',
    Next: 'Publish',
  };
  const Publish = {
    Type: 'Task',
    Resource: 'arn:aws:states:::sns:publish',
    Arguments: { TopicArn: TOPIC, Message: 'plain' },
    Output: '{% $append($states.input, $keys($states.result)) %}',
    End: true,
  };
  const arn = await startStates(sfn, { Send, Publish }, 'Send');
  await world.clock.idle();
  const { output } = await sfn.describeExecution({ executionArn: arn });
  expect(JSON.parse(output ?? '')).toEqual(['MessageId', 'MD5OfMessageBody', 'MessageId']);
  expect((await sqs.receiveMessage({ QueueUrl })).Messages).toMatchObject([{ Body: 'plain' }]);
  expect(world.topics.list()).toEqual([{ arn: TOPIC, messages: ['plain'] }]);
});

test.each([
  ['sqs:sendMessage', { QueueUrl: 'http://localhost/111122223333/none', MessageBody: '1' }, 'SQS.AmazonSQSException'],
  ['sns:publish', { TopicArn: 'arn:aws:sns:us-east-1:111122223333:none', Message: '1' }, 'SNS.NotFoundException'],
])('%s to nowhere fails by name', async (resource, Arguments, error) => {
  const arn = await startOnly(sfn, { Type: 'Task', Resource: `arn:aws:states:::${resource}`, Arguments });
  await world.clock.idle();
  expect((await sfn.describeExecution({ executionArn: arn })).error).toBe(error);
});

test.each([
  [{ HeartbeatSeconds: 60, TimeoutSeconds: 60 }, /HeartbeatSeconds must be smaller than TimeoutSeconds/],
  [
    { HeartbeatSeconds: 60, Resource: 'arn:aws:states:::sqs:sendMessage' },
    /HeartbeatSeconds is supported with \.waitForTaskToken only/,
  ],
  [{ Resource: 'arn:aws:states:::states:startExecution.sync.waitForTaskToken' }, /is not supported/],
])('a task with %j is refused', async (fields, message) => {
  await expect(startOnly(sfn, asks(fields))).rejects.toMatchObject({ name: 'InvalidDefinition', message });
});
