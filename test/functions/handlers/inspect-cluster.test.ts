import { expect, test } from 'vitest';
import type { Ec2Node, ManagedNode } from '../../../functions/core/nodes/nodes.ts';
import type { ClusterSnapshot } from '../../../functions/core/preflight/snapshot.ts';
import { inspectCluster } from '../../../functions/handlers/inspect-cluster.ts';
import { addon, CONFIG_MAP, cluster, KUBE_PROXY_SCHEMA, pod } from '../core/fixtures.ts';
import { API, common, FakeKubernetes, MemoryStore, RecordedLog, values } from './fakes.ts';
import { instance, managed } from './nodes.ts';

const snapshot = cluster({
  arn: 'arn:aws:eks:us-east-1:111122223333:cluster/demo',
  version: '1.34',
  ...addon({ version: 'v1.34.1-eksbuild.2' }),
});
const named = (name: string, nodeName: string) => pod(nodeName, { name });

interface Seen {
  snapshot?: Partial<ClusterSnapshot>;
  ec2?: Ec2Node[];
  managed?: ManagedNode[];
}

function inspecting(seen: Seen) {
  const store = new MemoryStore();
  const api = new FakeKubernetes();
  const opened: string[] = [];
  const asked: string[][] = [];
  const run = inspectCluster({
    store,
    inVpc: () => false,
    cloudwatch: { alarms: async () => ({ kind: 'read', alarms: [] }) },
    settings: () => ({ guards: { alarms: [], onGuard: 'hold', onUnknown: 'closed' } }),
    eks: {
      snapshot: async () => ({ ...snapshot, ...seen.snapshot }),
      schema: async () => KUBE_PROXY_SCHEMA,
      fargateProfiles: async () => 0,
    },
    ec2: { nodes: async () => seen.ec2 ?? [] },
    ssm: {
      managedNodes: async (ids) => {
        asked.push([...ids]);
        return (seen.managed ?? []).filter(({ id }) => ids.includes(id));
      },
    },
    openKubernetes: async ({ name }) => {
      opened.push(name);
      return api;
    },
  });
  return { run, store, api, opened, asked };
}

const request = { cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend' };
const input = { ...common, step: 'inspect-1', request, kubernetes: false };

test('a look gives the plan, the addresses that prove it, and an inventory in S3', async () => {
  const { run, store, opened } = inspecting({ ec2: [instance('i-1')], managed: [managed('i-1')] });
  const output = await run(input, new RecordedLog());
  expect(output).toMatchObject({
    request: { ...request, acknowledge: [] },
    plan: { kind: 'migrate', strategy: 'kubernetes-api', way: 'addon', createVersion: null },
    configMap: null,
    cluster: {
      name: 'demo',
      arn: 'arn:aws:eks:us-east-1:111122223333:cluster/demo',
      version: '1.34',
      serviceCidr: '10.100.0.0/16',
      apiServer: '10.100.0.1',
      dns: '10.100.0.10',
      api: API,
    },
    addon: { version: 'v1.34.1-eksbuild.2', configuration: null },
    inventory: {
      key: 'executions/demo-1/inspect-1/inventory.ndjson.gz',
      counts: { total: 1, ssm: 1, proxyMode: 0, excluded: 0, blocked: 0 },
    },
    estimateSeconds: 334,
    windowSeconds: 334,
  });
  expect(JSON.parse(output.plan.configuration ?? '')).toEqual({ mode: 'ipvs', ipvs: { scheduler: 'rr' } });
  expect(values((await store.get(output.inventory.key)).text)).toMatchObject([{ id: 'i-1', handling: { by: 'ssm' } }]);
  expect(opened).toEqual([]);
});

test('a configuration that is already the target is a plan of none, with all that a restart would need', async () => {
  const configuration = '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}';
  const { run } = inspecting({
    snapshot: addon({ version: 'v1.34.1-eksbuild.2', configuration }),
    ec2: [instance('i-1')],
    managed: [managed('i-1')],
  });
  expect((await run(input, new RecordedLog())).plan).toMatchObject({
    kind: 'none',
    strategy: 'kubernetes-api',
    configuration,
  });
});

test('a node without an agent refuses the migration and is named', async () => {
  const { run } = inspecting({ ec2: [instance('i-1')] });
  const ear = new RecordedLog();
  expect((await run(input, ear)).plan).toMatchObject({
    kind: 'refuse',
    reasons: [expect.stringContaining('i-1.ec2.internal (i-1): no SSM agent has registered for it')],
    strategy: null,
    configuration: null,
  });
  expect(ear.decisions).toEqual(['plan.refuse']);
});

test('with Kubernetes only the pods on Bottlerocket are asked for their mode', async () => {
  const { run, api, store } = inspecting({
    ec2: [instance('i-1'), instance('i-2')],
    managed: [managed('i-1'), managed('i-2', 'Bottlerocket')],
  });
  api.pods = [named('kube-proxy-1', 'i-1.ec2.internal'), named('kube-proxy-2', 'i-2.ec2.internal')];
  api.modes = { 'kube-proxy-2': 'iptables' };
  const { inventory } = await run({ ...input, step: 'workloads-1', kubernetes: true }, new RecordedLog());
  expect(api.asked).toEqual(['kube-proxy-2']);
  expect(values((await store.get(inventory.key)).text)).toMatchObject([
    { id: 'i-1', handling: { by: 'ssm' } },
    { id: 'i-2', handling: { by: 'proxy-mode', mode: 'iptables' } },
  ]);
});

test('without Kubernetes no check of workloads is a pass', async () => {
  const { run } = inspecting({ ec2: [instance('i-1')], managed: [managed('i-1')] });
  const { plan } = await run(input, new RecordedLog());
  const waiting = plan.checks.filter(({ later }) => later);
  expect(waiting.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
    'unlisted-nodes WARN',
    'foreign-virtual-servers WARN',
    'proof WARN',
    'kube-proxy-replacement WARN',
    'config-map-edits WARN',
    'daemon-set-edits WARN',
    'kube-proxy-image WARN',
    'rollout-possible WARN',
    'external-ips WARN',
    'node-local-dns WARN',
    'metallb WARN',
    'security-groups-for-pods WARN',
    'calico WARN',
  ]);
});

