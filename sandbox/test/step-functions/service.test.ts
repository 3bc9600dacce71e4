import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { expect, test } from 'vitest';
import type { VirtualClock } from '../../clock.ts';
import { Faults } from '../../faults.ts';
import type { ApiCall } from '../../region.ts';
import type { StepFunctions } from '../../step-functions/engine.ts';
import { stepFunctionsService } from '../../step-functions/service.ts';
import { Dispatcher } from '../../wire/dispatcher.ts';
import { only, startEngine } from './machine.ts';

interface Api {
  engine: StepFunctions;
  clock: VirtualClock;
  calls: ApiCall[];
  call(operation: string, input: Record<string, unknown>): Promise<Record<string, unknown>>;
}

const MACHINE = 'arn:aws:states:eu-central-1:111122223333:stateMachine:migrate-cluster';
const MAP_RUN = 'arn:aws:states:us-east-1:111122223333:mapRun:demo/Each:none';
const EXECUTION = 'arn:aws:states:eu-central-1:111122223333:execution:migrate-cluster';
const roleArn = 'arn:aws:iam::111122223333:role/nightshift-state-machines';

/** The service behind the sandbox's own dispatcher, which checks inputs and replies against the SDK's schema. */
async function serve(definition: Record<string, unknown> = only({ Type: 'Wait', Seconds: 3600 })): Promise<Api> {
  const calls: ApiCall[] = [];
  const hub: { dispatcher?: Dispatcher } = {};
  const world = startEngine({
    callService: async (call) => (await hub.dispatcher?.call(call)) ?? {},
  });
  const dispatcher = new Dispatcher({ clock: world.clock, calls, faults: new Faults(world.region) });
  hub.dispatcher = dispatcher;
  dispatcher.register('states', stepFunctionsService(world.engine));
  const caller = { principal: 'person', principalArn: 'arn:aws:iam::111122223333:user/person' };
  const call: Api['call'] = (operation, input) => dispatcher.call({ service: 'states', operation, input, ...caller });
  const text = JSON.stringify({ QueryLanguage: 'JSONata', ...definition });
  await call('CreateStateMachine', { name: 'migrate-cluster', definition: text, roleArn });
  return { engine: world.engine, clock: world.clock, calls, call };
}

const start = (api: Api, fields: Record<string, unknown> = {}) =>
  api.call('StartExecution', { stateMachineArn: MACHINE, ...fields });

async function end(api: Api, name: string): Promise<void> {
  await api.engine.ended(`${EXECUTION}:${name}`);
}

test('an execution can be started, described and read', async () => {
  const api = await serve();
  await expect(start(api, { name: 'night-1', input: '{"cluster": "demo"}' })).resolves.toEqual({
    executionArn: `${EXECUTION}:night-1`,
    startDate: new Date('2026-11-21T22:00:00Z'),
  });
  await expect(api.call('DescribeExecution', { executionArn: `${EXECUTION}:night-1` })).resolves.toMatchObject({
    status: 'RUNNING',
    input: '{"cluster":"demo"}',
  });
  await end(api, 'night-1');
  await expect(api.call('DescribeExecution', { executionArn: `${EXECUTION}:night-1` })).resolves.toMatchObject({
    status: 'SUCCEEDED',
    output: '{"cluster":"demo"}',
    stopDate: new Date('2026-11-21T23:00:00Z'),
    redriveStatusReason: 'Execution is SUCCEEDED and cannot be redriven',
  });
});

test('the definition is described as it was given', async () => {
  const api = await serve(only({ Type: 'Succeed' }));
  const definition = '{"QueryLanguage":"JSONata","StartAt":"Only","States":{"Only":{"Type":"Succeed"}}}';
  const described = { stateMachineArn: MACHINE, name: 'migrate-cluster', definition, roleArn };
  await expect(api.call('DescribeStateMachine', { stateMachineArn: MACHINE })).resolves.toMatchObject({
    ...described,
    status: 'ACTIVE',
  });
  await start(api, { name: 'night-1' });
  await expect(
    api.call('DescribeStateMachineForExecution', { executionArn: `${EXECUTION}:night-1` }),
  ).resolves.toMatchObject(described);
  await expect(api.call('ListStateMachines', {})).resolves.toMatchObject({
    stateMachines: [{ name: 'migrate-cluster' }],
  });
});

