import { InvalidInstanceId, InvalidParameters, InvocationDoesNotExist, SSM } from '@aws-sdk/client-ssm';
import { afterEach, expect, test } from 'vitest';
import { ssmService } from '../../services/ssm.ts';
import { makeCluster, makeNode, type NodeSketch, TestRegion } from './region.ts';

const PREPARE = {
  name: 'prepare-node',
  content: {
    schemaVersion: '2.2',
    description: 'Prepares a node.',
    parameters: { Scheduler: { type: 'String', allowedValues: ['rr', 'lc'], default: 'rr' } },
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: 'prepare',
        inputs: { timeoutSeconds: '600', runCommand: ["SCHEDULER='{{ Scheduler }}'", 'modprobe ip_vs'] },
      },
    ],
  },
};
const CHECK = {
  name: 'validate-node',
  content: {
    schemaVersion: '2.2',
    parameters: { Dns: { type: 'String', allowedPattern: '[0-9.]+' } },
    mainSteps: [{ action: 'aws:runShellScript', name: 'validate', inputs: { runCommand: ['dig @{{ Dns }}'] } }],
  },
};
const DEPLOYED = {
  documents: [PREPARE, CHECK],
  documentPrefix: 'nightshift-',
  installing: new Set(['prepare-node']),
};
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function open(sketches: NodeSketch[], options: Parameters<typeof ssmService>[1] = {}) {
  const nodes = sketches.map((sketch, index) => makeNode(index, sketch));
  const world = new TestRegion([makeCluster('demo', { nodes })]);
  world.dispatcher.register('ssm', ssmService(world.region, { ...DEPLOYED, ...options }));
  const client = new SSM(await world.listen());
  cleanups.push(() => world.close());
  const ids = nodes.map(({ id }) => id);
  const status = async (CommandId: string | undefined) => {
    const { CommandInvocations = [] } = await client.listCommandInvocations({ CommandId, Details: true });
    return CommandInvocations.map(({ Status, StatusDetails }) => `${Status}/${StatusDetails}`);
  };
  return { world, client, nodes, ids, status };
}

test('a command cannot be read for its first second, then runs, then has its output', async () => {
  const { world, client, nodes, ids, status } = await open([{}]);
  const [InstanceId = ''] = ids;
  const CommandId = await world.frozen(async () => {
    const { Command } = await client.sendCommand({
      DocumentName: 'nightshift-prepare-node',
      InstanceIds: ids,
      Comment: 'prepare',
    });
    expect(Command?.Status).toBe('Pending');
    expect(await status(Command?.CommandId)).toEqual([]);
    await expect(client.getCommandInvocation({ CommandId: Command?.CommandId, InstanceId })).rejects.toThrow(
      InvocationDoesNotExist,
    );
    await world.clock.skip(1_000);
    expect(await status(Command?.CommandId)).toEqual(['InProgress/InProgress']);
    return Command?.CommandId;
  });
  await world.clock.sleep(20_000);
  expect(await status(CommandId)).toEqual(['Success/Success']);
  const invocation = await client.getCommandInvocation({ CommandId, InstanceId });
  expect(invocation).toMatchObject({
    ResponseCode: 0,
    StandardOutputContent: 'done\n',
    StandardErrorContent: '',
    PluginName: 'prepare',
  });
  expect(nodes[0]?.machine?.runs).toEqual([
    { document: 'prepare-node', parameters: { Scheduler: 'rr' }, script: "SCHEDULER='rr'\nmodprobe ip_vs" },
  ]);
  expect((await client.listCommands({ CommandId })).Commands?.[0]).toMatchObject({
    Status: 'Success',
    TargetCount: 1,
    CompletedCount: 1,
  });
});

