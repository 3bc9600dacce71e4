import { PatchStrategy } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { as, clients, KUBE_PROXY } from './clients.ts';
import { startWorld, type World } from './world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld({
    nodes: ['al2023', 'al2023', 'windows', 'fargate', 'bottlerocket'],
    services: 20,
    configurationValues: 'mode: ipvs\nipvs:\n  scheduler: lc\n',
  });
});
afterAll(() => world.api.close());

/** The `Status` that a refused call answers. */
async function refusal(call: Promise<unknown>): Promise<{ code: number; reason: unknown; message: unknown }> {
  const error: unknown = await call.then(
    () => expect.fail('the call was not refused'),
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: expect.any(Number), body: expect.any(String) });
  const { code, body } = error as { code: number; body: string };
  const { reason, message } = JSON.parse(body);
  return { code, reason, message };
}

describe('what is there', () => {
  test('a kube-proxy pod on every Linux node, none on Windows and Fargate', async () => {
    const { items } = await clients(world).core.listNamespacedPod({
      namespace: 'kube-system',
      labelSelector: 'k8s-app=kube-proxy',
    });
    expect(items.map((pod) => pod.spec?.nodeName).sort()).toEqual([
      'ip-192-168-0-2.ec2.internal',
      'ip-192-168-0-3.ec2.internal',
      'ip-192-168-0-6.ec2.internal',
    ]);
    expect(items.map((pod) => pod.status?.hostIP).sort()).toEqual(['192.168.0.2', '192.168.0.3', '192.168.0.6']);
  });

  test('the mode that the add-on was installed with runs on every machine', () => {
    expect([...world.machines.values()].map((machine) => machine.starts)).toEqual([
      [{ mode: 'ipvs', scheduler: 'lc', metricsBindAddress: '0.0.0.0:10249' }],
      [{ mode: 'ipvs', scheduler: 'lc', metricsBindAddress: '0.0.0.0:10249' }],
      [{ mode: 'ipvs', scheduler: 'lc', metricsBindAddress: '0.0.0.0:10249' }],
    ]);
    expect([...world.machines.values()][0]?.versions).toEqual(['1.34']);
    expect(world.api.kubeProxyConfig()).toEqual({ mode: 'ipvs', scheduler: 'lc' });
  });

  test('the DaemonSet as EKS installs it', async () => {
    const set = await clients(world).apps.readNamespacedDaemonSet(KUBE_PROXY);
    expect(set.spec?.updateStrategy).toEqual({
      rollingUpdate: { maxSurge: 0, maxUnavailable: '10%' },
      type: 'RollingUpdate',
    });
    expect(set.spec?.template.spec?.containers[0]?.image).toBe(
      '602401143452.dkr.ecr.us-east-1.amazonaws.com/eks/kube-proxy:v1.34.0-minimal-eksbuild.2',
    );
    expect(set.metadata?.generation).toBe(1);
    expect(set.status).toMatchObject({
      currentNumberScheduled: 3,
      desiredNumberScheduled: 3,
      numberAvailable: 3,
      numberReady: 3,
      observedGeneration: 1,
      updatedNumberScheduled: 3,
    });
  });

  test('nodes with what a person looks for', async () => {
    const { items } = await clients(world).core.listNode({
      labelSelector: 'kubernetes.io/os=linux,!eks.amazonaws.com/compute-type',
    });
    expect(items.map((node) => node.status?.nodeInfo?.osImage)).toEqual([
      'Amazon Linux 2023.9.20251027',
      'Amazon Linux 2023.9.20251027',
      'Bottlerocket OS 1.49.0 (aws-k8s)',
    ]);
    expect(items[0]?.spec?.providerID).toMatch(/^aws:\/\/\/us-east-1[abc]\/i-00000000000000001$/);
    const fargate = await clients(world).core.listNode({ labelSelector: 'eks.amazonaws.com/compute-type=fargate' });
    expect(fargate.items.map((node) => node.metadata?.name)).toEqual(['fargate-ip-192-168-0-5.ec2.internal']);
  });

  test('Services and what is behind them', async () => {
    const { core, discovery } = clients(world);
    const dns = await core.readNamespacedService({ namespace: 'kube-system', name: 'kube-dns' });
    expect(dns.spec?.clusterIP).toBe('10.100.0.10');
    expect(dns.spec?.ports?.map((port) => `${port.name} ${port.port}/${port.protocol}`)).toEqual([
      'dns 53/UDP',
      'dns-tcp 53/TCP',
    ]);
    expect((await core.listServiceForAllNamespaces()).items).toHaveLength(22);
    const slices = await discovery.listNamespacedEndpointSlice({
      namespace: 'kube-system',
      labelSelector: 'kubernetes.io/service-name=kube-dns',
    });
    expect(slices.items[0]?.endpoints?.map((endpoint) => endpoint.addresses)).toEqual([
      ['192.168.7.2'],
      ['192.168.7.3'],
    ]);
    const endpoints = await core.readNamespacedEndpoints({ namespace: 'default', name: 'kubernetes' });
    expect(endpoints.subsets?.[0]?.addresses?.[0]?.ip).toBe('192.168.9.1');
  });

  test('pages of a list, by limit and continue', async () => {
    const { core } = clients(world);
    const first = await core.listNamespacedService({ namespace: 'shop', limit: 8 });
    expect(first.metadata?.remainingItemCount).toBe(12);
    const names = first.items.map((item) => item.metadata?.name);
    let next = first.metadata?._continue;
    while (next) {
      const page = await core.listNamespacedService({ namespace: 'shop', limit: 8, _continue: next });
      names.push(...page.items.map((item) => item.metadata?.name));
      next = page.metadata?._continue;
    }
    expect(new Set(names).size).toBe(20);
    expect(names).toHaveLength(20);
  });

  test('one pod of a node, by field selector', async () => {
    const found = await clients(world).core.listPodForAllNamespaces({
      fieldSelector: 'spec.nodeName=ip-192-168-0-6.ec2.internal',
    });
    expect(found.items).toHaveLength(1);
  });

  test('the mode that a node runs, through pods/proxy', async () => {
    const { core } = clients(world);
    const pod = (await core.listNamespacedPod({ namespace: 'kube-system' })).items[0]?.metadata?.name ?? '';
    const path = { namespace: 'kube-system', path: 'proxyMode' };
    expect(await core.connectGetNamespacedPodProxyWithPath({ ...path, name: `${pod}:10249` })).toBe('ipvs');
    expect(world.calls.at(-1)?.operation).toBe('get pods/proxy');
    expect(await refusal(core.connectGetNamespacedPodProxyWithPath({ ...path, name: `${pod}:8080` }))).toMatchObject({
      code: 503,
      reason: 'ServiceUnavailable',
    });
  });
});

