import { EventBridge } from '@aws-sdk/client-eventbridge';
import { SQS } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Messaging, openMessaging } from '../../messaging.ts';
import { TestRegion } from './region.ts';

const FUNCTION = 'arn:aws:lambda:us-east-1:111122223333:function:hear';
const QUEUE = 'arn:aws:sqs:us-east-1:111122223333:dead';
const ROLE = 'arn:aws:iam::111122223333:role/forwarder';

let world: TestRegion;
let messaging: Messaging;
let events: EventBridge;
let sqs: SQS;
let heard: { event: unknown; second: number }[];
let failures: number;
beforeEach(async () => {
  world = new TestRegion();
  heard = [];
  failures = 0;
  const { region, calls, dispatcher } = world;
  messaging = openMessaging({
    region,
    calls,
    dispatcher,
    endpoint: 'http://127.0.0.1',
    findFunction: (name) =>
      name === 'hear' ? { arn: FUNCTION, bundle: '', environment: {}, memory: 128, timeout: 1 } : undefined,
    invoke: (_, event) => {
      heard.push({ event, second: (region.clock.now().getTime() - Date.parse('2026-11-21T22:00:00Z')) / 1000 });
      return Promise.resolve(
        failures-- > 0 ? { error: { errorType: 'Oops', errorMessage: 'oops', trace: [] } } : { payload: null },
      );
    },
  });
  const options = await world.listen();
  events = new EventBridge(options);
  sqs = new SQS(options);
  await sqs.createQueue({ QueueName: 'dead' });
  await events.putRule({ Name: 'succeeded', EventPattern: '{"detail-type":["Succeeded"]}' });
});
afterEach(() => world.close());

const targets = (...Targets: { Id: string; Arn: string; [key: string]: unknown }[]) =>
  events.putTargets({ Rule: 'succeeded', Targets });

const put = (DetailType: string) =>
  events.putEvents({ Entries: [{ Source: 'nightshift', DetailType, Detail: '{"cluster":"demo","nodes":[3]}' }] });

async function deadLetters() {
  const { Messages = [] } = await sqs.receiveMessage({
    QueueUrl: 'http://127.0.0.1/111122223333/dead',
    MessageAttributeNames: ['All'],
  });
  return Messages.map(({ Body = '', MessageAttributes = {} }) => ({
    body: JSON.parse(Body),
    attributes: Object.fromEntries(Object.entries(MessageAttributes).map(([key, value]) => [key, value.StringValue])),
  }));
}

test('an event reaches the targets of the rule that it matches, half a second later', async () => {
  await targets({ Id: '1', Arn: FUNCTION }, { Id: '2', Arn: QUEUE });
  await put('Failed');
  await put('Succeeded');
  await world.clock.idle();
  expect(heard).toMatchObject([{ event: { source: 'nightshift', detail: { cluster: 'demo' } }, second: 0.5 }]);
  expect(await deadLetters()).toMatchObject([{ body: { 'detail-type': 'Succeeded', account: '111122223333' } }]);
});

test('a disabled rule and a removed target get no event', async () => {
  await targets({ Id: '1', Arn: FUNCTION });
  await events.putRule({ Name: 'succeeded', EventPattern: '{"detail-type":["Succeeded"]}', State: 'DISABLED' });
  await put('Succeeded');
  await events.putRule({ Name: 'succeeded', EventPattern: '{"detail-type":["Succeeded"]}' });
  await events.removeTargets({ Rule: 'succeeded', Ids: ['1'] });
  await put('Succeeded');
  await world.clock.idle();
  expect(heard).toEqual([]);
});

test('a target gets its own input, a part of the event, or what its template makes of it', async () => {
  const InputTransformer = {
    InputPathsMap: { cluster: '$.detail.cluster', nodes: '$.detail.nodes[0]' },
    InputTemplate: '{"text": "<cluster> has <nodes>", "nodes": <nodes>}',
  };
  await targets(
    { Id: '1', Arn: FUNCTION, Input: '{"kind":"sweep"}' },
    { Id: '2', Arn: FUNCTION, InputPath: '$.detail' },
    { Id: '3', Arn: FUNCTION, InputTransformer },
  );
  await put('Succeeded');
  await world.clock.idle();
  expect(heard.map(({ event }) => event)).toEqual([
    { kind: 'sweep' },
    { cluster: 'demo', nodes: [3] },
    { text: 'demo has 3', nodes: 3 },
  ]);
});

test('a function that fails three times is given up, and its own dead-letter queue gets the event', async () => {
  messaging.invocations.configure('hear', { deadLetterArn: QUEUE });
  failures = 3;
  await targets({ Id: '1', Arn: FUNCTION });
  await put('Succeeded');
  await world.clock.idle();
  expect(heard.map(({ second }) => second)).toEqual([0.5, 60.5, 180.5]);
  expect(await deadLetters()).toMatchObject([
    { body: { 'detail-type': 'Succeeded' }, attributes: { ErrorCode: '200', ErrorMessage: 'oops' } },
  ]);
});

