import { PatchStrategy, type V1DaemonSet, type V1Pod } from '@kubernetes/client-node';
import { afterEach, describe, expect, test } from 'vitest';
import { as, clients, KUBE_PROXY } from './clients.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

const running: World[] = [];
afterEach(async () => {
  for (const world of running.splice(0)) {
    await world.api.close();
    expect(world.failures).toEqual([]);
  }
});

async function start(options: WorldOptions = {}): Promise<World> {
  const world = await startWorld(options);
  running.push(world);
  return world;
}

const nodes = (count: number): 'al2023'[] => Array.from({ length: count }, () => 'al2023');
const daemonSet = (world: World) => clients(world).apps.readNamespacedDaemonSet(KUBE_PROXY);
const pods = async (world: World) => (await clients(world).core.listNamespacedPod({ namespace: 'kube-system' })).items;
const container = (pod: V1Pod | undefined) => pod?.status?.containerStatuses?.[0];

function restart(world: World, at: string) {
  const template = { metadata: { annotations: { 'kubectl.kubernetes.io/restartedAt': at } } };
  return clients(world).apps.patchNamespacedDaemonSet(
    { ...KUBE_PROXY, body: { spec: { template } } },
    as(PatchStrategy.StrategicMergePatch),
  );
}

/** Every state of the DaemonSet from now until `until` says that it is enough. */
async function follow(
  world: World,
  change: () => Promise<unknown>,
  until: (set: V1DaemonSet) => boolean,
): Promise<V1DaemonSet[]> {
  const { apps, watch } = clients(world);
  const { metadata } = await apps.listNamespacedDaemonSet({ namespace: 'kube-system' });
  const seen: V1DaemonSet[] = [];
  const path = '/apis/apps/v1/namespaces/kube-system/daemonsets';
  await new Promise<void>((resolve, reject) => {
    const hear = (_: string, set: V1DaemonSet) => {
      seen.push(set);
      if (until(set)) resolve();
    };
    watch
      .watch(path, { resourceVersion: metadata?.resourceVersion }, hear, () => reject(new Error('the watch ended')))
      .then(change)
      .catch(reject);
  });
  return seen;
}

function rolledOut(set: V1DaemonSet): boolean {
  const { status } = set;
  return (
    status?.observedGeneration === set.metadata?.generation &&
    status?.updatedNumberScheduled === status?.desiredNumberScheduled &&
    status?.numberAvailable === status?.desiredNumberScheduled
  );
}

/** The clock moves only by `skip` while `work` runs: otherwise virtual time runs on between two requests. */
function held(world: World, work: () => Promise<void>): Promise<void> {
  return world.clock.busy(work);
}

const ipvs = { mode: 'ipvs', scheduler: 'rr', podAnnotations: {}, version: 'v1.34.0-eksbuild.2' } as const;