test('a node whose agent is silent ends Undeliverable at the delivery timeout, and the command is Success', async () => {
  const { world, client, ids, status } = await open([{}, { agent: 'offline' }]);
  const { Command } = await client.sendCommand({
    DocumentName: 'nightshift-prepare-node',
    InstanceIds: ids,
    TimeoutSeconds: 60,
  });
  await world.clock.sleep(30_000);
  expect(await status(Command?.CommandId)).toEqual(['Success/Success', 'Pending/Pending']);
  await world.clock.sleep(60_000);
  expect(await status(Command?.CommandId)).toEqual(['Success/Success', 'Failed/Undeliverable']);
  expect((await client.listCommands({ CommandId: Command?.CommandId })).Commands?.[0]?.Status).toBe('Success');
});

test('an agent that comes back in time gets its command', async () => {
  const { world, client, nodes, ids, status } = await open([{ agent: 'offline' }]);
  const CommandId = await world.frozen(async () => {
    const { Command } = await client.sendCommand({
      DocumentName: 'nightshift-prepare-node',
      InstanceIds: ids,
      TimeoutSeconds: 600,
    });
    await world.clock.skip(100_000);
    for (const node of nodes) node.agent = 'online';
    await world.clock.skip(60_000);
    return Command?.CommandId;
  });
  expect(await status(CommandId)).toEqual(['Success/Success']);
});

test('a script that fails makes invocation and command Failed and shows its exit code', async () => {
  const { world, client, nodes, ids } = await open([{}]);
  for (const { machine } of nodes)
    if (machine) machine.result = { exitCode: 3, stdout: 'half\n', stderr: 'ip_vs_lc is missing\n' };
  const { Command } = await client.sendCommand({ DocumentName: 'nightshift-prepare-node', InstanceIds: ids });
  await world.clock.sleep(20_000);
  const { CommandInvocations } = await client.listCommandInvocations({ CommandId: Command?.CommandId, Details: true });
  expect(CommandInvocations?.[0]?.CommandPlugins?.[0]).toMatchObject({
    Status: 'Failed',
    ResponseCode: 3,
    Output: 'half\n\n----------ERROR-------\nip_vs_lc is missing\nfailed to run commands: exit status 3',
  });
  expect((await client.listCommands({ CommandId: Command?.CommandId })).Commands?.[0]).toMatchObject({
    Status: 'Failed',
    ErrorCount: 1,
  });
});

test('lists cut a plugin’s output at 2,500 characters, one invocation shows 24,000', async () => {
  const { world, client, nodes, ids } = await open([{}]);
  for (const { machine } of nodes)
    if (machine) machine.result = { exitCode: 0, stdout: 'x'.repeat(30_000), stderr: '' };
  const { Command } = await client.sendCommand({ DocumentName: 'nightshift-prepare-node', InstanceIds: ids });
  await world.clock.sleep(20_000);
  const { CommandInvocations } = await client.listCommandInvocations({ CommandId: Command?.CommandId, Details: true });
  const listed = CommandInvocations?.[0]?.CommandPlugins?.[0]?.Output ?? '';
  expect(listed).toHaveLength(2_500);
  expect(listed.endsWith('---Output truncated---')).toBe(true);
  const shown = await client.getCommandInvocation({ CommandId: Command?.CommandId, InstanceId: ids[0] });
  expect(shown.StandardOutputContent).toHaveLength(24_000);
});

test('parameters that the document does not allow are refused before anything runs', async () => {
  const { client, ids, nodes } = await open([{}]);
  const send = (DocumentName: string, Parameters: Record<string, string[]>) =>
    client.sendCommand({ DocumentName, InstanceIds: ids, Parameters });
  await expect(send('nightshift-prepare-node', { Scheduler: ["rr'; reboot; '"] })).rejects.toThrow(InvalidParameters);
  await expect(send('nightshift-prepare-node', { Other: ['x'] })).rejects.toThrow(
    'Parameter Other is not defined in the document',
  );
  await expect(send('nightshift-validate-node', {})).rejects.toThrow('Parameter Dns requires a value');
  await expect(send('nightshift-validate-node', { Dns: ['10.100.0.10; id'] })).rejects.toThrow(
    'does not match the allowed pattern',
  );
  expect(nodes[0]?.machine?.runs).toEqual([]);
});