test('a function without retries sends a record of its failure', async () => {
  messaging.invocations.configure('hear', { retries: 0, onFailureArn: QUEUE });
  failures = 1;
  await targets({ Id: '1', Arn: FUNCTION });
  await put('Succeeded');
  await world.clock.idle();
  expect(await deadLetters()).toMatchObject([
    {
      body: {
        requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 1 },
        requestPayload: { 'detail-type': 'Succeeded' },
        responsePayload: { errorType: 'Oops', errorMessage: 'oops' },
      },
    },
  ]);
});

test('an event for a target that is gone goes to the dead-letter queue, which counts it', async () => {
  await targets({ Id: '1', Arn: `${FUNCTION}-er`, DeadLetterConfig: { Arn: QUEUE } });
  await put('Succeeded');
  await world.clock.idle();
  const QueueUrl = 'http://127.0.0.1/111122223333/dead';
  const { Attributes } = await sqs.getQueueAttributes({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] });
  expect(Attributes).toEqual({ ApproximateNumberOfMessages: '1' });
  expect(await deadLetters()).toMatchObject([
    {
      body: { source: 'nightshift' },
      attributes: {
        RULE_ARN: 'arn:aws:events:us-east-1:111122223333:rule/succeeded',
        TARGET_ARN: 'arn:aws:lambda:us-east-1:111122223333:function:hear-er',
        ERROR_CODE: 'ResourceNotFoundException',
        RETRY_ATTEMPTS: '0',
      },
    },
  ]);
});

test('a rule without permission to invoke the function does not invoke it', async () => {
  messaging.permissions.set('hear', ['arn:aws:events:us-east-1:111122223333:rule/other']);
  await targets({ Id: '1', Arn: FUNCTION, DeadLetterConfig: { Arn: QUEUE } });
  await put('Succeeded');
  await world.clock.idle();
  expect(heard).toEqual([]);
  expect(await deadLetters()).toMatchObject([{ attributes: { ERROR_CODE: 'AccessDeniedException' } }]);
});

test('a throttled queue is tried again until the event is too old', async () => {
  await events.putTargets({
    Rule: 'succeeded',
    Targets: [{ Id: '1', Arn: QUEUE, RetryPolicy: { MaximumEventAgeInSeconds: 120, MaximumRetryAttempts: 9 } }],
  });
  const on = { service: 'sqs', operation: 'SendMessage' };
  world.faults.add([{ on, error: 'RequestThrottled', times: 9 }]);
  await put('Succeeded');
  await world.clock.idle();
  const tries = world.calls.filter(({ operation }) => operation === 'SendMessage');
  expect(tries.map(({ at }) => at)).toEqual(['2026-11-21T22:00:00.500Z', '2026-11-21T22:01:00.500Z']);
});

test('an event is forwarded to a second bus unchanged; a forward to another account is only logged', async () => {
  const { EventBusArn = '' } = await events.createEventBus({ Name: 'ops' });
  const central = 'arn:aws:events:us-east-1:444455556666:event-bus/central';
  await targets({ Id: '1', Arn: EventBusArn, RoleArn: ROLE }, { Id: '2', Arn: central, RoleArn: ROLE });
  await events.putRule({ Name: 'all', EventBusName: 'ops', EventPattern: '{"source":["nightshift"]}' });
  await events.putTargets({ Rule: 'all', EventBusName: 'ops', Targets: [{ Id: '1', Arn: FUNCTION }] });
  const { Entries } = await put('Succeeded');
  await world.clock.idle();
  expect(heard).toMatchObject([{ event: { id: Entries?.[0]?.EventId, 'detail-type': 'Succeeded' } }]);
  const forwarded = world.calls.filter(({ principal }) => principal === 'forwarder');
  expect(forwarded.map(({ operation, input }) => [operation, input])).toMatchObject([
    ['PutEvents', { Entries: [{ EventBusName: 'arn:aws:events:us-east-1:111122223333:event-bus/ops' }] }],
    ['PutEvents', { Entries: [{ EventBusName: 'arn:aws:events:us-east-1:444455556666:event-bus/central' }] }],
  ]);
});

test('a topic gets what the rule sends to it', async () => {
  const Arn = 'arn:aws:sns:us-east-1:111122223333:nightshift';
  messaging.topics.create(Arn);
  await targets({ Id: '1', Arn, InputPath: '$.detail.cluster' });
  await put('Succeeded');
  await world.clock.idle();
  expect(messaging.topics.list()).toEqual([{ arn: Arn, messages: ['"demo"'] }]);
});

test('rules are listed with their targets, and stay while they have some', async () => {
  await targets({ Id: '1', Arn: FUNCTION });
  const { Rules } = await events.listRules({});
  expect(Rules).toMatchObject([{ Name: 'succeeded', State: 'ENABLED', EventPattern: '{"detail-type":["Succeeded"]}' }]);
  expect((await events.listTargetsByRule({ Rule: 'succeeded' })).Targets).toEqual([{ Id: '1', Arn: FUNCTION }]);
  await expect(events.deleteRule({ Name: 'succeeded' })).rejects.toThrow('has targets');
  await expect(events.describeRule({ Name: 'none' })).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
});