describe('refusals', () => {
  test('an object that is not there: 404', async () => {
    const { apps } = clients(world);
    expect(await refusal(apps.readNamespacedDaemonSet({ namespace: 'kube-system', name: 'none' }))).toEqual({
      code: 404,
      reason: 'NotFound',
      message: 'daemonsets.apps "none" not found',
    });
  });

  test('a write over a newer version: 409', async () => {
    const { core } = clients(world);
    const name = { namespace: 'kube-system', name: 'kube-proxy-config' };
    const mine = await core.readNamespacedConfigMap(name);
    const theirs = await core.readNamespacedConfigMap(name);
    await core.replaceNamespacedConfigMap({ ...name, body: { ...theirs, data: { ...theirs.data, note: 'theirs' } } });
    expect(
      await refusal(core.replaceNamespacedConfigMap({ ...name, body: { ...mine, data: { note: 'mine' } } })),
    ).toEqual({
      code: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "kube-proxy-config": the object has been modified; please apply your changes to the latest version and try again',
    });
  });

  test('an object that is there already: 409', async () => {
    const body = { metadata: { name: 'kube-proxy' }, data: {} };
    const { core } = clients(world);
    const call = core.createNamespacedConfigMap({
      namespace: 'kube-system',
      body: { apiVersion: 'v1', kind: 'ConfigMap', ...body },
    });
    expect(await refusal(call)).toMatchObject({ code: 409, reason: 'AlreadyExists' });
  });

  test.each([
    [{ spec: { template: { spec: { containers: null } } } }, 'spec.template.spec.containers'],
    [{ spec: { selector: { matchLabels: { 'k8s-app': 'other' } } } }, 'field is immutable'],
    [
      { spec: { template: { metadata: { labels: { 'k8s-app': 'other' } } } } },
      '`selector` does not match template `labels`',
    ],
    [{ spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 0 } } } }, 'cannot be 0 when `maxSurge` is 0'],
    [{ spec: { updateStrategy: { rollingUpdate: { maxUnavailable: 'many' } } } }, 'maxUnavailable'],
  ])('a DaemonSet that breaks a rule: 422 (%j)', async (body, said) => {
    const call = clients(world).apps.patchNamespacedDaemonSet({ ...KUBE_PROXY, body }, as(PatchStrategy.MergePatch));
    const status = await refusal(call);
    expect(status).toMatchObject({ code: 422, reason: 'Invalid' });
    expect(status.message).toContain(said);
  });

  test('a JSON patch whose test fails: 422', async () => {
    const body = [{ op: 'test', path: '/metadata/name', value: 'coredns' }];
    const call = clients(world).apps.patchNamespacedDaemonSet({ ...KUBE_PROXY, body }, as(PatchStrategy.JsonPatch));
    expect(await refusal(call)).toMatchObject({ code: 422, reason: 'Invalid' });
  });

  test('server-side apply: 415, by name', async () => {
    const call = clients(world).apps.patchNamespacedDaemonSet(
      { ...KUBE_PROXY, body: {} },
      as(PatchStrategy.ServerSideApply),
    );
    const status = await refusal(call);
    expect(status).toMatchObject({ code: 415, reason: 'UnsupportedMediaType' });
    expect(status.message).toContain('no server-side apply');
  });

  test('a Service cannot be written: 405', async () => {
    const call = clients(world).core.deleteNamespacedService({ namespace: 'shop', name: 'svc-1' });
    expect(await refusal(call)).toMatchObject({ code: 405, reason: 'MethodNotAllowed' });
  });

  test('a selector that cannot be read: 400', async () => {
    const { core } = clients(world);
    expect(await refusal(core.listNode({ labelSelector: 'a in b' }))).toMatchObject({ code: 400 });
    expect(await refusal(core.listNode({ fieldSelector: 'spec.other=1' }))).toEqual({
      code: 400,
      reason: 'BadRequest',
      message: 'field label not supported: spec.other',
    });
  });
});