test('a definition with a hole is refused', async () => {
  const api = await serve();
  await expect(
    api.call('CreateStateMachine', { name: 'other', definition: '{"StartAt": "${Start}"}', roleArn }),
  ).rejects.toMatchObject({
    name: 'InvalidDefinition',
    message: 'Invalid State Machine Definition: placeholder ${Start} is not filled',
  });
});

test('the same name and input while it runs is the same execution; anything else is not', async () => {
  const api = await serve();
  const first = await start(api, { name: 'night-1', input: '{"cluster":"demo"}' });
  await api.clock.skip(1000);
  await expect(start(api, { name: 'night-1', input: '{ "cluster": "demo" }' })).resolves.toEqual(first);
  await expect(start(api, { name: 'night-1', input: '{}' })).rejects.toMatchObject({ name: 'ExecutionAlreadyExists' });
  await end(api, 'night-1');
  await expect(start(api, { name: 'night-1', input: '{"cluster":"demo"}' })).rejects.toMatchObject({
    name: 'ExecutionAlreadyExists',
  });
  await api.clock.skip(90 * 86_400_000);
  await expect(start(api, { name: 'night-1' })).resolves.toEqual({
    executionArn: `${EXECUTION}:night-1`,
    startDate: new Date('2027-02-19T23:00:00Z'),
  });
});

test('an execution that was started through an alias runs its version, and its description has both', async () => {
  const api = await serve(only({ Type: 'Succeed' }));
  await expect(api.call('PublishStateMachineVersion', { stateMachineArn: MACHINE })).resolves.toMatchObject({
    stateMachineVersionArn: `${MACHINE}:1`,
  });
  const routingConfiguration = [{ stateMachineVersionArn: `${MACHINE}:1`, weight: 100 }];
  await expect(api.call('CreateStateMachineAlias', { name: 'live', routingConfiguration })).resolves.toMatchObject({
    stateMachineAliasArn: `${MACHINE}:live`,
  });
  await expect(start(api, { stateMachineArn: `${MACHINE}:live`, name: 'night-1' })).resolves.toMatchObject({
    executionArn: `${EXECUTION}:night-1`,
  });
  await expect(api.call('DescribeExecution', { executionArn: `${EXECUTION}:night-1` })).resolves.toMatchObject({
    stateMachineArn: MACHINE,
    stateMachineAliasArn: `${MACHINE}:live`,
    stateMachineVersionArn: `${MACHINE}:1`,
  });
  await expect(api.call('ListStateMachineAliases', { stateMachineArn: MACHINE })).resolves.toMatchObject({
    stateMachineAliases: [{ stateMachineAliasArn: `${MACHINE}:live` }],
  });
});

test('an unknown alias or version starts nothing', async () => {
  const api = await serve();
  for (const qualifier of ['live', '1'])
    await expect(start(api, { stateMachineArn: `${MACHINE}:${qualifier}` })).rejects.toMatchObject({
      name: 'StateMachineDoesNotExist',
    });
  const routingConfiguration = [{ stateMachineVersionArn: `${MACHINE}:1`, weight: 100 }];
  await expect(api.call('CreateStateMachineAlias', { name: 'live', routingConfiguration })).rejects.toMatchObject({
    name: 'ResourceNotFound',
  });
});

