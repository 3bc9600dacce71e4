import type { WorldOptions } from '@nightshift/sandbox/test/kubernetes';
import { expect, test } from 'vitest';
import { closeWorldsAfterEach, GRANTED, openWorld as open } from './worlds.ts';

closeWorldsAfterEach();

test('the pods of kube-proxy are listed with their nodes', async () => {
  const { api } = await open(GRANTED);
  const pods = (await api.kubeProxyPods()).sort((a, b) => (a.nodeName < b.nodeName ? -1 : 1));
  expect(
    pods.map(({ nodeName, hostIp, ready, restarts, proxyMode }) => ({ nodeName, hostIp, ready, restarts, proxyMode })),
  ).toEqual([
    { nodeName: 'ip-192-168-0-2.ec2.internal', hostIp: '192.168.0.2', ready: true, restarts: 0, proxyMode: null },
    { nodeName: 'ip-192-168-0-3.ec2.internal', hostIp: '192.168.0.3', ready: true, restarts: 0, proxyMode: null },
    { nodeName: 'ip-192-168-0-4.ec2.internal', hostIp: '192.168.0.4', ready: true, restarts: 0, proxyMode: null },
  ]);
});

test('a pod reports its mode on /proxyMode, through the API server', async () => {
  const { api } = await open({ ...GRANTED, configurationValues: '{"mode":"ipvs"}' });
  const [first] = await api.kubeProxyPods();
  const name = first?.name ?? '';
  expect([...(await api.proxyModes([name, 'kube-proxy-gone']))]).toEqual([
    [name, 'ipvs'],
    ['kube-proxy-gone', null],
  ]);
});

test('a restart replaces every pod, and the same restart again replaces none', async () => {
  const { api, world } = await open(GRANTED);
  expect(await api.restartKubeProxy('2026-11-06T22:00:00.000Z')).toEqual({ generation: 2 });
  await world.clock.sleep(120_000);
  const done = await api.rollout();
  expect(done).toMatchObject({ observedGeneration: 2, desired: 3, updated: 3, available: 3 });
  expect(done.newPods.map(({ restarts, waiting }) => [restarts, waiting])).toEqual([
    [0, null],
    [0, null],
    [0, null],
  ]);
  expect(await api.restartKubeProxy('2026-11-06T22:00:00.000Z')).toEqual({ generation: 2 });
  expect(world.failures).toEqual([]);
});

test('a new pod whose kube-proxy exits is seen with its node', async () => {
  const { api, world } = await open(GRANTED);
  for (const machine of world.machines.values()) machine.refuses = 'lc';
  await world.api.applyAddon({ mode: 'ipvs', scheduler: 'lc', podAnnotations: {}, version: 'v1.34.0-eksbuild.2' });
  await api.restartKubeProxy('2026-11-06T22:00:00.000Z');
  await world.clock.sleep(300_000);
  const { newPods, available } = await api.rollout();
  expect(available).toBe(2);
  expect(newPods).toMatchObject([{ waiting: 'CrashLoopBackOff', nodeName: expect.stringMatching(/^ip-192-168-0-/) }]);
  expect(newPods[0]?.restarts).toBeGreaterThan(0);
});

test('without an access entry nightshift is refused, by name', async () => {
  const { api } = await open({});
  await expect(api.kubeProxyPods()).rejects.toMatchObject({ name: 'KubernetesForbidden' });
});

test("kube-proxy's configuration is read, edited once, and everything else in its ConfigMap stays", async () => {
  const { api, world } = await open(GRANTED);
  const text = (await api.kubeProxyConfig()) ?? '';
  expect(text).toContain('kind: KubeProxyConfiguration\n');
  expect(await api.editKubeProxyConfig(() => `${text}# edited\n`)).toEqual({ changed: true });
  expect(await api.kubeProxyConfig()).toBe(`${text}# edited\n`);
  world.calls.length = 0;
  expect(await api.editKubeProxyConfig(() => `${text}# edited\n`)).toEqual({ changed: false });
  expect(world.calls.map(({ operation }) => operation)).toEqual(['get configmaps']);
});

/** Answers 409 to the first calls of an operation. */
function conflicting(operation: string, times: number): WorldOptions {
  let left = times;
  const conflict = { status: 409, reason: 'Conflict', message: 'the object has been modified' };
  return { ...GRANTED, intercept: async (call) => (call.operation === operation && left-- > 0 ? conflict : undefined) };
}

test('an edit that conflicts with another writer is retried on the new text, and so are a restart and a deletion', async () => {
  const edit = await open(conflicting('update configmaps', 2));
  const texts: string[] = [];
  const changed = await edit.api.editKubeProxyConfig((text) => {
    texts.push(text);
    return `${text}# ours\n`;
  });
  expect([changed, texts.length]).toEqual([{ changed: true }, 3]);
  const restart = await open(conflicting('patch daemonsets', 2));
  expect(await restart.api.restartKubeProxy('2026-11-06T22:00:00.000Z')).toEqual({ generation: 2 });
  const removal = await open(conflicting('delete pods', 2));
  const [pod] = await removal.api.canaryPods();
  if (pod) await removal.api.deletePod(pod);
  expect((await removal.api.canaryPods(pod?.nodeName)).map(({ uid }) => uid)).not.toContain(pod?.uid);
});

test('a conflict that does not end is thrown after five attempts', async () => {
  const { api } = await open(conflicting('update configmaps', 100));
  await expect(api.editKubeProxyConfig((text) => `${text}# ours\n`)).rejects.toMatchObject({
    name: 'KubernetesUnreachable',
  });
});

test('exactly the chosen pod is deleted, and not the one that has taken its place', async () => {
  const { api, world } = await open(GRANTED);
  const [first] = await api.canaryPods();
  if (!first) throw new Error('no pod');
  expect(first).toMatchObject({ ready: true, terminating: false, restarts: 0, waiting: null });
  await api.deletePod(first);
  await world.clock.sleep(60_000);
  const [fresh] = await api.canaryPods(first.nodeName);
  expect(fresh?.uid).not.toBe(first.uid);
  expect(fresh).toMatchObject({ ready: true, nodeName: first.nodeName });
  await api.deletePod(first);
  await api.deletePod({ name: fresh?.name ?? '', uid: first.uid });
  expect(await api.canaryPods(first.nodeName)).toEqual([fresh]);
});
