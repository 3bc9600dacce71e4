import { expect, test } from 'vitest';
import type { CallService } from '../../step-functions/world.ts';
import { EmulatorBug, ServiceError } from '../../wire/error.ts';
import { functionTask, only, output, run, startEngine } from './machine.ts';

const sdkTask = (resource: string, args: Record<string, unknown>, fields: Record<string, unknown> = {}) =>
  functionTask({ Resource: `arn:aws:states:::${resource}`, Arguments: args, ...fields });

function recorder(answer: Record<string, unknown> | Error) {
  const calls: unknown[] = [];
  const callService: CallService = async (call) => {
    calls.push(call);
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { calls, callService };
}

test.each([
  ['look', 'look', '$LATEST'],
  ['arn:aws:lambda:us-east-1:111122223333:function:look', 'look', '$LATEST'],
  ['arn:aws:lambda:us-east-1:111122223333:function:look:$LATEST', 'look', '$LATEST'],
  ['arn:aws:lambda:us-east-1:111122223333:function:look:3', 'look:3', '3'],
])('a function is called as %s', async (FunctionName, name, version) => {
  const names: string[] = [];
  const invokeFunction = (called: string) => Promise.resolve({ payload: names.push(called) });
  const task = functionTask({ Arguments: { FunctionName }, Output: '{% $states.result.ExecutedVersion %}' });
  const execution = await run(startEngine({ invokeFunction }), only(task));
  expect(names).toEqual([name]);
  expect(output(execution)).toBe(version);
});

test("an SDK task's arguments become the SDK's members, and its result comes back in PascalCase", async () => {
  const { calls, callService } = recorder({
    update: {
      id: 'u-1',
      status: 'InProgress',
      createdAt: new Date('2026-11-21T22:00:00Z'),
      params: [{ type: 'ConfigurationValues', value: '{}' }],
    },
  });
  const task = sdkTask('aws-sdk:eks:updateAddon', {
    ClusterName: '{% $states.input.cluster %}',
    AddonName: 'kube-proxy',
    PodIdentityAssociations: [{ ServiceAccount: 'kube-proxy', RoleArn: 'arn' }],
  });
  const execution = await run(startEngine({ callService }), only(task), { cluster: 'demo' });
  expect(calls).toEqual([
    {
      service: 'eks',
      operation: 'UpdateAddon',
      input: {
        clusterName: 'demo',
        addonName: 'kube-proxy',
        podIdentityAssociations: [{ serviceAccount: 'kube-proxy', roleArn: 'arn' }],
      },
      principal: 'nightshift-state-machines',
      principalArn: 'arn:aws:sts::111122223333:assumed-role/nightshift-state-machines/night-1',
    },
  ]);
  expect(output(execution)).toEqual({
    Update: {
      Id: 'u-1',
      Status: 'InProgress',
      CreatedAt: '2026-11-21T22:00:00Z',
      Params: [{ Type: 'ConfigurationValues', Value: '{}' }],
    },
  });
  expect(execution.history[2]?.taskScheduledEventDetails).toMatchObject({
    resourceType: 'aws-sdk:eks',
    resource: 'updateAddon',
  });
});

test('timestamps, maps and bytes are translated both ways', async () => {
  const { calls, callService } = recorder({
    Body: Buffer.from('ready'),
    LastModified: new Date('2026-11-21T22:00:00.500Z'),
    Metadata: { someKey: 'v' },
  });
  const task = sdkTask('aws-sdk:s3:getObject', { Bucket: 'b', Key: 'k', IfModifiedSince: '2026-11-20T00:00:00Z' });
  const execution = await run(startEngine({ callService }), only(task));
  expect(calls[0]).toMatchObject({ input: { IfModifiedSince: new Date('2026-11-20T00:00:00Z') } });
  expect(output(execution)).toEqual({
    Body: 'ready',
    LastModified: '2026-11-21T22:00:00.500Z',
    Metadata: { someKey: 'v' },
  });
});

// As LocalStack's snapshots record it against AWS: every blob is the JSON of what was given.
test.each([
  ['a text', 'text data', '"text data"'],
  ['a text with quotes', '{"a":1}', String.raw`"{\"a\":1}"`],
  ['an object', { a: { b: [1, null] } }, '{"a":{"b":[1,null]}}'],
  ['a list', [1, 'two'], '[1,"two"]'],
  ['a number', 7, '7'],
  ['a boolean', false, 'false'],
])('%s given to a blob is stored as its JSON', async (_, given, stored) => {
  const { calls, callService } = recorder({});
  const task = sdkTask('aws-sdk:s3:putObject', { Bucket: 'b', Key: 'k', Body: '{% $states.input.body %}' });
  await run(startEngine({ callService }), only(task), { body: given });
  expect(calls).toMatchObject([{ input: { Body: Buffer.from(stored) } }]);
});

test.each([
  ['aws-sdk:lambda:invoke', { FunctionName: 'f', Payload: 'x' }, { Payload: Buffer.from('"x"') }],
  ['aws-sdk:lambda:updateFunctionCode', { FunctionName: 'f', ZipFile: { a: 1 } }, { ZipFile: Buffer.from('{"a":1}') }],
  [
    'aws-sdk:lambda:createFunction',
    { FunctionName: 'f', Role: 'r', Code: { ZipFile: 'x' } },
    { Code: { ZipFile: Buffer.from('"x"') } },
  ],
])('%s encodes its blobs as putObject does, at any depth', async (resource, args, input) => {
  const { calls, callService } = recorder({});
  await run(startEngine({ callService }), only(sdkTask(resource, args)));
  expect(calls).toMatchObject([{ input }]);
});

test('a text member given an object gets its JSON, and a number is refused', async () => {
  const { calls, callService } = recorder({ executionArn: 'arn', startDate: new Date('2026-11-21T22:00:00Z') });
  const start = (input: unknown) => only(sdkTask('aws-sdk:sfn:startExecution', { StateMachineArn: 'a', Input: input }));
  await run(startEngine({ callService }), start({ cluster: 'demo' }));
  expect(calls).toMatchObject([{ input: { input: '{"cluster":"demo"}' } }]);
  expect((await run(startEngine({ callService }), start(7))).error).toBe('States.Runtime');
});

test('a blob in a result is its text, as unparsed JSON', async () => {
  const { callService } = recorder({ Body: Buffer.from('{"a":1}') });
  const execution = await run(
    startEngine({ callService }),
    only(sdkTask('aws-sdk:s3:getObject', { Bucket: 'b', Key: 'k' })),
  );
  expect(output(execution)).toEqual({ Body: '{"a":1}' });
});

test.each([
  [
    'aws-sdk:eks:describeUpdate',
    { Name: 'demo', UpdateId: 'u' },
    'ResourceInUseException',
    'Eks.ResourceInUseException',
  ],
  ['aws-sdk:eks:describeUpdate', { Name: 'demo', UpdateId: 'u' }, 'Strange', 'Eks.EksException'],
  ['aws-sdk:scheduler:getSchedule', { Name: 'lease' }, 'ConflictException', 'Scheduler.ConflictException'],
  [
    'aws-sdk:ssm:getCommandInvocation',
    { CommandId: 'c', InstanceId: 'i' },
    'InvocationDoesNotExist',
    'Ssm.InvocationDoesNotExistException',
  ],
  [
    'aws-sdk:sfn:describeExecution',
    { ExecutionArn: 'a' },
    'ExecutionDoesNotExist',
    'Sfn.ExecutionDoesNotExistException',
  ],
  ['aws-sdk:s3:getObject', { Bucket: 'b', Key: 'k' }, 'NoSuchKey', 'S3.NoSuchKeyException'],
  [
    'states:startExecution',
    { StateMachineArn: 'a' },
    'ExecutionAlreadyExists',
    'StepFunctions.ExecutionAlreadyExistsException',
  ],
])('%s %j answered with %s fails as %s', async (resource, args, code, name) => {
  const { callService } = recorder(new ServiceError(code, 'no', 409));
  const execution = await run(startEngine({ callService }), only(sdkTask(resource, args)));
  expect(execution.error).toBe(name);
  expect(execution.cause).toMatch(/^no \(Service: \w+, Status Code: 409, Request ID: [0-9a-f-]{36}\)$/);
});

test("a function's service error keeps Lambda's own name", async () => {
  const invokeFunction = () => Promise.reject(new ServiceError('TooManyRequestsException', 'Rate exceeded', 429));
  const execution = await run(startEngine({ invokeFunction }), only(functionTask()), { cluster: 'demo' });
  expect(execution.error).toBe('Lambda.TooManyRequestsException');
});

test('an argument of the wrong type is States.Runtime, before anything is called', async () => {
  const { calls, callService } = recorder({});
  const task = sdkTask('aws-sdk:eks:describeUpdate', { Name: '{% 7 %}', UpdateId: 'u' });
  const execution = await run(startEngine({ callService }), only(task));
  expect([execution.error, execution.cause, calls.length]).toEqual([
    'States.Runtime',
    "The Parameters field 'Arguments.Name' could not be used: a string expected.",
    0,
  ]);
});

test('an error of the sandbox is reported and never caught', async () => {
  const { callService } = recorder(new EmulatorBug('broken reply'));
  const world = startEngine({ callService });
  const task = sdkTask(
    'aws-sdk:eks:describeUpdate',
    { Name: 'demo', UpdateId: 'u' },
    { Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Only' }] },
  );
  const execution = await run(world, only(task));
  expect(execution.error).toBe('States.Runtime');
  expect(world.bugs).toEqual([new EmulatorBug('broken reply')]);
});

test('events carry who sent them, and a rejected entry fails the task', async () => {
  const { calls, callService } = recorder({ FailedEntryCount: 0, Entries: [{ EventId: 'e-1' }] });
  const entries = {
    Entries: [
      {
        Source: 'nightshift',
        DetailType: 'nightshift.MigrationSucceeded',
        Detail: { cluster: '{% $states.input.cluster %}' },
      },
    ],
  };
  const execution = await run(startEngine({ callService }), only(sdkTask('events:putEvents', entries)), {
    cluster: 'demo',
  });
  expect(output(execution)).toEqual({ FailedEntryCount: 0, Entries: [{ EventId: 'e-1' }] });
  expect(calls[0]).toMatchObject({
    service: 'events',
    operation: 'PutEvents',
    input: {
      Entries: [
        {
          Source: 'nightshift',
          DetailType: 'nightshift.MigrationSucceeded',
          Detail: '{"cluster":"demo"}',
          Resources: [
            'arn:aws:states:eu-central-1:111122223333:stateMachine:small',
            'arn:aws:states:eu-central-1:111122223333:execution:small:night-1',
          ],
        },
      ],
    },
  });
  const rejecting = recorder({ FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure' }] });
  const rejected = await run(startEngine(rejecting), only(sdkTask('events:putEvents', entries)), { cluster: 'demo' });
  expect(rejected.error).toBe('EventBridge.FailedEntry');
});