test('the limits of SendCommand are AWS’s', async () => {
  const { client, ids } = await open(Array.from({ length: 51 }, () => ({})));
  const send = (input: object) =>
    client.sendCommand({ DocumentName: 'nightshift-prepare-node', InstanceIds: ids.slice(0, 1), ...input });
  await expect(send({ InstanceIds: ids })).rejects.toThrow(
    "Value at 'instanceIds' failed to satisfy constraint: Member must have length less than or equal to 50",
  );
  await expect(send({ Comment: 'c'.repeat(101) })).rejects.toThrow("Value at 'comment'");
  await expect(send({ TimeoutSeconds: 29 })).rejects.toThrow('Member must be between 30 and 2592000');
  await expect(send({ MaxConcurrency: '0' })).rejects.toThrow("Value at 'maxConcurrency'");
  await expect(send({ DocumentName: 'nightshift-unknown' })).rejects.toMatchObject({ name: 'InvalidDocument' });
  await expect(send({ InstanceIds: ['i-0123456789abcdef0'] })).rejects.toThrow(InvalidInstanceId);
});

test('MaxConcurrency lets the nodes take turns and MaxErrors ends the rest', async () => {
  const { world, client, nodes, ids, status } = await open([{}, {}, {}, {}]);
  for (const { machine } of nodes.slice(0, 2)) if (machine) machine.result = { exitCode: 1, stdout: '', stderr: '' };
  const { Command } = await client.sendCommand({
    DocumentName: 'nightshift-prepare-node',
    InstanceIds: ids,
    MaxConcurrency: '1',
    MaxErrors: '1',
  });
  await world.clock.sleep(120_000);
  expect(await status(Command?.CommandId)).toEqual([
    'Failed/Failed',
    'Failed/Failed',
    'Failed/Terminated',
    'Failed/Terminated',
  ]);
  expect(nodes.map(({ machine }) => machine?.runs.length)).toEqual([1, 1, 0, 0]);
});

test('a Windows node cannot run a shell script, and the command does not count it', async () => {
  const { world, client, ids, status } = await open([{ os: 'windows' }]);
  const { Command } = await client.sendCommand({
    DocumentName: 'AWS-RunShellScript',
    InstanceIds: ids,
    Parameters: { commands: ['uname'] },
  });
  await world.clock.sleep(20_000);
  expect(await status(Command?.CommandId)).toEqual(['Failed/InvalidPlatform']);
  expect((await client.listCommands({ CommandId: Command?.CommandId })).Commands?.[0]?.Status).toBe('Success');
});

test('a machine that breaks is a bug of the sandbox: the clock’s owner hears of it', async () => {
  const { world, client, nodes, ids, status } = await open([{}]);
  for (const { machine } of nodes) if (machine) machine.runDocument = () => Promise.reject(new Error('QEMU went away'));
  const { Command } = await client.sendCommand({ DocumentName: 'nightshift-prepare-node', InstanceIds: ids });
  await world.clock.sleep(20_000);
  expect(await status(Command?.CommandId)).toEqual(['Failed/Failed']);
  expect(world.clockErrors.map(String)).toEqual(['Error: QEMU went away']);
});

test('invocations come in pages of 50 at most', async () => {
  const { world, client, ids } = await open(Array.from({ length: 60 }, () => ({})));
  const first = await client.sendCommand({ DocumentName: 'nightshift-prepare-node', InstanceIds: ids.slice(0, 50) });
  await world.clock.sleep(30_000);
  const CommandId = first.Command?.CommandId;
  await expect(client.listCommandInvocations({ CommandId, MaxResults: 51 })).rejects.toThrow(
    'Member must be between 1 and 50',
  );
  const page = await client.listCommandInvocations({ CommandId, MaxResults: 20 });
  expect(page.CommandInvocations).toHaveLength(20);
  const rest = await client.listCommandInvocations({ CommandId, MaxResults: 50, NextToken: page.NextToken });
  expect(rest.CommandInvocations?.map(({ InstanceId }) => InstanceId)).toEqual(ids.slice(20, 50));
  expect(rest.NextToken).toBeUndefined();
});