test.each([
  ['StartExecution', { stateMachineArn: 'migrate-cluster' }, 'InvalidArn'],
  ['StartExecution', { stateMachineArn: `${MACHINE}s` }, 'StateMachineDoesNotExist'],
  ['StartExecution', { stateMachineArn: MACHINE, name: 'a b' }, 'InvalidName'],
  ['StartExecution', { stateMachineArn: MACHINE, name: 'n'.repeat(81) }, 'InvalidName'],
  ['StartExecution', { stateMachineArn: MACHINE, input: '{' }, 'InvalidExecutionInput'],
  ['StartExecution', { stateMachineArn: MACHINE, input: `"${'x'.repeat(262_143)}"` }, 'InvalidExecutionInput'],
  ['DescribeExecution', { executionArn: MACHINE }, 'InvalidArn'],
  ['DescribeExecution', { executionArn: `${EXECUTION}:none` }, 'ExecutionDoesNotExist'],
  ['GetExecutionHistory', { executionArn: `${EXECUTION}:none` }, 'ExecutionDoesNotExist'],
  ['StopExecution', { executionArn: `${EXECUTION}:none` }, 'ExecutionDoesNotExist'],
  ['DescribeStateMachine', { stateMachineArn: `${MACHINE}s` }, 'StateMachineDoesNotExist'],
  ['ListStateMachines', { nextToken: 'nonsense' }, 'InvalidToken'],
])('%s %j is refused with %s', async (operation, input, name) => {
  const api = await serve();
  await expect(api.call(operation, input)).rejects.toMatchObject({ name, status: 400 });
});

test('StopExecution ends a wait at once; a second one changes nothing', async () => {
  const api = await serve();
  await start(api, { name: 'night-1' });
  await api.clock.skip(60_000);
  const executionArn = `${EXECUTION}:night-1`;
  const stopDate = new Date('2026-11-21T22:01:00Z');
  await expect(api.call('StopExecution', { executionArn, error: 'E', cause: 'C' })).resolves.toEqual({ stopDate });
  await api.clock.skip(60_000);
  await expect(api.call('StopExecution', { executionArn })).resolves.toEqual({ stopDate });
  await expect(api.call('DescribeExecution', { executionArn })).resolves.toMatchObject({
    status: 'ABORTED',
    error: 'E',
    cause: 'C',
    stopDate,
  });
});

test('executions are listed newest first, by status, in pages', async () => {
  const api = await serve();
  for (const name of ['a', 'b', 'c']) await start(api, { name });
  await api.call('StopExecution', { executionArn: `${EXECUTION}:b` });
  const first = await api.call('ListExecutions', { stateMachineArn: MACHINE, maxResults: 2 });
  expect(first).toMatchObject({ executions: [{ name: 'c' }, { name: 'b', status: 'ABORTED' }] });
  const second = await api.call('ListExecutions', {
    stateMachineArn: MACHINE,
    maxResults: 2,
    nextToken: first['nextToken'],
  });
  expect(second).toEqual({ executions: [expect.objectContaining({ name: 'a', status: 'RUNNING' })] });
  await expect(
    api.call('ListExecutions', { stateMachineArn: MACHINE, statusFilter: 'RUNNING' }),
  ).resolves.toMatchObject({ executions: [{ name: 'c' }, { name: 'a' }] });
});

test('the history comes in pages, in either order, with or without data', async () => {
  const api = await serve();
  await start(api, { name: 'night-1', input: '{"cluster":"demo"}' });
  await end(api, 'night-1');
  const executionArn = `${EXECUTION}:night-1`;
  const ids = (reply: Record<string, unknown>) =>
    Array.isArray(reply['events']) ? reply['events'].map(({ id }: HistoryEvent) => id) : [];
  const first = await api.call('GetExecutionHistory', { executionArn, maxResults: 2, reverseOrder: true });
  expect(ids(first)).toEqual([4, 3]);
  const second = await api.call('GetExecutionHistory', {
    executionArn,
    maxResults: 2,
    reverseOrder: true,
    nextToken: first['nextToken'],
  });
  expect(ids(second)).toEqual([2, 1]);
  expect(second['nextToken']).toBeUndefined();
  const bare = await api.call('GetExecutionHistory', { executionArn, includeExecutionData: false });
  expect(JSON.stringify(bare)).not.toContain('demo');
  expect(bare).toMatchObject({ events: [{ executionStartedEventDetails: { roleArn } }, {}, {}, {}] });
});