describe('a rollout', () => {
  test.each([
    ['10%', 25, 3],
    ['10%', 3, 1],
    [4, 10, 4],
    ['100%', 6, 6],
  ])('never has more than maxUnavailable %s of %i nodes down, and uses what it may', async (allowed, count, most) => {
    const world = await start({ nodes: nodes(count) });
    const body = { spec: { updateStrategy: { rollingUpdate: { maxUnavailable: allowed } } } };
    await clients(world).apps.patchNamespacedDaemonSet({ ...KUBE_PROXY, body }, as(PatchStrategy.MergePatch));
    const seen = await follow(world, () => restart(world, '2026-11-06T22:00:00Z'), rolledOut);
    expect(Math.max(...seen.map((set) => set.status?.numberUnavailable ?? 0))).toBe(most);
    for (const { status } of seen)
      expect((status?.numberAvailable ?? 0) + (status?.numberUnavailable ?? 0)).toBe(count);
    expect([...world.machines.values()].every((machine) => machine.starts.length === 2)).toBe(true);
  });

  test('takes as long as its batches of pods do', async () => {
    const world = await start({ nodes: nodes(20) });
    await follow(world, () => restart(world, '2026-11-06T22:00:00Z'), rolledOut);
    // Ten batches of two pods at 4 s each; the test's random numbers spread nothing.
    expect(world.clock.now().toISOString()).toBe('2026-11-06T22:00:40.000Z');
  });

  test('makes new pods with a new revision, and the same template twice makes none', async () => {
    const world = await start();
    const before = await pods(world);
    await follow(world, () => restart(world, '2026-11-06T22:00:00Z'), rolledOut);
    const after = await pods(world);
    const hashes = (list: V1Pod[]) => new Set(list.map((pod) => pod.metadata?.labels?.['controller-revision-hash']));
    expect([hashes(before).size, hashes(after).size]).toEqual([1, 1]);
    expect(hashes(after)).not.toEqual(hashes(before));
    expect(before.map((pod) => pod.metadata?.name)).not.toEqual(after.map((pod) => pod.metadata?.name));
    expect((await restart(world, '2026-11-06T22:00:00Z')).metadata?.generation).toBe(2);
    expect((await pods(world)).map((pod) => pod.metadata?.name)).toEqual(after.map((pod) => pod.metadata?.name));
  });

  test('with OnDelete waits for somebody to delete the pods', async () => {
    const world = await start();
    await held(world, async () => {
      const body = { spec: { updateStrategy: { type: 'OnDelete', rollingUpdate: null } } };
      await clients(world).apps.patchNamespacedDaemonSet({ ...KUBE_PROXY, body }, as(PatchStrategy.MergePatch));
      await restart(world, '2026-11-06T22:00:00Z');
      await world.clock.skip(60_000);
      const { status } = await daemonSet(world);
      expect(status?.updatedNumberScheduled).toBeUndefined();
      expect(status?.numberAvailable).toBe(3);
    });
  });

  test('of pods that crash stops at the first, which restarts again and again', async () => {
    const world = await start();
    await held(world, async () => {
      for (const machine of world.machines.values()) machine.refuses = 'rr';
      await world.api.applyAddon(ipvs);
      await restart(world, '2026-11-06T22:00:00Z');
      await world.clock.skip(120_000);
      const { status } = await daemonSet(world);
      expect(status).toMatchObject({
        desiredNumberScheduled: 3,
        numberAvailable: 2,
        numberUnavailable: 1,
        updatedNumberScheduled: 1,
      });
      const crashed = (await pods(world)).find((pod) => !container(pod)?.ready);
      expect(container(crashed)).toMatchObject({
        restartCount: 4,
        state: { waiting: { reason: 'CrashLoopBackOff' } },
        lastState: { terminated: { exitCode: 1, message: "can't use the IPVS proxier: ip_vs_rr" } },
      });
      expect(world.api.kubeProxyConfig()).toEqual({ mode: 'ipvs', scheduler: 'rr' });
      expect([...world.machines.values()].filter((machine) => machine.starts.length === 1)).toHaveLength(2);
    });
  });

  test('goes on when the crashing node is whole again', async () => {
    const world = await start();
    await held(world, async () => {
      for (const machine of world.machines.values()) machine.refuses = 'rr';
      await world.api.applyAddon(ipvs);
      await restart(world, '2026-11-06T22:00:00Z');
      await world.clock.skip(30_000);
      for (const machine of world.machines.values()) machine.refuses = undefined;
      await world.clock.skip(60_000);
      expect((await daemonSet(world)).status).toMatchObject({ numberAvailable: 3, updatedNumberScheduled: 3 });
    });
  });

  test('of a pod that never starts lets virtual time rest at last, until its node changes', async () => {
    const world = await start({ nodes: nodes(1) });
    const machine = [...world.machines.values()][0];
    await held(world, async () => {
      if (machine) machine.refuses = 'rr';
      await world.api.applyAddon(ipvs);
      await restart(world, '2026-11-06T22:00:00Z');
      await world.clock.skip(24 * 3_600_000);
      expect(container((await pods(world))[0])?.restartCount).toBe(20);
      if (machine) machine.refuses = undefined;
      world.api.nodesChanged();
      await world.clock.skip(10_000);
      expect((await daemonSet(world)).status?.numberAvailable).toBe(1);
    });
  });

  test('that crashes is ended by the former configuration', async () => {
    const world = await start();
    await held(world, async () => {
      for (const machine of world.machines.values()) machine.refuses = 'rr';
      await world.api.applyAddon(ipvs);
      await restart(world, '2026-11-06T22:00:00Z');
      await world.clock.skip(30_000);
      await world.api.applyAddon({ ...ipvs, mode: 'iptables', scheduler: '' });
      await restart(world, '2026-11-06T22:01:00Z');
      await world.clock.skip(60_000);
      expect(rolledOut(await daemonSet(world))).toBe(true);
      expect([...world.machines.values()].map((machine) => machine.starts.at(-1)?.mode)).toEqual([
        'iptables',
        'iptables',
        'iptables',
      ]);
    });
  });
});

