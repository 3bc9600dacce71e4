import type * as Sdk from '@aws-sdk/client-ssm';
import { operations, ServiceError } from '@nightshift/sandbox/wire';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ssm } from '../../../functions/aws/ssm.ts';
import { startWire, type Wire } from './wire.ts';

const GONE = 'i-0000000000000002a';
const ids = (count: number) => Array.from({ length: count }, (_, index) => `i-${String(index).padStart(17, '0')}`);
let sent: string[][] = [];
let wire: Wire;

beforeAll(async () => {
  wire = await startWire({
    ssm: operations<typeof Sdk>({
      SendCommand({ InstanceIds = [] }) {
        if (InstanceIds.includes(GONE))
          throw new ServiceError('InvalidInstanceId', `Instances [[${GONE}]] not in a valid state`);
        sent.push(InstanceIds);
        return { Command: { CommandId: `00000000-0000-0000-0000-${String(sent.length).padStart(12, '0')}` } };
      },
      ListCommandInvocations({ CommandId = '', NextToken, MaxResults }) {
        const all = sent[Number(CommandId.slice(-12)) - 1] ?? [];
        const from = Number(NextToken ?? 0);
        const end = from + Math.min(20, MaxResults ?? 50);
        return {
          CommandInvocations: all.slice(from, end).map((InstanceId) => ({
            InstanceId,
            Status: 'Success',
            StatusDetails: 'Success',
            CommandPlugins: [{ Name: 'prepare_node', Status: 'Success', Output: `done on ${InstanceId}` }],
          })),
          NextToken: end < all.length ? String(end) : undefined,
        };
      },
      DescribeInstanceInformation({ Filters = [], NextToken }) {
        const all = Filters.flatMap(({ Values }) => Values);
        const from = Number(NextToken ?? 0);
        return {
          InstanceInformationList: all.slice(from, from + 20).map((InstanceId) => ({
            InstanceId,
            PingStatus: 'Online',
            PlatformType: 'Linux',
            PlatformName: 'Amazon Linux',
            PlatformVersion: '2023',
            AgentVersion: '3.3.2746.0',
            ComputerName: 'ip-192-168-1-1.ec2.internal',
            IPAddress: '192.168.1.1',
          })),
          NextToken: from + 20 < all.length ? String(from + 20) : undefined,
        };
      },
      PutParameter({ Name, Overwrite }) {
        if (Name === '/there' && !Overwrite)
          throw new ServiceError('ParameterAlreadyExists', 'The parameter already exists.');
        return { Version: 1, Tier: 'Standard' };
      },
      GetCalendarState({ CalendarNames }) {
        if (CalendarNames[0] === 'nowhere') throw new ServiceError('InvalidDocument', 'The document does not exist.');
        return { State: 'CLOSED', AtTime: '2026-11-21T07:00:00Z', NextTransitionTime: '2026-11-28T00:00:00Z' };
      },
    }),
  });
});
afterAll(() => wire.close());
beforeEach(() => {
  sent = [];
  wire.calls.length = 0;
});

const command = {
  document: 'nightshift-prepare-node',
  parameters: { Scheduler: 'rr' },
  comment: 'nightshift prepare-1 demo-1',
  deliverySeconds: 300,
};

test('120 nodes are three commands of at most 50, and every page of their answers is read', async () => {
  const { commands, unknown } = await ssm.run({ ...command, nodes: ids(120) });
  expect(commands.map(({ nodes }) => nodes.length)).toEqual([50, 50, 20]);
  expect(unknown).toEqual([]);
  expect(wire.calls[0]?.input).toMatchObject({
    DocumentName: 'nightshift-prepare-node',
    Parameters: { Scheduler: ['rr'] },
    Comment: 'nightshift prepare-1 demo-1',
    TimeoutSeconds: 300,
    MaxConcurrency: '100%',
    MaxErrors: '100%',
  });
  const results = await ssm.results(commands.map(({ commandId }) => commandId));
  expect(results.map(({ node }) => node)).toEqual(ids(120));
  expect(results[119]).toEqual({
    node: 'i-00000000000000119',
    state: 'succeeded',
    status: 'Success',
    output: 'done on i-00000000000000119',
  });
});

test('the other nodes get the command although one node is gone', async () => {
  const { commands, unknown } = await ssm.run({ ...command, nodes: [...ids(30), GONE, ...ids(50).slice(30)] });
  expect(unknown).toEqual([GONE]);
  expect(commands.flatMap(({ nodes }) => nodes)).toEqual(ids(50));
});

test('only the requested nodes are read, from every page', async () => {
  const nodes = await ssm.managedNodes(ids(70));
  expect(nodes.map(({ id }) => id)).toEqual(ids(70));
  expect(nodes[0]).toEqual({
    id: 'i-00000000000000000',
    ping: 'Online',
    platformType: 'Linux',
    platformName: 'Amazon Linux',
    platformVersion: '2023',
    agentVersion: '3.3.2746.0',
    computerName: 'ip-192-168-1-1.ec2.internal',
    address: '192.168.1.1',
  });
});

test('for a cluster without nodes SSM is not called', async () => {
  expect(await ssm.managedNodes([])).toEqual([]);
  expect(await ssm.run({ ...command, nodes: [] })).toEqual({ commands: [], unknown: [] });
  expect(wire.calls).toEqual([]);
});

test('a change calendar has a state and the time of its next change', async () => {
  expect(await ssm.calendars(['freeze'])).toEqual([
    { name: 'freeze', state: 'CLOSED', nextTransitionAt: new Date('2026-11-28T00:00:00Z') },
  ]);
});

test('a change calendar that does not exist is named', async () => {
  await expect(ssm.calendars(['nowhere'])).rejects.toMatchObject({
    name: 'UnknownWindow',
    message: 'SSM has no change calendar nowhere: The document does not exist.',
  });
});

// This is the last test, because adaptive mode then delays this process's calls for some seconds.
test('a throttled call is retried', async () => {
  wire.faults.add([{ on: { service: 'ssm', operation: 'SendCommand' }, error: 'ThrottlingException', times: 1 }]);
  expect((await ssm.run({ ...command, nodes: ids(1) })).commands).toHaveLength(1);
  expect(wire.calls.map(({ error }) => error)).toEqual(['ThrottlingException', undefined]);
});

test('a parameter that is there is overwritten only on purpose', async () => {
  expect(await ssm.createParameter({ name: '/new', value: 'x' })).toBe(true);
  expect(await ssm.createParameter({ name: '/there', value: 'x' })).toBe(false);
  await ssm.putParameter({ name: '/there', value: 'x' });
  expect(wire.calls.at(-1)).toMatchObject({ input: { Name: '/there', Overwrite: true } });
});
