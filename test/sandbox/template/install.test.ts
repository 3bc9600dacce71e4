import { EventBridge } from '@aws-sdk/client-eventbridge';
import { Lambda } from '@aws-sdk/client-lambda';
import { S3 } from '@aws-sdk/client-s3';
import { SFN } from '@aws-sdk/client-sfn';
import { SQS } from '@aws-sdk/client-sqs';
import { SSM } from '@aws-sdk/client-ssm';
import type { Sandbox } from '@nightshift/sandbox';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { startNightshift } from '../../../cli/start-sandbox.ts';
import { worldOf } from '../../workflow/worlds.ts';
import { TEMPLATE } from './template.ts';

const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-passing';

let sandbox: Sandbox;
const bugs: unknown[] = [];
beforeAll(async () => {
  sandbox = await startNightshift({ world: worldOf({}), template: TEMPLATE, onBug: (bug) => bugs.push(bug) });
});
afterAll(async () => {
  await sandbox.stop();
  expect(bugs).toEqual([]);
});
beforeEach(() => sandbox.load(worldOf({})));

const options = () => ({
  endpoint: sandbox.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'tester', secretAccessKey: 'tester' },
  maxAttempts: 1,
});

async function post(path: string, body: object): Promise<unknown> {
  const response = await fetch(`${sandbox.endpoint}${path}`, { method: 'POST', body: JSON.stringify(body) });
  return response.json();
}

const calls = (principal: string) =>
  sandbox.calls.filter((call) => call.principal === principal).map(({ operation, error }) => [operation, error]);

test('what the template names is there, and what its condition forbids is not', async () => {
  expect(sandbox.stateMachines).toMatchObject({ passing: MACHINE });
  expect(Object.keys(sandbox.stateMachines)).toEqual(['passing', 'asking', 'asking-wrongly']);
  const { Functions } = await new Lambda(options()).listFunctions({});
  expect(Functions).toMatchObject([{ FunctionName: 'nightshift-on-execution-ended', MemorySize: 512, Timeout: 30 }]);
  const { Rules } = await new EventBridge(options()).listRules({});
  expect(Rules?.map(({ Name }) => Name)).toEqual([
    'nightshift-closed',
    'strange',
    'nightshift-execution-ended',
    'nightshift-unpermitted',
  ]);
  const s3 = new S3({ ...options(), forcePathStyle: true });
  expect((await s3.listBuckets({})).Buckets?.map(({ Name }) => Name)).toEqual([
    'nightshift-evidence-111122223333-us-east-1',
  ]);
  const { Content } = await new SSM(options()).getDocument({ Name: 'nightshift-clean-node' });
  expect(JSON.parse(Content ?? '')).toMatchObject({ mainSteps: [{ inputs: { runCommand: ['true'] } }] });
  expect(await sandbox.state()).toMatchObject({
    queues: [{ name: 'nightshift-dead-events', messages: 0 }],
    alarms: [],
    schedules: [{ group: 'nightshift-sweeps', name: 'nightshift-sweep', expression: 'rate(1 day)' }],
  });
});

test('an execution through the alias is heard of by the function, which calls as its role', async () => {
  const sfn = new SFN(options());
  await sandbox.live.region.clock.busy(async () => {
    const { executionArn } = await sfn.startExecution({ stateMachineArn: `${MACHINE}:live`, name: 'one', input: '{}' });
    await sfn.stopExecution({ executionArn });
  });
  await sandbox.live.region.clock.idle();
  const [delivery] = sandbox.calls.filter(({ principal }) => principal === 'events');
  expect(delivery).toMatchObject({
    operation: 'Invoke',
    input: {
      FunctionName: 'nightshift-on-execution-ended',
      Payload: {
        detail: { status: 'ABORTED', stateMachineArn: MACHINE, stateMachineAliasArn: `${MACHINE}:live` },
      },
    },
  });
  expect(calls('nightshift-on-execution-ended-us-east-1')).toContainEqual(['GetObject', 'NoSuchKey']);
});

test('a definition has its placeholders filled', async () => {
  const sfn = new SFN(options());
  const { executionArn = '' } = await sfn.startExecution({ stateMachineArn: MACHINE });
  await sandbox.live.stepFunctions.ended(executionArn);
  expect((await sfn.describeExecution({ executionArn })).output).toBe('"\\"b\\""');
});

