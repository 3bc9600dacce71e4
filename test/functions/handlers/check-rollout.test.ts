import { expect, test } from 'vitest';
import type { Rollout } from '../../../functions/aws/kubernetes.ts';
import type { CanaryPod } from '../../../functions/core/nodes/canary.ts';
import type { InventoryNode } from '../../../functions/core/nodes/nodes.ts';
import { checkRollout } from '../../../functions/handlers/check-rollout.ts';
import { SYNCED } from '../core/fixtures.ts';
import { API, common, FakeKubernetes, lines, MemoryStore, RecordedLog, values } from './fakes.ts';

function check(rollout: Partial<Rollout>, now = '2026-11-21T07:00:00Z') {
  const api = new FakeKubernetes();
  api.state = { ...api.state, ...rollout };
  return checkRollout({ openKubernetes: async () => api, store: new MemoryStore() })(
    {
      ...common,
      now: new Date(now),
      cluster: { name: 'demo', api: API },
      generation: 2,
      canary: null,
      deadline: new Date('2026-11-21T07:10:00Z'),
      poll: 1,
    },
    new RecordedLog(),
  );
}

test('a rollout is done when all pods are new and available', async () => {
  expect(await check({})).toEqual({ done: true, desired: 3, updated: 3, available: 3, waitSeconds: 0 });
});

test('a rollout is not done while the controller has not seen the restart', async () => {
  expect(await check({ observedGeneration: 1 })).toMatchObject({ done: false, waitSeconds: 68 });
});

test('a new pod that restarts fails the rollout and its node is named', async () => {
  const newPods = [{ name: 'kube-proxy-x', nodeName: 'ip-1', restarts: 1, waiting: null }];
  await expect(check({ updated: 1, available: 2, newPods })).rejects.toMatchObject({
    name: 'RolloutFailed',
    message: 'The new kube-proxy pod kube-proxy-x on node ip-1 of demo does not stay up: 1 restarts.',
  });
});

test('a pod in CrashLoopBackOff fails the rollout even before its first restart is counted', async () => {
  const newPods = [{ name: 'kube-proxy-x', nodeName: 'ip-1', restarts: 0, waiting: 'CrashLoopBackOff' }];
  await expect(check({ newPods })).rejects.toMatchObject({ name: 'RolloutFailed' });
});

test('a pod that is only being created fails nothing', async () => {
  const newPods = [{ name: 'kube-proxy-x', nodeName: 'ip-1', restarts: 0, waiting: 'ContainerCreating' }];
  expect(await check({ available: 2, newPods })).toMatchObject({ done: false });
});

test('a rollout that is not done at its deadline has failed', async () => {
  await expect(check({ available: 2 }, '2026-11-21T07:10:00Z')).rejects.toMatchObject({
    name: 'RolloutFailed',
    message: 'The rollout of kube-proxy in demo did not finish in time: 3 of 3 pods are new, 2 are available.',
  });
});

const INVENTORY = { key: 'executions/demo-1/canary-1-1/inventory.ndjson.gz' };
const canary = {
  step: 'canary-1-1-1',
  inventory: INVENTORY,
  canaries: [{ node: { id: 'i-1', name: 'ip-1' }, formerPod: { name: 'kube-proxy-a', uid: 'uid-a' } }],
};
const NODE: InventoryNode = { id: 'i-1', name: 'ip-1', address: null, kind: 'al2023', handling: { by: 'ssm' } };
const POD = {
  name: 'kube-proxy-b',
  uid: 'uid-b',
  nodeName: 'ip-1',
  ready: true,
  terminating: false,
  restarts: 0,
  waiting: null,
};

async function checkCanary(pods: CanaryPod[], now = '2026-11-21T07:00:00Z') {
  const api = new FakeKubernetes();
  const store = new MemoryStore();
  await store.put(INVENTORY.key, lines([NODE]));
  api.canary = pods;
  const deadline = new Date('2026-11-21T07:10:00Z');
  const input = {
    ...common,
    now: new Date(now),
    cluster: { name: 'demo', api: API },
    generation: null,
    canary,
    deadline,
  };
  return checkRollout({ openKubernetes: async () => api, store })({ ...input, poll: 1 }, new RecordedLog());
}

test('the canary is done when its new pod is Ready', async () => {
  expect(await checkCanary([POD])).toEqual({
    done: true,
    desired: 1,
    updated: 1,
    available: 1,
    waitSeconds: 0,
    inventory: expect.objectContaining({ key: 'executions/demo-1/canary-1-1-1/inventory.ndjson.gz' }),
  });
});

test('a canary that only the API server asks is asked after its restart', async () => {
  const api = new FakeKubernetes();
  api.canary = [POD, { ...POD, nodeName: 'ip-2', name: 'kube-proxy-c' }];
  api.modes = { 'kube-proxy-c': 'ipvs' };
  const store = new MemoryStore();
  const asked: InventoryNode = { ...NODE, id: 'i-2', name: 'ip-2', handling: { by: 'proxy-mode', mode: 'iptables' } };
  await store.put(INVENTORY.key, lines([NODE, asked]));
  const second = { node: { id: 'i-2', name: 'ip-2' }, formerPod: { name: 'kube-proxy-d', uid: 'uid-d' } };
  const input = {
    ...common,
    cluster: { name: 'demo', api: API },
    generation: null,
    poll: 1,
    canary: { ...canary, canaries: [...canary.canaries, second] },
    deadline: new Date('2026-11-21T07:10:00Z'),
  };
  const { inventory, done } = await checkRollout({ openKubernetes: async () => api, store })(input, new RecordedLog());
  expect(done).toBe(true);
  expect(values((await store.get(inventory?.key ?? '')).text)).toEqual([
    NODE,
    { ...asked, handling: { by: 'proxy-mode', mode: 'ipvs', syncs: SYNCED }, runningMode: 'ipvs' },
  ]);
});

test('the canary is waited for while its former pod is there', async () => {
  expect(await checkCanary([{ ...POD, uid: 'uid-a' }])).toEqual({
    done: false,
    desired: 1,
    updated: 0,
    available: 0,
    waitSeconds: 23,
  });
});

test('a canary that crashes is named with its node', async () => {
  await expect(checkCanary([{ ...POD, restarts: 1, ready: false }])).rejects.toMatchObject({
    name: 'CanaryFailed',
    message:
      'The new kube-proxy pod kube-proxy-b on the canary, node ip-1 (i-1) of demo, does not stay up: 1 restarts.',
  });
});

test('a canary that has not come back by its deadline has failed', async () => {
  await expect(checkCanary([], '2026-11-21T07:10:00Z')).rejects.toMatchObject({
    name: 'CanaryFailed',
    message: 'kube-proxy did not come back in time on the canary, node ip-1 (i-1) of demo: there is no new pod.',
  });
});
