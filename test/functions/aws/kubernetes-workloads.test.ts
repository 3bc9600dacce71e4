import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import type { WorldOptions } from '@nightshift/sandbox/test/kubernetes';
import { expect, test } from 'vitest';
import { serviceOf, totalsOf } from '../../../functions/aws/kubernetes/workloads.ts';
import { closeWorldsAfterEach, GRANTED, openWorld } from './worlds.ts';

closeWorldsAfterEach();

/** The workloads that the adapter reads as the product's role, or as the cluster's administrator. */
const workloads = async (options: WorldOptions, as?: 'role' | 'administrator', wanted?: { endpoints: boolean }) =>
  (await openWorld({ ...GRANTED, ...options }, as)).api.workloads(wanted);
const refused = { kind: 'unreadable', why: 'the API server refused it (403)' };
const absent = { kind: 'unreadable', why: 'the API server has nothing of that kind (404)' };

test('the role reads DaemonSets, Services and the ConfigMap, and reports the refused parts', async () => {
  const seen = await workloads({ workloads: { externalIps: 'node', securityGroupPolicies: 2 } });
  expect(seen.securityGroupPolicies).toEqual(refused);
  expect(seen.nodes).toEqual(refused);
  expect(seen.services).toEqual({
    kind: 'read',
    value: [{ service: 'shop/app-1', addresses: ['192.168.0.2'] }],
  });
  expect(seen.daemonSets).toMatchObject({
    kind: 'read',
    value: [
      { namespace: 'kube-system', name: 'aws-node', env: { ENABLE_POD_ENI: 'true' } },
      { namespace: 'kube-system', name: 'kube-proxy', args: expect.arrayContaining(['kube-proxy']) },
    ],
  });
  expect(seen.configMap).toMatchObject({ kind: 'read', value: expect.stringContaining('mode: "iptables"') });
});

test('the role counts Services, and endpoints if they are wanted', async () => {
  const seen = await workloads({ services: 1_200 }, 'role', { endpoints: true });
  expect(seen.serviceTotals).toEqual({ count: 1_202, nodePorts: [] });
  expect(seen.endpoints).toEqual({ kind: 'read', value: { count: 1_203, atLeast: false } });
  expect((await workloads({})).endpoints).toBeUndefined();
});

test("the role reads how kube-proxy's DaemonSet is rolled out", async () => {
  const seen = await workloads({ nodes: ['al2023', 'al2023'] });
  const sets = seen.daemonSets.kind === 'read' ? seen.daemonSets.value : [];
  expect(sets.map(({ name, rollout }) => [name, rollout])).toEqual([
    ['aws-node', undefined],
    ['kube-proxy', { strategy: 'RollingUpdate', maxUnavailable: '10%', maxSurge: 0, desired: 2, available: 2 }],
  ]);
});

test('the marks that tools left on the ConfigMap come with its text', async () => {
  const { world, api } = await openWorld(GRANTED);
  const labels = { 'kustomize.toolkit.fluxcd.io/name': 'infra' };
  const config = new KubeConfig();
  config.loadFromString(world.kubeconfig);
  await config
    .makeApiClient(CoreV1Api)
    .patchNamespacedConfigMap(
      { namespace: 'kube-system', name: 'kube-proxy-config', body: { metadata: { labels } } },
      setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
    );
  const seen = await api.workloads();
  expect(seen.configMapMarks?.labels).toMatchObject(labels);
});

test('more Services than one page holds are all read', async () => {
  const seen = await workloads({ services: 1_200, workloads: { externalIps: 'other' } });
  expect(seen.services).toEqual({ kind: 'read', value: [{ service: 'shop/app-1', addresses: ['192.0.2.17'] }] });
});

test('custom resources without their definition are unreadable, not an empty list', async () => {
  expect((await workloads({}, 'administrator')).securityGroupPolicies).toEqual(absent);
  const seen = await workloads({ workloads: { securityGroupPolicies: 2 } }, 'administrator');
  expect(seen.securityGroupPolicies).toEqual({ kind: 'read', value: 2 });
  const none = await workloads({ workloads: { securityGroupPolicies: 0 } }, 'administrator');
  expect(none.securityGroupPolicies).toEqual({ kind: 'read', value: 0 });
});

test('the kernels of nodes are read if nodes can be read', async () => {
  const seen = await workloads({ nodes: ['al2'] }, 'administrator');
  expect(seen.nodes).toEqual({
    kind: 'read',
    value: [{ name: 'ip-192-168-0-2.ec2.internal', kernel: '5.10.245-241.976.amzn2.x86_64', image: 'Amazon Linux 2' }],
  });
});

test.each([
  [{ cilium: true }, 'role', { ciliumReplacement: { kind: 'read', value: 'true' } }],
  [{ cilium: false }, 'role', { ciliumReplacement: { kind: 'read', value: 'false' } }],
  [{ calicoEbpf: 'felix' }, 'role', { felixBpf: refused }],
  [{ calicoEbpf: 'felix' }, 'administrator', { felixBpf: { kind: 'read', value: true } }],
  [{ calicoEbpf: false }, 'administrator', { felixBpf: { kind: 'read', value: false } }],
] as const)('with %j the %s reads %j', async (present, as, expected) => {
  expect(await workloads({ workloads: present }, as)).toMatchObject(expected);
});

test.each(['list daemonsets', 'list services', 'get configmaps'])(
  'a 403 on a granted call (%s) says nothing about the cluster, and is thrown by name',
  async (operation) => {
    const forbidden = { status: 403, reason: 'Forbidden', message: 'not yet' };
    const intercept = async (asked: { operation: string }) => (asked.operation === operation ? forbidden : undefined);
    await expect(workloads({ intercept })).rejects.toMatchObject({ name: 'KubernetesForbidden' });
  },
);

test("a load balancer's address counts unless kube-proxy does not bind it", () => {
  const status = { loadBalancer: { ingress: [{ ip: '10.0.0.9' }, { ip: '10.0.0.8', ipMode: 'Proxy' }] } };
  expect(
    serviceOf({ metadata: { namespace: 'shop', name: 'web' }, spec: { externalIPs: ['10.0.0.7'] }, status }),
  ).toEqual({
    service: 'shop/web',
    addresses: ['10.0.0.7', '10.0.0.9'],
  });
});

test('headless Services and external names are none of those that kube-proxy handles', () => {
  const service = (name: string, spec: object) => ({ metadata: { namespace: 'shop', name }, spec });
  expect(
    totalsOf([
      service('web', { type: 'LoadBalancer', clusterIP: '10.100.3.4', ports: [{ nodePort: 30_080 }] }),
      service('api', { type: 'ClusterIP', clusterIP: '10.100.3.5', ports: [{}] }),
      service('db', { type: 'ClusterIP', clusterIP: 'None' }),
      service('mail', { type: 'ExternalName' }),
    ]),
  ).toEqual({ count: 2, nodePorts: ['shop/web'] });
});