test('managed nodes are listed with their agents, filtered and in pages', async () => {
  const { client, ids } = await open([{}, { agent: 'offline' }, { agent: 'none' }, { os: 'ubuntu' }, {}, {}, {}, {}]);
  const all = await client.describeInstanceInformation({ MaxResults: 5 });
  expect(all.InstanceInformationList?.map(({ InstanceId }) => InstanceId)).toEqual([
    ids[0],
    ids[1],
    ids[3],
    ids[4],
    ids[5],
  ]);
  const rest = await client.describeInstanceInformation({ MaxResults: 5, NextToken: all.NextToken });
  expect(rest.InstanceInformationList?.map(({ InstanceId }) => InstanceId)).toEqual([ids[6], ids[7]]);
  const lost = await client.describeInstanceInformation({
    Filters: [{ Key: 'PingStatus', Values: ['ConnectionLost'] }],
  });
  expect(lost.InstanceInformationList?.map(({ InstanceId }) => InstanceId)).toEqual([ids[1]]);
  const ubuntu = await client.describeInstanceInformation({
    Filters: [{ Key: 'InstanceIds', Values: [ids[3] ?? ''] }],
  });
  expect(ubuntu.InstanceInformationList?.[0]).toMatchObject({
    PlatformName: 'Ubuntu',
    PlatformType: 'Linux',
    PingStatus: 'Online',
    IPAddress: '192.168.1.4',
  });
});

test('calendars are AND-ed, follow the clock and name the next transition', async () => {
  const calendars = new Map([
    ['freeze', { state: 'CLOSED', nextTransitionAt: new Date('2026-11-22T06:00:00Z') }],
    ['arn:aws:ssm:us-east-1:444455556666:document/freeze', { state: 'OPEN' }],
    ['always', { state: 'OPEN' }],
  ] as const);
  const { client } = await open([], { calendars });
  const state = (CalendarNames: string[], AtTime?: string) => client.getCalendarState({ CalendarNames, AtTime });
  expect(await state(['freeze', 'always'])).toMatchObject({
    State: 'CLOSED',
    NextTransitionTime: '2026-11-22T06:00:00Z',
  });
  expect(await state(['arn:aws:ssm:us-east-1:111122223333:document/always'])).toMatchObject({
    State: 'OPEN',
    AtTime: '2026-11-21T22:00:00Z',
  });
  expect(await state(['freeze'], '2026-11-22T06:00:00Z')).toMatchObject({ State: 'OPEN' });
  const ofAccount = (account: string) => state([`arn:aws:ssm:us-east-1:${account}:document/freeze`]);
  expect(await ofAccount('111122223333')).toMatchObject({ State: 'CLOSED' });
  expect(await ofAccount('444455556666')).toMatchObject({ State: 'OPEN' });
  await expect(state(['other'])).rejects.toMatchObject({ name: 'InvalidDocument' });
});

test('documents can be made, read and listed', async () => {
  const { client } = await open([]);
  const Content = JSON.stringify(CHECK.content);
  const made = await client.createDocument({ Name: 'nightshift-other', Content, DocumentType: 'Command' });
  expect(made.DocumentDescription).toMatchObject({
    Name: 'nightshift-other',
    Owner: '111122223333',
    SchemaVersion: '2.2',
  });
  await expect(client.createDocument({ Name: 'nightshift-other', Content })).rejects.toMatchObject({
    name: 'DocumentAlreadyExists',
  });
  await expect(
    client.createDocument({ Name: 'nightshift-bad', Content: '{"schemaVersion":"2.2","mainSteps":[]}' }),
  ).rejects.toThrow('mainSteps');
  const own = await client.listDocuments({ Filters: [{ Key: 'Owner', Values: ['Self'] }] });
  expect(own.DocumentIdentifiers?.map(({ Name }) => Name)).toEqual([
    'nightshift-prepare-node',
    'nightshift-validate-node',
    'nightshift-other',
  ]);
  expect((await client.getDocument({ Name: 'nightshift-other' })).Content).toBe(Content);
});
