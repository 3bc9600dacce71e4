import { AppsV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../sandbox.ts';
import { parseWorld } from '../world.ts';
import { worldOf } from './world.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ world: worldOf([]) });
});
afterAll(() => sandbox.stop());

async function open(cluster: object): Promise<{ core: CoreV1Api; apps: AppsV1Api }> {
  await sandbox.load(worldOf([cluster]));
  const config = new KubeConfig();
  config.loadFromFile(sandbox.kubeconfig);
  return { core: config.makeApiClient(CoreV1Api), apps: config.makeApiClient(AppsV1Api) };
}

const on = (version: string, configuration: object | null) => ({
  version,
  addon: { version: `v${version}.0-eksbuild.2`, configuration },
});
const NFTABLES = { mode: 'nftables' };

/** The status and the body of kube-proxy's answer through the API server. */
async function ask(core: CoreV1Api, portAndPath: string): Promise<[status: number, body: unknown]> {
  const [port = '', path = ''] = portAndPath.split('/');
  const { items } = await core.listNamespacedPod({ namespace: 'kube-system', labelSelector: 'k8s-app=kube-proxy' });
  const name = `${items[0]?.metadata?.name ?? ''}:${port}`;
  try {
    return [200, await core.connectGetNamespacedPodProxyWithPath({ namespace: 'kube-system', name, path })];
  } catch (error) {
    const { code = 0, body = '' } = Object(error);
    return [code, body];
  }
}

describe('kube-proxy', () => {
  test.each([
    ['1.30', 'nftables', [null, null]],
    ['1.33', 'nftables', ['nftables', 'nftables']],
    ['1.36', 'ipvs', ['ipvs', 'ipvs']],
    ['1.40', 'ipvs', [null, null]],
    ['1.40', 'nftables', ['nftables', 'nftables']],
  ])('of version %s that is configured for %s runs %j', async (version, mode, running) => {
    await open(on(version, { mode }));
    const [cluster] = (await sandbox.state()).clusters;
    expect(cluster?.configMap).toMatchObject({ mode });
    expect(cluster?.nodes.map(({ runningMode }) => runningMode)).toEqual(running);
  });

  test.each([
    ['al2023', '1.36'],
    ['bottlerocket', '1.36'],
  ])('of a node with %s answers on its two ports', async (os, version) => {
    const { core } = await open({ ...on(version, NFTABLES), nodeGroups: [{ os, count: 1 }] });
    expect(await ask(core, '10249/proxyMode')).toEqual([200, 'nftables']);
    expect(await ask(core, '10249/healthz')).toEqual([200, 'ok']);
    const health = { lastUpdated: '2026-11-20T22:00:00.000Z', currentTime: '2026-11-20T22:00:00.000Z' };
    expect(await ask(core, '10256/healthz')).toEqual([200, health]);
    expect(await ask(core, '10256/livez')).toEqual([200, health]);
    const [status, metrics] = await ask(core, '10249/metrics');
    expect(status).toBe(200);
    expect(metrics).toContain('\nkubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family="IPv4"} 1.795212e+09\n');
    expect((await ask(core, '10256/metrics'))[0]).toBe(404);
    expect((await ask(core, '10250/healthz'))[0]).toBe(503);
  });

  test('that listens for metrics on the node alone answers only on the port for health', async () => {
    const workloads = { configMapEdits: { metricsBindAddress: '127.0.0.1:10249' } };
    const { core } = await open({ ...on('1.36', NFTABLES), workloads });
    expect((await ask(core, '10249/metrics'))[0]).toBe(503);
    expect((await ask(core, '10256/healthz'))[0]).toBe(200);
  });
});

describe('a node’s kernel', () => {
  test.each([
    ['1.31', { os: 'al2023' }, '6.1.158-180.294.amzn2023.x86_64'],
    ['1.33', { os: 'al2023' }, '6.12.46-66.121.amzn2023.x86_64'],
    ['1.37', { os: 'al2023' }, '6.18.8-9.213.amzn2023.x86_64'],
    ['1.31', { os: 'al2' }, '5.10.245-241.976.amzn2.x86_64'],
    ['1.32', { os: 'bottlerocket' }, '6.1.155'],
    ['1.36', { os: 'bottlerocket' }, '6.12.46'],
    ['1.36', { os: 'al2023', kernel: '6.1.115-126.197.amzn2023.x86_64' }, '6.1.115-126.197.amzn2023.x86_64'],
  ])('in a cluster of %s: %j has %s', async (version, group, kernel) => {
    const { core } = await open({ ...on(version, null), nodeGroups: [{ ...group, count: 1 }] });
    const { items } = await core.listNode();
    expect(items.map(({ status }) => status?.nodeInfo?.kernelVersion)).toEqual([kernel]);
  });
});

describe('the Amazon VPC CNI', () => {
  const REGISTRY = '602401143452.dkr.ecr.us-east-1.amazonaws.com';
  test.each([
    ['1.30', {}, { version: 'v1.18.6', agent: 'v1.1.6' }],
    ['1.34', {}, { version: 'v1.20.4', agent: 'v1.2.7' }],
    ['1.36', {}, { version: 'v1.23.0', agent: 'v1.4.1' }],
    ['1.34', { version: 'v1.23.2' }, { version: 'v1.23.2', agent: 'v1.4.1' }],
    [
      '1.36',
      { version: 'v1.19.0', externalSnat: true, excludeSnatCidrs: ['10.100.0.0/16', '10.0.0.0/8'] },
      { version: 'v1.19.0', agent: 'v1.2.1', externalSnat: 'true', excludeSnatCidrs: '10.100.0.0/16,10.0.0.0/8' },
    ],
    ['1.36', { networkPolicyAgent: 'v1.3.0' }, { version: 'v1.23.0', agent: 'v1.3.0' }],
    ['1.36', { networkPolicyAgent: null }, { version: 'v1.23.0', agent: null }],
  ])('in a cluster of %s with %j', async (version, cni, expected) => {
    const { apps } = await open({ ...on(version, null), cni });
    const set = await apps.readNamespacedDaemonSet({ namespace: 'kube-system', name: 'aws-node' });
    const containers = set.spec?.template.spec?.containers ?? [];
    const { version: own, agent, externalSnat = 'false', excludeSnatCidrs }: Record<string, unknown> = expected;
    expect(containers.map(({ name, image }) => [name, image])).toEqual([
      ['aws-node', `${REGISTRY}/amazon-k8s-cni:${own}-eksbuild.1`],
      ...(agent === null
        ? []
        : [['aws-eks-nodeagent', `${REGISTRY}/amazon/aws-network-policy-agent:${agent}-eksbuild.1`]]),
    ]);
    const env = new Map((containers[0]?.env ?? []).map(({ name, value }) => [name, value]));
    expect(env.get('AWS_VPC_K8S_CNI_EXTERNALSNAT')).toBe(externalSnat);
    expect(env.get('AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS')).toBe(excludeSnatCidrs);
  });
});

test.each([
  [{ cni: { version: '1.23' } }, '/clusters/0/cni/version'],
  [{ cni: { excludeSnatCidrs: ['all'] } }, '/clusters/0/cni/excludeSnatCidrs/0'],
  [{ nodeGroups: [{ os: 'al2', count: 1, kernel: 'new' }] }, '/clusters/0/nodeGroups/0/kernel'],
  [{ nodeGroups: [{ os: 'al2', count: 1, dropChains: ['input'] }] }, '/clusters/0/nodeGroups/0/dropChains/0'],
])('a world with %j is refused by its path', (cluster, path) => {
  expect(() => parseWorld(worldOf([cluster]))).toThrow(path);
});
