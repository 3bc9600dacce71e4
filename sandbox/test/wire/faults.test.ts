import { EKS } from '@aws-sdk/client-eks';
import { afterEach, expect, test } from 'vitest';
import { eksService } from '../../services/eks.ts';
import { makeCluster, makeNode, TestRegion } from '../services/region.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function open() {
  const node = makeNode(0);
  const world = new TestRegion([makeCluster('demo', { nodes: [node] })]);
  world.dispatcher.register('eks', eksService(world.region));
  cleanups.push(() => world.close());
  return { world, node, client: new EKS(await world.listen()) };
}

test('a scripted error strikes as often as the fault asks, before anything is done, and is in the log', async () => {
  const { world, client } = await open();
  world.faults.add([{ on: { service: 'eks', operation: 'UpdateAddon' }, error: 'ServerException', times: 2 }]);
  const update = () => client.updateAddon({ clusterName: 'demo', addonName: 'kube-proxy', configurationValues: '{}' });
  await expect(update()).rejects.toMatchObject({ name: 'ServerException', $metadata: { httpStatusCode: 500 } });
  await expect(update()).rejects.toMatchObject({ name: 'ServerException' });
  expect((await update()).update?.status).toBe('InProgress');
  expect(world.calls.map(({ error }) => error)).toEqual(['ServerException', 'ServerException', undefined]);
});

test('a fault for one operation leaves the others alone', async () => {
  const { world, client } = await open();
  world.faults.add([{ on: { service: 'eks', operation: 'DescribeAddon' }, error: 'ThrottlingException', times: 1 }]);
  expect((await client.listClusters({})).clusters).toEqual(['demo']);
});

test('an agent goes offline, by the node’s id or its name', async () => {
  const { world, node } = await open();
  world.faults.add([{ node: node.name, fault: 'agent-offline' }]);
  expect(node.agent).toBe('offline');
});

test.each(
  Object.entries({
    'faults: must be a list': {},
    'faults[0]: must be an object': ['x'],
    'faults[0]: must have exactly one of on, node, join, addonUpdate, execution, kubernetes, clock, events': [
      { times: 1 },
    ],
    'faults[0]: must have exactly one of error, lostReply': [{ on: { service: 'eks', operation: 'UpdateAddon' } }],
    'faults[0].times: Too small: expected number to be >=1': [
      { on: { service: 'eks', operation: 'UpdateAddon' }, error: 'X', times: 0 },
    ],
    'faults[0]: Unrecognized key: "often"': [
      { on: { service: 'eks', operation: 'UpdateAddon' }, error: 'X', often: 1 },
    ],
    'faults[0].on.service: no service of the sandbox is called ecs': [
      { on: { service: 'ecs', operation: 'UpdateAddon' }, error: 'X' },
    ],
    'faults[0].on.operation: eks has no operation UpdateAdon': [
      { on: { service: 'eks', operation: 'UpdateAdon' }, error: 'X' },
    ],
    'faults[0].node: no node has the id or name i-1': [{ node: 'i-1', fault: 'agent-offline' }],
    'faults[0].fault: must be one of agent-offline, package-mirror-down': [{ node: 'i-1', fault: 'on-fire' }],
  }),
)('a bad fault is refused with path and rule: %s', async (message, list) => {
  const { world } = await open();
  expect(() => world.faults.add(list)).toThrow(message);
});

test('a list with one bad fault arms none of them', async () => {
  const { world, node } = await open();
  expect(() => world.faults.add([{ node: node.id, fault: 'agent-offline' }, {}])).toThrow('faults[1]');
  expect(node.agent).toBe('online');
});