test('no event breaks its schema without data, whatever the execution does', async () => {
  const api = await serve({
    StartAt: 'Ask',
    States: {
      Ask: {
        Type: 'Task',
        Resource: 'arn:aws:states:::aws-sdk:sts:getCallerIdentity',
        Arguments: {},
        Assign: { a: '{% $states.input.cluster %}' },
        Next: 'Each',
        Catch: [{ ErrorEquals: ['States.ALL'], Assign: { a: '{% $states.input.cluster %}' }, Next: 'Each' }],
      },
      Each: {
        Type: 'Map',
        Items: [1],
        ItemProcessor: {
          ProcessorConfig: { Mode: 'INLINE' },
          StartAt: 'One',
          States: { One: { Type: 'Pass', End: true } },
        },
        Next: 'Broken',
      },
      Broken: { Type: 'Pass', Output: "{% $number('x') %}", End: true },
    },
  });
  await start(api, { name: 'night-1', input: '{"cluster":"demo"}' });
  await api.engine.ended(`${EXECUTION}:night-1`);
  const executionArn = `${EXECUTION}:night-1`;
  const { events } = await api.call('GetExecutionHistory', { executionArn });
  const bare = await api.call('GetExecutionHistory', { executionArn, includeExecutionData: false });
  const types = (list: unknown) => (Array.isArray(list) ? list.map(({ type }: HistoryEvent) => type) : []);
  expect(types(events)).toContain('TaskScheduled');
  expect(types(bare['events'])).toEqual(types(events));
  expect(JSON.stringify(bare)).not.toContain('demo');
});

test('a description without data has the metadata alone', async () => {
  const api = await serve();
  await start(api, { name: 'night-1', input: '{"cluster":"demo"}' });
  await end(api, 'night-1');
  const includedData = 'METADATA_ONLY';
  const execution = await api.call('DescribeExecution', { executionArn: `${EXECUTION}:night-1`, includedData });
  expect(execution).toMatchObject({
    name: 'night-1',
    inputDetails: { included: false },
    outputDetails: { included: false },
  });
  expect(Object.keys(execution)).not.toEqual(expect.arrayContaining(['input']));
  expect(Object.keys(execution)).not.toEqual(expect.arrayContaining(['output']));
  for (const [operation, input] of [
    ['DescribeStateMachine', { stateMachineArn: MACHINE }],
    ['DescribeStateMachineForExecution', { executionArn: `${EXECUTION}:night-1` }],
  ] as const)
    expect(await api.call(operation, { ...input, includedData })).toMatchObject({ definition: '{}' });
});

test('a version or an alias lists the executions that were started through it, and no others', async () => {
  const api = await serve();
  const { stateMachineVersionArn } = await api.call('PublishStateMachineVersion', { stateMachineArn: MACHINE });
  const routingConfiguration = [{ stateMachineVersionArn, weight: 100 }];
  const alias = await api.call('CreateStateMachineAlias', { name: 'live', routingConfiguration });
  await start(api, { name: 'plain' });
  await start(api, { name: 'by-version', stateMachineArn: stateMachineVersionArn });
  await start(api, { name: 'by-alias', stateMachineArn: alias['stateMachineAliasArn'] });
  const listed = async (stateMachineArn: unknown) => {
    const { executions } = await api.call('ListExecutions', { stateMachineArn });
    return Array.isArray(executions) ? executions.map(({ name }: { name: string }) => name) : [];
  };
  expect(await listed(MACHINE)).toEqual(['by-alias', 'by-version', 'plain']);
  expect(await listed(alias['stateMachineAliasArn'])).toEqual(['by-alias']);
  expect(await listed(stateMachineVersionArn)).toEqual(['by-alias', 'by-version']);
});