test('a task calls the version of a function that the template publishes', async () => {
  const sfn = new SFN(options());
  const ended = async (name: string) => {
    const { executionArn = '' } = await sfn.startExecution({ stateMachineArn: MACHINE.replace('passing', name) });
    await sandbox.live.stepFunctions.ended(executionArn);
    return (await sfn.describeExecution({ executionArn })).error;
  };
  // What the function says to an empty event.
  expect(await ended('asking')).toBe('InvalidRequest');
  expect(await ended('asking-wrongly')).toBe('Lambda.ResourceNotFoundException');
  const invoked = sandbox.calls.filter(({ operation }) => operation === 'Invoke');
  expect(invoked.map(({ input }) => input)).toEqual([
    { FunctionName: 'nightshift-on-execution-ended', Qualifier: '1' },
    { FunctionName: 'nightshift-on-execution-ended', Qualifier: '2' },
  ]);
  const published = { FunctionName: 'nightshift-on-execution-ended', Qualifier: '1' };
  expect(await new Lambda(options()).getFunctionConfiguration(published)).toMatchObject({
    FunctionArn: 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-on-execution-ended:1',
    Version: '1',
  });
  const reply = await new Lambda(options()).invoke({ ...published, FunctionName: `${published.FunctionName}:1` });
  expect(reply).toMatchObject({ ExecutedVersion: '1', FunctionError: 'Unhandled' });
});

test('a schedule fires as the role that it names, through the alias', async () => {
  expect(await post('/_sandbox/schedules', { group: 'nightshift-sweeps', name: 'nightshift-sweep' })).toEqual({
    fired: true,
  });
  expect(calls('nightshift-sweeper-us-east-1')).toEqual([['StartExecution', undefined]]);
});

test('a rule that the function does not permit fills the dead-letter queue, which rings', async () => {
  const event = { source: 'tester', 'detail-type': 'Test', detail: {} };
  expect(await post('/_sandbox/events', event)).toMatchObject([{ rules: ['nightshift-unpermitted'] }]);
  await sandbox.live.region.clock.idle();
  expect(await sandbox.state()).toMatchObject({
    queues: [{ name: 'nightshift-dead-events', messages: 1 }],
    alarms: ['nightshift-dead-events'],
  });
  const { Messages } = await new SQS(options()).receiveMessage({
    QueueUrl: `${sandbox.endpoint}/111122223333/nightshift-dead-events`,
    MessageAttributeNames: ['ERROR_CODE'],
  });
  expect(Messages?.[0]?.MessageAttributes?.['ERROR_CODE']?.StringValue).toBe('AccessDeniedException');
});

test('a topic takes no event that its policy does not allow, and a queue no dead letter', async () => {
  const event = { source: 'closed', 'detail-type': 'Test', detail: {} };
  expect(await post('/_sandbox/events', event)).toMatchObject([{ rules: ['nightshift-closed', 'strange'] }]);
  await sandbox.live.region.clock.idle();
  expect(await sandbox.state()).toMatchObject({
    topics: [{ name: 'closed', messages: [] }],
    // The queue's policy is for rules of nightshift's.
    queues: [{ name: 'nightshift-dead-events', messages: 1 }],
  });
});

test('what a function cannot do is not tried again where the template says so, and is recorded as its role', async () => {
  const detail = { stateMachineArn: MACHINE, status: 'ABORTED' };
  await post('/_sandbox/events', { source: 'aws.states', 'detail-type': 'Malformed', detail });
  await sandbox.live.region.clock.idle();
  expect(calls('events')).toEqual([['Invoke', 'InvalidRequest']]);
  expect(calls('nightshift-on-execution-ended-us-east-1')).toEqual([['SendMessage', undefined]]);
});

test.each([
  ['no template', { Resources: { One: {} } }, "the template's Resources.One.Type"],
  ['a function without bundle', { Fn: fn({ FunctionName: 'nightshift-none' }) }, 'no bundle for the function'],
  [
    'a version of nothing',
    { Version: { Type: 'AWS::Lambda::Version', Properties: { FunctionName: 'nightshift-none' } } },
    'a version is for the function nightshift-none, which is not there',
  ],
  ['an unknown intrinsic', { Fn: fn({ FunctionName: { 'Fn::GetAZs': '' } }) }, 'does not implement Fn::GetAZs'],
  [
    'an unknown attribute',
    { Fn: fn({ FunctionName: { 'Fn::GetAtt': ['Fn2', 'Url'] } }), Fn2: fn({}) },
    'knows no Url of Fn2',
  ],
  ['a reference to nothing', { Fn: fn({ FunctionName: { Ref: 'Other' } }) }, 'there is no resource Other'],
  ['a circle', { Fn: fn({ FunctionName: { Ref: 'Fn' } }) }, 'the resource Fn refers to itself'],
])('%s is refused by name', async (_, resources, problem) => {
  const template = 'One' in resources || 'Resources' in resources ? resources : { Resources: resources };
  await expect(startNightshift({ world: worldOf({}), template })).rejects.toThrow(problem);
});

function fn(Properties: object) {
  return { Type: 'AWS::Lambda::Function', Properties };
}