describe('writes', () => {
  test('a dry run changes nothing', async () => {
    const { apps } = clients(world);
    const before = await apps.readNamespacedDaemonSet(KUBE_PROXY);
    const body = { metadata: { labels: { tried: 'yes' } } };
    const answer = await apps.patchNamespacedDaemonSet(
      { ...KUBE_PROXY, body, dryRun: 'All' },
      as(PatchStrategy.MergePatch),
    );
    expect(answer.metadata?.labels?.['tried']).toBe('yes');
    expect(await apps.readNamespacedDaemonSet(KUBE_PROXY)).toEqual(before);
  });

  test('a patch that changes nothing makes no new version', async () => {
    const { apps } = clients(world);
    const before = await apps.readNamespacedDaemonSet(KUBE_PROXY);
    const after = await apps.patchNamespacedDaemonSet(
      { ...KUBE_PROXY, body: { metadata: { labels: before.metadata?.labels } } },
      as(PatchStrategy.StrategicMergePatch),
    );
    expect(after.metadata?.resourceVersion).toBe(before.metadata?.resourceVersion);
  });

  test('what a client writes into status is not taken over', async () => {
    const { apps } = clients(world);
    const body = { status: { numberReady: 99 } };
    const after = await apps.patchNamespacedDaemonSet({ ...KUBE_PROXY, body }, as(PatchStrategy.MergePatch));
    expect(after.status?.numberReady).toBe(3);
  });

  test('a watch tells of a change, and of what leaves its selector', async () => {
    const { core, watch } = clients(world);
    const { metadata } = await core.listNamespacedConfigMap({ namespace: 'kube-system' });
    const seen: string[] = [];
    const query = { resourceVersion: metadata?.resourceVersion, labelSelector: 'watched=yes' };
    const done = new Promise<void>((resolve, reject) => {
      const hear = (phase: string) => {
        seen.push(phase);
        if (phase === 'DELETED') resolve();
      };
      watch.watch('/api/v1/namespaces/kube-system/configmaps', query, hear, reject).catch(reject);
    });
    const name = { namespace: 'kube-system', name: 'kube-proxy' };
    for (const labels of [{ watched: 'yes' }, { watched: 'yes', more: 'x' }, { watched: null }])
      await core.patchNamespacedConfigMap({ ...name, body: { metadata: { labels } } }, as(PatchStrategy.MergePatch));
    await done;
    expect(seen).toEqual(['ADDED', 'MODIFIED', 'DELETED']);
  });

  test('every call is in the log with what was sent', async () => {
    const body = { metadata: { annotations: { why: 'the log' } } };
    await clients(world).apps.patchNamespacedDaemonSet({ ...KUBE_PROXY, body }, as(PatchStrategy.MergePatch));
    expect(world.calls.at(-1)).toEqual({
      at: world.clock.now().toISOString(),
      service: 'kubernetes',
      operation: 'patch daemonsets',
      principal: 'person',
      input: { cluster: 'demo', namespace: 'kube-system', name: 'kube-proxy', body },
    });
  });
});

describe('an interceptor', () => {
  test('answers in the place of the API, or cuts the connection', async () => {
    const answers = [{ status: 503, reason: 'ServiceUnavailable', message: 'etcd leader changed' }, 'drop'] as const;
    let next = 0;
    const faulty = await startWorld({
      intercept: async ({ operation }) => (operation === 'list pods' ? answers[next++] : undefined),
    });
    const { core } = clients(faulty);
    expect(await refusal(core.listNamespacedPod({ namespace: 'kube-system' }))).toEqual({
      code: 503,
      reason: 'ServiceUnavailable',
      message: 'etcd leader changed',
    });
    await expect(core.listNamespacedPod({ namespace: 'kube-system' })).rejects.toThrow();
    expect((await core.listNamespacedPod({ namespace: 'kube-system' })).items).toHaveLength(3);
    expect(faulty.calls.map((call) => call.error)).toEqual(['ServiceUnavailable', 'connection dropped', undefined]);
    await faulty.api.close();
  });
});
