import { expect, test } from 'vitest';
import type { CanaryPod } from '../../../functions/core/nodes/canary.ts';
import type { InventoryNode } from '../../../functions/core/nodes/nodes.ts';
import { restartKubeProxy } from '../../../functions/handlers/restart-kube-proxy.ts';
import { API, common, FakeKubernetes, heldBy, lines, MemoryStore, RecordedLog, values } from './fakes.ts';
import { INVENTORY, node } from './nodes.ts';

const input = {
  ...common,
  step: 'restart-1',
  cluster: { name: 'demo', api: API },
  restartedAt: '2026-11-21T07:05:00.123Z',
  canary: null,
  nodes: null,
};
const canary = { ...input, step: 'canary-1', restartedAt: null, canary: { inventory: INVENTORY } };

const podOn = ({ id, name }: InventoryNode, changes: Partial<CanaryPod> = {}): CanaryPod => ({
  name: `kube-proxy-${id}`,
  uid: `uid-${id}`,
  nodeName: name,
  ready: true,
  terminating: false,
  restarts: 0,
  waiting: null,
  ...changes,
});

async function restarting(nodes: InventoryNode[], pods = nodes.map((each) => podOn(each)), leases = heldBy()) {
  const api = new FakeKubernetes();
  api.canary = pods;
  const store = new MemoryStore();
  await store.put(INVENTORY.key, lines(nodes));
  const opened: string[] = [];
  const run = restartKubeProxy({
    store,
    leases,
    openKubernetes: async ({ name: cluster, api: server }, { name }) => {
      opened.push(`${cluster} at ${server?.url} for ${name}`);
      return api;
    },
  });
  return { api, store, opened, run };
}

test('a repeated restart of the same moment restarts once', async () => {
  const { api, opened, run } = await restarting([]);
  expect(await run(input, new RecordedLog())).toEqual({ generation: 2 });
  expect(await run(input, new RecordedLog())).toEqual({ generation: 2 });
  expect(api.restarts).toEqual(['2026-11-21T07:05:00.123Z']);
  expect(opened).toEqual(['demo at https://demo.example for demo-1', 'demo at https://demo.example for demo-1']);
});

test('a canary is one node, with an inventory of its own to prove it by', async () => {
  const { api, store, run } = await restarting([node('i-1'), node('i-2')]);
  const output = await run(canary, new RecordedLog());
  expect(output).toEqual({
    canaries: [
      {
        node: { id: 'i-1', name: 'ip-i-1.ec2.internal' },
        formerPod: { name: 'kube-proxy-i-1', uid: 'uid-i-1' },
        reason: 'its kube-proxy is Ready, and it runs no CoreDNS pod',
      },
    ],
    inventory: { key: 'executions/demo-1/canary-1/inventory.ndjson.gz' },
    reason: 'its kube-proxy is Ready, and it runs no CoreDNS pod',
    stored: [
      expect.objectContaining({ key: 'executions/demo-1/canary-1/inventory.ndjson.gz' }),
      expect.objectContaining({ key: 'executions/demo-1/canary-1/canary.json' }),
    ],
  });
  expect(values((await store.get('executions/demo-1/canary-1/inventory.ndjson.gz')).text)).toEqual([node('i-1')]);
  expect(api.deleted).toEqual(['kube-proxy-i-1']);
  expect(api.restarts).toEqual([]);
});

test('a canary that is asked for again restarts no second node, though its own pod is not Ready yet', async () => {
  const { api, run } = await restarting([node('i-1'), node('i-2')]);
  const first = await run(canary, new RecordedLog());
  expect(await run(canary, new RecordedLog())).toEqual({
    ...first,
    stored: [expect.objectContaining({ key: 'executions/demo-1/canary-1/canary.json' })],
  });
  expect(api.deleted).toEqual(['kube-proxy-i-1']);
});

test('when the function died between its note and the restart, the repetition restarts the node that was noted', async () => {
  const { api, run } = await restarting([node('i-1'), node('i-2')]);
  const { deletePod } = api;
  api.deletePod = async () => Promise.reject(new Error('socket hang up'));
  await expect(run(canary, new RecordedLog())).rejects.toThrow('socket hang up');
  api.deletePod = deletePod;
  api.dns = ['ip-i-1.ec2.internal'];
  expect(await run(canary, new RecordedLog())).toMatchObject({ canaries: [{ node: { id: 'i-1' } }] });
  expect(api.deleted).toEqual(['kube-proxy-i-1']);
});

test('a cluster without a node that can be proven has no canary, and says why', async () => {
  const { api, run } = await restarting([node('i-1', { by: 'excluded', reason: 'Windows runs no Linux kube-proxy' })]);
  expect(await run(canary, new RecordedLog())).toEqual({
    canaries: [],
    inventory: null,
    reason: 'no node can be proven before the others',
    stored: [expect.objectContaining({ key: 'executions/demo-1/canary-1/canary.json' })],
  });
  expect(api.deleted).toEqual([]);
});

test('where kube-proxy works on no node, nothing is restarted', async () => {
  const { api, run } = await restarting([node('i-1')], [podOn(node('i-1'), { ready: false })]);
  await expect(run(canary, new RecordedLog())).rejects.toMatchObject({
    name: 'CanaryFailed',
    message: 'No canary can be chosen in demo: on none of 1 nodes is there a kube-proxy pod that is Ready.',
  });
  expect(api.deleted).toEqual([]);
});

test.each([
  ['neither', { restartedAt: null, canary: null, nodes: null }],
  ['two', { canary: { inventory: INVENTORY } }],
  ['all', { canary: { inventory: INVENTORY }, nodes: { inventory: INVENTORY } }],
])('an input with %s of the three kinds of restart is refused', async (_, changes) => {
  const { run, opened } = await restarting([]);
  await expect(run({ ...input, ...changes }, new RecordedLog())).rejects.toMatchObject({ name: 'InvalidRequest' });
  expect(opened).toEqual([]);
});

test('on the way back from a canary only its pods are restarted, Ready or not, and a repetition restarts no new one', async () => {
  const { api, run } = await restarting([node('i-1')], [podOn(node('i-1'), { ready: false }), podOn(node('i-2'))]);
  const back = { ...input, restartedAt: null, nodes: { inventory: INVENTORY } };
  expect(await run(back, new RecordedLog())).toEqual({ pods: 1 });
  expect(await run(back, new RecordedLog())).toEqual({ pods: 1 });
  expect(api.deleted).toEqual(['kube-proxy-i-1']);
});

test.each([[null], ['arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:other']])(
  'an execution whose lease %s holds restarts nothing',
  async (holder) => {
    const { opened, run } = await restarting([node('i-1')], [], heldBy(holder));
    await expect(run(input, new RecordedLog())).rejects.toMatchObject({ name: 'LeaseLost' });
    expect(opened).toEqual([]);
  },
);
