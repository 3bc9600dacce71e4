import { expect, test } from 'vitest';
import { takeInventory } from '../../../functions/handlers/take-inventory.ts';
import { API, common, Ear, FakeKubernetes, lines, MemoryStore } from './fakes.ts';
import { instance, managed, node } from './nodes.ts';

const KEY = 'executions/demo-1/validation-1-1/inventory.ndjson.gz';

function taking(ids: string[]) {
  const store = new MemoryStore();
  const opened: string[] = [];
  const run = takeInventory({
    store,
    eks: { fargateProfiles: async () => 0 },
    ec2: { nodes: async () => ids.map(instance) },
    ssm: { managedNodes: async (asked) => asked.map((id) => managed(id)) },
    openKubernetes: async ({ name }) => {
      opened.push(name);
      return new FakeKubernetes();
    },
  });
  return { run, store, opened };
}

const input = {
  ...common,
  step: 'validation-1-1',
  cluster: { name: 'demo', api: API },
  kubernetes: false,
  since: null,
};

test('the nodes as they are now are stored, and counted', async () => {
  const { run, store, opened } = taking(['i-1', 'i-2']);
  expect(await run(input, new Ear())).toMatchObject({
    inventory: { key: KEY, counts: { ssm: 2, blocked: 0 } },
    newcomers: 0,
    gone: 0,
    notes: [],
  });
  expect(store.writes).toEqual([KEY]);
  expect(opened).toEqual([]);
});

test('Kubernetes is asked where the execution has access', async () => {
  const { run, opened } = taking(['i-1']);
  await run({ ...input, kubernetes: true }, new Ear());
  expect(opened).toEqual(['demo']);
});

test('nodes that joined or left since an earlier inventory are counted and named', async () => {
  const { run, store } = taking(['i-2']);
  const since = { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz' };
  await store.put(since.key, lines([node('i-1')]));
  expect(await run({ ...input, since }, new Ear())).toMatchObject({
    newcomers: 1,
    gone: 1,
    notes: [
      '1 node joined meanwhile: i-2.ec2.internal (i-2).',
      '1 node left meanwhile and is dropped: ip-i-1.ec2.internal (i-1).',
    ],
  });
});

test('an earlier inventory that is gone fails by name, before nodes are taken for new', async () => {
  const { run } = taking(['i-2']);
  const since = { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz' };
  await expect(run({ ...input, since }, new Ear())).rejects.toMatchObject({ name: 'EvidenceMissing' });
});