describe('the add-on', () => {
  test('writes mode and scheduler into the ConfigMap, keeps the rest, and restarts nothing', async () => {
    const world = await start();
    const { core } = clients(world);
    const name = { namespace: 'kube-system', name: 'kube-proxy-config' };
    const before = (await core.readNamespacedConfigMap(name)).data?.['config'] ?? '';
    await world.api.applyAddon({ ...ipvs, scheduler: 'wlc' });
    await world.clock.skip(60_000);
    const after = (await core.readNamespacedConfigMap(name)).data?.['config'] ?? '';
    const difference = after.split('\n').filter((line, index) => line !== before.split('\n')[index]);
    expect(difference).toEqual(['  scheduler: "wlc"', 'mode: "ipvs"']);
    expect([...world.machines.values()].map((machine) => machine.starts.length)).toEqual([1, 1, 1]);
    expect((await daemonSet(world)).metadata?.generation).toBe(1);
  });

  test('rolls the pods when its podAnnotations change, and takes away only its own', async () => {
    const world = await start({ configurationValues: '{"podAnnotations":{"old":"1"}}' });
    await follow(world, () => restart(world, '2026-11-06T22:00:00Z'), rolledOut);
    await follow(world, () => world.api.applyAddon({ ...ipvs, podAnnotations: { next: '2' } }), rolledOut);
    const annotations = (await pods(world))[0]?.metadata?.annotations;
    expect(annotations).toEqual({ 'kubectl.kubernetes.io/restartedAt': '2026-11-06T22:00:00Z', next: '2' });
    expect([...world.machines.values()].map((machine) => machine.starts.at(-1))).toEqual([
      { mode: 'ipvs', scheduler: 'rr', metricsBindAddress: '0.0.0.0:10249' },
      { mode: 'ipvs', scheduler: 'rr', metricsBindAddress: '0.0.0.0:10249' },
      { mode: 'ipvs', scheduler: 'rr', metricsBindAddress: '0.0.0.0:10249' },
    ]);
  });

  test('with a new version brings a new image, whose Kubernetes version kube-proxy has', async () => {
    const world = await start();
    await follow(world, () => world.api.applyAddon({ ...ipvs, version: 'v1.35.1-eksbuild.3' }), rolledOut);
    expect((await pods(world))[0]?.spec?.containers[0]?.image).toMatch(/:v1\.35\.1-minimal-eksbuild\.3$/);
    expect([...world.machines.values()][0]?.versions).toEqual(['1.34', '1.35']);
  });

  test('whose ConfigMap a person has broken leaves pods that cannot start', async () => {
    const world = await start();
    await held(world, async () => {
      const { core } = clients(world);
      const name = { namespace: 'kube-system', name: 'kube-proxy-config' };
      await core.patchNamespacedConfigMap(
        { ...name, body: { data: { config: 'kind: KubeProxyConfiguration\nmode: quick\n' } } },
        as(PatchStrategy.MergePatch),
      );
      await restart(world, '2026-11-06T22:00:00Z');
      await world.clock.skip(10_000);
      const crashed = (await pods(world)).find((pod) => !container(pod)?.ready);
      expect(container(crashed)?.lastState?.terminated?.message).toContain('KubeProxyConfiguration.mode');
      expect(() => world.api.kubeProxyConfig()).toThrow('KubeProxyConfiguration.mode');
    });
  });
});

