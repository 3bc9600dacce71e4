import { EKS } from '@aws-sdk/client-eks';
import { AppsV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { afterEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../sandbox.ts';
import { worldOf } from './world.ts';

describe('a Region from a world file', () => {
  let sandbox: Sandbox | undefined;
  afterEach(async () => {
    await sandbox?.stop();
    sandbox = undefined;
  });

  async function open(file: object): Promise<{ sandbox: Sandbox; eks: EKS; kubernetes: KubeConfig }> {
    const started = await startSandbox({ world: file });
    sandbox = started;
    const kubernetes = new KubeConfig();
    kubernetes.loadFromFile(started.kubeconfig);
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' };
    return {
      sandbox: started,
      eks: new EKS({ endpoint: started.endpoint, region: 'us-east-1', credentials }),
      kubernetes,
    };
  }

  test('without clusters serves, and lists no cluster', async () => {
    const { sandbox, eks } = await open(worldOf([]));
    expect(await eks.listClusters({})).toMatchObject({ clusters: [] });
    expect(await sandbox.state()).toMatchObject({
      now: '2026-11-20T22:00:00.000Z',
      clusters: [],
      executions: [],
      schedules: [],
    });
  });

  test('with a self-managed kube-proxy has no add-on, but the DaemonSet', async () => {
    const { eks, kubernetes, sandbox } = await open(worldOf([{ addon: null }]));
    const addon = { clusterName: 'demo', addonName: 'kube-proxy' };
    await expect(eks.describeAddon(addon)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    expect(await eks.listAddons({ clusterName: 'demo' })).toMatchObject({ addons: ['vpc-cni'] });
    const set = await kubernetes
      .makeApiClient(AppsV1Api)
      .readNamespacedDaemonSet({ namespace: 'kube-system', name: 'kube-proxy' });
    expect(set.status).toMatchObject({ desiredNumberScheduled: 2, numberReady: 2 });
    expect(await sandbox.state()).toMatchObject({ clusters: [{ addon: null, configMap: { mode: 'iptables' } }] });
  });

  test('with CONFIG_MAP authentication refuses access entries and lets the kubeconfig in', async () => {
    const { eks, kubernetes } = await open(worldOf([{ authenticationMode: 'CONFIG_MAP' }]));
    await expect(eks.listAccessEntries({ clusterName: 'demo' })).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
    expect((await kubernetes.makeApiClient(CoreV1Api).listNode()).items).toHaveLength(2);
  });

  test('keeps the old world when the next one is bad', async () => {
    const { sandbox, eks } = await open(worldOf([{}]));
    await expect(sandbox.load(worldOf([{ serviceCidr: '10.100.0.0/24', services: 300 }]))).rejects.toThrow(
      'do not fit into 10.100.0.0/24',
    );
    expect(await eks.listClusters({})).toMatchObject({ clusters: ['demo'] });
    await sandbox.load(worldOf([{ name: 'next' }]));
    expect(await eks.listClusters({})).toMatchObject({ clusters: ['next'] });
  });

  test('has 50 clusters, each with a Kubernetes API of its own', async () => {
    const clusters = Array.from({ length: 50 }, (_, index) => ({ name: `c-${index}`, services: 1200 }));
    const { eks, kubernetes } = await open(worldOf(clusters));
    expect((await eks.listClusters({})).clusters).toHaveLength(50);
    expect(new Set(kubernetes.getClusters().map(({ server }) => server)).size).toBe(50);
    kubernetes.setCurrentContext('c-49');
    expect((await kubernetes.makeApiClient(CoreV1Api).listNode()).items).toHaveLength(2);
  });
});
