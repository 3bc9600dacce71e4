import { describe, expect, it } from 'vitest';
import { parseRequest } from '../../../../functions/core/execution/request.ts';
import type { InventoryNode } from '../../../../functions/core/nodes/nodes.ts';
import { type ClusterSnapshot, planMigration } from '../../../../functions/core/preflight/plan.ts';
import type { Workloads } from '../../../../functions/core/preflight/preflight.ts';
import { addon, CONFIG_MAP, cluster, KUBE_PROXY_SCHEMA, managed, QUIET } from '../fixtures.ts';

const least = { cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' } };
const IPVS = '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}';
const node: InventoryNode = { id: 'i-1', name: 'node-1', address: null, kind: 'al2023', handling: { by: 'ssm' } };
const bottlerocket: InventoryNode = {
  ...node,
  id: 'i-2',
  name: 'node-2',
  kind: 'bottlerocket',
  handling: { by: 'proxy-mode', mode: null },
};
const plan = (
  snapshot: ClusterSnapshot,
  nodes: InventoryNode[],
  asked: object = {},
  workloads: Workloads | null = null,
) =>
  planMigration(snapshot, nodes, parseRequest({ ...least, ...asked }), {
    inVpc: false,
    restartFor: 'demo-1',
    ec2: [],
    managed: [managed('i-1')],
    workloads,
  });
const withConfigMap = (value: string): Workloads => ({ ...QUIET, configMap: { kind: 'read', value } });

describe('the plan', () => {
  it('migrates with the whole merged configuration', () => {
    const made = plan(cluster(addon({ configuration: '{"podLabels":{"a":"b"}}' })), [node]);
    expect(made).toMatchObject({
      kind: 'migrate',
      strategy: 'kubernetes-api',
      configuration: '{"podLabels":{"a":"b"},"mode":"ipvs","ipvs":{"scheduler":"rr"}}',
    });
    expect(made.reasons[0]).toBe('The add-on is not configured for ipvs (rr).');
    expect(made.checks.map(({ name }) => name)).toContain('metallb');
  });

  it.each([[{ endpoint: { public: false, private: true, publicCidrs: [] } }], [{ authenticationMode: 'CONFIG_MAP' }]])(
    'restarts by a pod annotation with %j',
    (part) => {
      expect(plan(cluster(part), [node], { acknowledge: ['unlisted-nodes'] })).toMatchObject({
        kind: 'migrate',
        strategy: 'pod-annotations',
        configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"},"podAnnotations":{"nightshift/restart-for":"demo-1"}}',
      });
    },
  );

  it('writes nothing where the target is configured already, whatever the version', () => {
    const compliant = { ...addon({ configuration: IPVS }), version: '1.36' };
    const nodes = [{ ...node, runningMode: 'ipvs' }, bottlerocket];
    expect(plan(cluster(compliant), nodes)).toMatchObject({
      kind: 'none',
      reasons: ['The add-on is already configured for ipvs (rr), and no node was seen running anything else.'],
    });
  });

  it('migrates where the target is configured but a node was never restarted', () => {
    const made = plan(cluster(addon({ configuration: IPVS })), [{ ...node, runningMode: 'iptables' }]);
    expect(made.kind).toBe('migrate');
    expect(made.reasons[0]).toBe(
      'The add-on is configured for ipvs (rr), but nodes still run another mode: node-1 (iptables).',
    );
  });

  it('refuses with every block and what to do about it', () => {
    expect(plan(cluster({ status: 'UPDATING', autoMode: true }), [node])).toMatchObject({
      kind: 'refuse',
      reasons: [
        'the cluster is UPDATING. Start again when it is ACTIVE.',
        'the cluster runs EKS Auto Mode. There is nothing to migrate here: EKS Auto Mode manages its nodes and their kube-proxy itself.',
      ],
    });
  });

  it('refuses a compliant configuration while a node cannot be accounted for', () => {
    const stranger: InventoryNode = { ...node, kind: 'unknown', handling: { by: 'blocked', reason: 'stranger' } };
    expect(plan(cluster(addon({ configuration: IPVS })), [stranger]).kind).toBe('refuse');
  });

  it('keeps the very text where only a restart is due', () => {
    const text = `{ "ipvs": {"scheduler": "rr"}, "mode": "ipvs" }`;
    const nodes = [{ ...node, runningMode: 'iptables' }];
    expect(plan(cluster(addon({ configuration: text })), nodes)).toMatchObject({ way: 'addon', configuration: text });
  });

  it('has a new text for pods that restart by annotation, also where only a restart is due', () => {
    const configuration =
      '{"mode":"ipvs","ipvs":{"scheduler":"rr"},"podAnnotations":{"nightshift/restart-for":"demo-0"}}';
    const made = plan(
      cluster({ ...addon({ configuration }), endpoint: { public: false, private: true, publicCidrs: [] } }),
      [node],
      { acknowledge: ['unlisted-nodes'] },
    );
    expect(made).toMatchObject({ kind: 'none', configuration: configuration.replace('demo-0', 'demo-1') });
  });

  it('sends the values again where somebody edited the ConfigMap behind the add-on', () => {
    const made = plan(cluster(addon({ configuration: IPVS })), [node], {}, withConfigMap(CONFIG_MAP));
    expect(made).toMatchObject({ kind: 'migrate', configuration: `${IPVS}\n` });
    expect(made.reasons[0]).toBe(
      'The add-on is configured for ipvs (rr), but the ConfigMap kube-proxy-config was edited to something else.',
    );
  });

  it('says every accepted risk, and no check that is only still to come', () => {
    const made = plan(cluster({ version: '1.35' }), [node], { acknowledge: ['ipvs-deprecated', 'idle-timeout'] });
    expect(made.reasons).toEqual([
      'The add-on is not configured for ipvs (rr).',
      'Accepted risk (ipvs-deprecated): ipvs mode is deprecated in Kubernetes 1.35 and will be removed.',
      'Accepted risk (idle-timeout): IPVS forgets TCP connections that are idle for 900 s: pools of database connections may be cut.',
    ]);
    expect(made.checks.find(({ name }) => name === 'ipvs-deprecated')).toMatchObject({
      verdict: 'BLOCK',
      accepted: true,
    });
  });

  it('stays small enough for state data, whatever was found', () => {
    const nodes = Array.from({ length: 5000 }, (_, index) => ({
      ...node,
      id: `i-${index}`,
      name: 'n'.repeat(250),
      handling: { by: 'blocked' as const, reason: 'x'.repeat(5000) },
    }));
    const edits = Array.from({ length: 900 }, (_, index) => `field${index}: ${'y'.repeat(20)}`).join('\n');
    const made = plan(cluster(addon({ issues: ['z'.repeat(50_000)] })), nodes, {}, withConfigMap(edits));
    expect(Buffer.byteLength(JSON.stringify(made))).toBeLessThan(20_480);
  });
});

describe('the plan for a self-managed kube-proxy', () => {
  const offered = {
    version: 'v1.32.6-eksbuild.12',
    schema: KUBE_PROXY_SCHEMA,
    versions: ['v1.32.6-eksbuild.12', 'v1.32.0-eksbuild.2'],
  };
  const selfManaged = cluster({ addon: null, offered });

  it('is to refuse, naming both ways, when the request chose none', () => {
    expect(plan(selfManaged, [node])).toMatchObject({
      kind: 'refuse',
      reasons: [
        'kube-proxy is not an EKS add-on of this cluster, and the request does not say how to change a self-managed one. Set selfManaged to create-addon (EKS adopts it) or config-map (kube-proxy-config is edited).',
      ],
    });
  });

  it('adopts it with the version that EKS offers', () => {
    expect(plan(selfManaged, [node], { selfManaged: 'create-addon' }, QUIET)).toMatchObject({
      kind: 'migrate',
      way: 'create-addon',
      createVersion: 'v1.32.6-eksbuild.12',
      configuration: IPVS,
      strategy: 'kubernetes-api',
    });
  });

  it('edits its ConfigMap and sends nothing to EKS', () => {
    const made = plan(selfManaged, [node], { selfManaged: 'config-map' }, QUIET);
    expect(made).toMatchObject({ kind: 'migrate', way: 'config-map', configuration: null, createVersion: null });
    expect(made.reasons[0]).toBe('kube-proxy is not configured for ipvs (rr).');
  });

  it('is made of what the ConfigMap says, once it was read', () => {
    const asked = { selfManaged: 'config-map' };
    const text = CONFIG_MAP.replace('mode: "iptables"', 'mode: ipvs');
    expect(plan(selfManaged, [node], asked, withConfigMap(text)).kind).toBe('none');
    expect(plan(selfManaged, [node], asked)).toMatchObject({
      kind: 'migrate',
      reasons: expect.arrayContaining(['The configuration of kube-proxy is read before anything is changed.']),
    });
  });

  it('is to refuse where EKS offers no add-on that could adopt it', () => {
    const made = plan({ ...selfManaged, offered: null }, [node], { selfManaged: 'create-addon' }, QUIET);
    expect(made.kind).toBe('refuse');
  });
});