describe('pods and nodes', () => {
  test('a deleted pod comes back with the new configuration, alone', async () => {
    const world = await start();
    await held(world, async () => {
      const { core } = clients(world);
      await world.api.applyAddon(ipvs);
      const name = (await pods(world))[0]?.metadata?.name ?? '';
      await core.deleteNamespacedPod({ namespace: 'kube-system', name });
      const replacing = await daemonSet(world);
      expect(replacing.status).toMatchObject({ currentNumberScheduled: 3, numberReady: 2, numberUnavailable: 1 });
      const proxied = { namespace: 'kube-system', path: 'proxyMode' };
      const fresh = (await pods(world)).find((pod) => !container(pod)?.ready)?.metadata?.name ?? '';
      expect(fresh).not.toBe(name);
      await world.clock.skip(5_000);
      expect((await daemonSet(world)).status?.numberReady).toBe(3);
      expect(await core.connectGetNamespacedPodProxyWithPath({ ...proxied, name: `${fresh}:10249` })).toBe('ipvs');
      expect([...world.machines.values()].map((machine) => machine.starts.length).sort()).toEqual([1, 1, 2]);
    });
  });

  test('a pod that does not run yet answers 503 for its mode', async () => {
    const world = await start({ nodes: nodes(1) });
    const { core } = clients(world);
    await held(world, async () => {
      const name = (await pods(world))[0]?.metadata?.name ?? '';
      await core.deleteNamespacedPod({ namespace: 'kube-system', name });
      const fresh = (await pods(world))[0]?.metadata?.name;
      const call = core.connectGetNamespacedPodProxyWithPath({
        namespace: 'kube-system',
        name: `${fresh}:10249`,
        path: 'proxyMode',
      });
      await expect(call).rejects.toMatchObject({ code: 503 });
    });
  });

  test('a node that joins gets a pod, one that is terminated loses it', async () => {
    const world = await start();
    await follow(
      world,
      async () => {
        world.addNode('ubuntu');
        world.addNode('windows');
        world.api.nodesChanged();
      },
      (set) => set.status?.numberAvailable === 4,
    );
    expect((await clients(world).core.listNode()).items).toHaveLength(5);
    const gone = world.cluster.nodes[0];
    if (gone) gone.terminated = true;
    world.api.nodesChanged();
    expect((await daemonSet(world)).status).toMatchObject({ desiredNumberScheduled: 3, numberAvailable: 3 });
    expect((await pods(world)).map((pod) => pod.spec?.nodeName)).not.toContain(gone?.name);
    expect((await clients(world).core.listNode()).items).toHaveLength(4);
  });

  test('a cluster without nodes has a DaemonSet that wants nothing', async () => {
    const world = await start({ nodes: [] });
    await restart(world, '2026-11-06T22:00:00Z');
    expect((await daemonSet(world)).status).toMatchObject({
      currentNumberScheduled: 0,
      desiredNumberScheduled: 0,
      numberReady: 0,
      observedGeneration: 2,
    });
  });

  test('two thousand nodes have two thousand pods, each with a name of its own', async () => {
    const world = await start({ nodes: nodes(2_000) });
    const list = await pods(world);
    expect(new Set(list.map((pod) => pod.metadata?.name)).size).toBe(2_000);
    expect(new Set(list.map((pod) => pod.metadata?.uid)).size).toBe(2_000);
  });
});