test('with Kubernetes the workloads are checked, and the text of the ConfigMap is kept', async () => {
  const { run, api } = inspecting({ ec2: [instance('i-1')], managed: [managed('i-1')] });
  api.pods = [named('kube-proxy-1', 'i-1.ec2.internal')];
  api.seen = {
    ...api.seen,
    services: { kind: 'read', value: [{ service: 'default/web', addresses: ['192.168.1.1'] }] },
  };
  const output = await run({ ...input, kubernetes: true }, new RecordedLog());
  expect(output.configMap).toBe(CONFIG_MAP);
  expect(output.plan).toMatchObject({ kind: 'refuse', strategy: null, way: null });
  expect(output.plan.checks.find(({ name }) => name === 'external-ips')).toMatchObject({
    verdict: 'BLOCK',
    accepted: false,
  });
});

test('an acknowledged finding is an accepted risk, and the plan keeps it', async () => {
  const seen = { snapshot: { version: '1.35' }, ec2: [instance('i-1')], managed: [managed('i-1')] };
  const { run } = inspecting(seen);
  const accepting = { ...input, request: { ...request, acknowledge: ['ipvs-deprecated'] } };
  const { plan } = await run(accepting, new RecordedLog());
  expect(plan.kind).toBe('migrate');
  expect(plan.checks.filter(({ accepted }) => accepted)).toEqual([
    {
      name: 'ipvs-deprecated',
      verdict: 'BLOCK',
      why: 'ipvs mode is deprecated in Kubernetes 1.35 and will be removed',
      fix: 'Migrate to nftables mode instead, the recommended successor. Or accept the risk: acknowledge ipvs-deprecated.',
      accepted: true,
    },
  ]);
});

test('hybrid nodes, which EC2 does not know, are looked up in SSM by the names of their pods', async () => {
  const { run, api, asked } = inspecting({ ec2: [instance('i-1')], managed: [managed('i-1')] });
  api.pods = [named('kube-proxy-1', 'i-1.ec2.internal'), named('kube-proxy-2', 'mi-0123456789abcdef0')];
  await run({ ...input, kubernetes: true }, new RecordedLog());
  expect(asked).toEqual([['i-1', 'mi-0123456789abcdef0']]);
});
