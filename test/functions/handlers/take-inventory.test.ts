import { expect, test } from 'vitest';
import { takeInventory } from '../../../functions/handlers/take-inventory.ts';
import { pod } from '../core/fixtures.ts';
import { API, common, FakeKubernetes, lines, MemoryStore, RecordedLog, values } from './fakes.ts';
import { instance, managed, node } from './nodes.ts';

const KEY = 'executions/demo-1/validation-1-1/inventory.ndjson.gz';

function taking(ids: string[], { kubernetes = new FakeKubernetes(), platformName = 'Amazon Linux' } = {}) {
  const store = new MemoryStore();
  const opened: string[] = [];
  const run = takeInventory({
    store,
    eks: { fargateProfiles: async () => 0 },
    ec2: { nodes: async () => ids.map(instance) },
    ssm: { managedNodes: async (asked) => asked.map((id) => managed(id, platformName)) },
    openKubernetes: async ({ name }) => {
      opened.push(name);
      return kubernetes;
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
  expect(await run(input, new RecordedLog())).toMatchObject({
    inventory: { key: KEY, counts: { ssm: 2, blocked: 0 } },
    newcomers: 0,
    gone: 0,
    notes: [],
  });
  expect(store.writes).toEqual([KEY]);
  expect(opened).toEqual([]);
});

test('a kube-proxy pod that is being deleted is not asked for the mode of its node', async () => {
  const kubernetes = new FakeKubernetes();
  const nodeName = 'i-1.ec2.internal';
  kubernetes.pods = [
    pod(nodeName, { name: 'kube-proxy-new' }),
    pod(nodeName, { name: 'kube-proxy-old', terminating: true }),
  ];
  kubernetes.modes = { 'kube-proxy-old': 'ipvs' };
  const { run, store } = taking(['i-1'], { kubernetes, platformName: 'Bottlerocket OS' });
  await run({ ...input, kubernetes: true }, new RecordedLog());
  expect(kubernetes.asked).toEqual(['kube-proxy-new']);
  expect(values((await store.get(KEY)).text)).toMatchObject([{ handling: { by: 'proxy-mode', mode: null } }]);
});

test('nodes that joined or left since an earlier inventory are counted and named', async () => {
  const { run, store } = taking(['i-2']);
  const since = { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz' };
  await store.put(since.key, lines([node('i-1')]));
  expect(await run({ ...input, since }, new RecordedLog())).toMatchObject({
    newcomers: 1,
    gone: 1,
    notes: [
      '1 node joined meanwhile: i-2.ec2.internal (i-2).',
      '1 node left meanwhile and is dropped: ip-i-1.ec2.internal (i-1).',
    ],
  });
});