test.each([
  ['ListExecutions', {}, 'ValidationException'],
  ['ListExecutions', { stateMachineArn: MACHINE, mapRunArn: 'm' }, 'ValidationException'],
  ['ListExecutions', { mapRunArn: 'm' }, 'InvalidArn'],
  ['ListExecutions', { mapRunArn: MAP_RUN }, 'ResourceNotFound'],
  ['ListExecutions', { mapRunArn: MAP_RUN, redriveFilter: 'REDRIVEN' }, 'ValidationException'],
  ['ListExecutions', { stateMachineArn: MACHINE, redriveFilter: 'REDRIVEN' }, 'ValidationException'],
  ['ListExecutions', { stateMachineArn: MACHINE, statusFilter: 'PENDING_REDRIVE' }, 'ValidationException'],
  ['ListExecutions', { stateMachineArn: MACHINE, statusFilter: 'DONE' }, 'ValidationException'],
  ['DescribeStateMachine', { stateMachineArn: MACHINE, includedData: 'SOME' }, 'ValidationException'],
  ['CreateStateMachine', { name: 'fast', definition: '{}', roleArn, type: 'EXPRESS' }, 'StateMachineTypeNotSupported'],
  [
    'CreateStateMachine',
    { name: 'own', definition: '{}', roleArn, encryptionConfiguration: { type: 'CUSTOMER_MANAGED_KMS_KEY' } },
    'InvalidEncryptionConfiguration',
  ],
])('%s %j is refused as %s', async (operation, input, name) => {
  const api = await serve();
  await expect(api.call(operation, input)).rejects.toMatchObject({ name, status: 400 });
});

test('a child execution runs inside its parent, and its failure is the task’s', async () => {
  const child = (fields: Record<string, unknown>) => ({
    StartAt: 'Child',
    States: {
      Child: {
        Type: 'Task',
        Resource: 'arn:aws:states:::states:startExecution.sync:2',
        Arguments: { StateMachineArn: MACHINE.replace('migrate-cluster', 'child'), Name: 'one', Input: { n: 1 } },
        ...fields,
      },
      Failed: { Type: 'Succeed', Output: '{% $parse($states.input.Cause).Status %}' },
    },
  });
  const caught = { Catch: [{ ErrorEquals: ['States.TaskFailed'], Next: 'Failed' }], End: true };
  for (const [state, output] of [
    [
      { Type: 'Wait', Seconds: 60, Output: { m: 2 }, End: true },
      { Status: 'SUCCEEDED', Input: { n: 1 }, Output: { m: 2 } },
    ],
    [{ Type: 'Fail', Error: 'No' }, 'FAILED'],
  ] as const) {
    const api = await serve(child(caught));
    const definition = JSON.stringify({ QueryLanguage: 'JSONata', StartAt: 'Only', States: { Only: state } });
    await api.call('CreateStateMachine', { name: 'child', definition, roleArn });
    await start(api, { name: 'night-1' });
    const { status, output: text, history } = await api.engine.ended(`${EXECUTION}:night-1`);
    expect(status).toBe('SUCCEEDED');
    if (typeof output === 'string') expect(text?.value).toBe(output);
    else expect(text?.value).toMatchObject(output);
    expect(history.slice(2, 5).map(({ type }) => type)).toEqual(['TaskScheduled', 'TaskStarted', 'TaskSubmitted']);
    expect(api.calls.at(-1)).toMatchObject({ operation: 'StartExecution', principal: 'nightshift-state-machines' });
  }
});

test('stopping a parent stops the child that it waits for', async () => {
  const task = {
    Type: 'Task',
    Resource: 'arn:aws:states:::states:startExecution.sync:2',
    Arguments: { StateMachineArn: MACHINE.replace('migrate-cluster', 'child'), Name: 'one' },
  };
  const api = await serve(only(task));
  const definition = JSON.stringify({ QueryLanguage: 'JSONata', ...only({ Type: 'Wait', Seconds: 9000 }) });
  await api.call('CreateStateMachine', { name: 'child', definition, roleArn });
  await start(api, { name: 'night-1' });
  const childArn = `${EXECUTION.replace('migrate-cluster', 'child')}:one`;
  await api.clock.busy(async () => {
    while (!api.engine.executions.has(childArn)) await new Promise(setImmediate);
    await api.call('StopExecution', { executionArn: `${EXECUTION}:night-1` });
  });
  const child = await api.engine.ended(childArn);
  expect(child.status).toBe('ABORTED');
});
