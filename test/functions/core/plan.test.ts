import { describe, expect, it } from 'vitest';
import type { InventoryNode } from '../../../functions/core/nodes.ts';
import { type ClusterSnapshot, planMigration } from '../../../functions/core/plan.ts';
import { preflight } from '../../../functions/core/preflight.ts';
import { parseRequest } from '../../../functions/core/request.ts';
import { cluster, KUBE_PROXY_SCHEMA } from './fixtures.ts';

const request = parseRequest({ cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' } });
const IPVS = '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}';
const node: InventoryNode = { id: 'i-1', name: 'node-1', address: null, kind: 'al2023', handling: { by: 'ssm' } };
const bottlerocket: InventoryNode = {
  ...node,
  id: 'i-2',
  name: 'node-2',
  kind: 'bottlerocket',
  handling: { by: 'proxy-mode', mode: null },
};

const addon = (part: Partial<NonNullable<ClusterSnapshot['addon']>>): Partial<ClusterSnapshot> => {
  const { addon: base } = cluster();
  return base === null ? {} : { addon: { ...base, ...part } };
};
const blocks = (part: Partial<ClusterSnapshot>, nodes: InventoryNode[] = [node], asked = request): string[] =>
  preflight(cluster(part), nodes, asked)
    .filter(({ verdict }) => verdict === 'BLOCK')
    .map(({ name, why }) => `${name}: ${why}`);

describe('the checks before a migration', () => {
  it('pass an ordinary cluster and warn of idle connections', () => {
    const checks = preflight(cluster(), [node], request);
    expect(checks.map(({ name, verdict }) => `${name} ${verdict}`)).toEqual([
      'cluster-status PASS',
      'auto-mode PASS',
      'addon-present PASS',
      'addon-status PASS',
      'addon-issues PASS',
      'update-in-flight PASS',
      'configuration PASS',
      'schema-mode PASS',
      'configuration-schema PASS',
      'version PASS',
      'nodes PASS',
      'restart PASS',
      'idle-timeout WARN',
    ]);
  });

  it.each([
    [{ status: 'UPDATING' }, 'cluster-status: the cluster is UPDATING'],
    [{ autoMode: true }, 'auto-mode: the cluster runs EKS Auto Mode'],
    [{ addon: null }, 'addon-present: kube-proxy is not an EKS add-on of this cluster'],
    [addon({ status: 'DEGRADED' }), 'addon-status: the kube-proxy add-on is DEGRADED'],
    [
      addon({ issues: ['AccessDenied: no'] }),
      'addon-issues: the kube-proxy add-on has health issues: AccessDenied: no',
    ],
    [{ updateInFlight: true }, 'update-in-flight: an update of the cluster or the add-on is in progress'],
    [
      addon({ configuration: 'nonsense' }),
      'configuration: The configuration values must be a mapping (JSON or YAML), but they are a string.',
    ],
    [
      addon({ configuration: '{"tolerations":[]}' }),
      "configuration-schema: the merged configuration breaks the live schema: the configuration must not have the field 'tolerations'",
    ],
    [{ version: '1.40' }, 'version: kube-proxy of Kubernetes 1.40 exits in ipvs mode'],
    [{ version: '1.35' }, 'version: ipvs mode is deprecated in Kubernetes 1.35 and will be removed'],
    [{ version: '2.0' }, 'version: Kubernetes 2.0 is no version that is known'],
  ])('block %j', (part, expected) => {
    expect(blocks(part)).toEqual([expected]);
  });

  it('block an add-on whose live schema has no ipvs, whatever is acknowledged', () => {
    const schema = KUBE_PROXY_SCHEMA.replace('"ipvs"]', '"nftables"]');
    const forced = { ...request, acknowledge: ['ipvs-deprecated'] };
    expect(blocks(addon({ schema }), [node], forced)[0]).toBe(
      'schema-mode: the schema of add-on v1.32.0-eksbuild.2 has no mode ipvs: mode must be one of iptables, nftables',
    );
  });

  it.each([
    ['1.32', 'PASS', ''],
    ['1.34', 'PASS', 'Consider nftables mode, stable since 1.33.'],
  ])('advise on version %s', (version, verdict, fix) => {
    const check = preflight(cluster({ version }), [node], request).find(({ name }) => name === 'version');
    expect(check).toMatchObject({ verdict, fix });
  });

  it('turn the block of a deprecated version into an accepted risk, and never that of a removed one', () => {
    const accepted = { ...request, acknowledge: ['ipvs-deprecated'] };
    const check = (version: string) =>
      preflight(cluster({ version }), [node], accepted).find(({ name }) => name === 'version');
    expect(check('1.39')).toMatchObject({
      verdict: 'WARN',
      why: 'ipvs mode is deprecated in Kubernetes 1.39: accepted risk (ipvs-deprecated)',
    });
    expect(check('1.40')).toMatchObject({ verdict: 'BLOCK' });
  });

  it('name the nodes that block, five at most', () => {
    const blocked = (id: string): InventoryNode => ({
      ...node,
      id,
      name: id,
      handling: { by: 'blocked', reason: 'no agent' },
    });
    expect(blocks({}, [node, blocked('i-7')])).toEqual(['nodes: 1 node blocks the migration: i-7: no agent']);
    expect(blocks({}, ['1', '2', '3', '4', '5', '6', '7'].map(blocked))).toEqual([
      'nodes: 7 nodes block the migration: 1: no agent; 2: no agent; 3: no agent; 4: no agent; 5: no agent; and 2 more',
    ]);
    expect(blocks({}, [{ ...node, kind: 'unknown' }])).toEqual([
      'nodes: 1 node blocks the migration: node-1 (i-1): its kind is not known',
    ]);
  });

  it('block Bottlerocket nodes where the Kubernetes API cannot be asked', () => {
    const away = { endpoint: { public: false, private: true } };
    expect(blocks(away)).toEqual([]);
    expect(blocks({}, [bottlerocket])).toEqual([]);
    expect(blocks(away, [bottlerocket])).toEqual([
      'restart: with a private endpoint the Kubernetes API cannot be asked, and nothing else proves Bottlerocket nodes: node-2',
    ]);
  });
});

describe('the plan', () => {
  it('migrates with the whole merged configuration', () => {
    const plan = planMigration(cluster(addon({ configuration: '{"podLabels":{"a":"b"}}' })), [node], request);
    expect(plan).toMatchObject({
      kind: 'migrate',
      strategy: 'kubernetes-api',
      configuration: '{"podLabels":{"a":"b"},"mode":"ipvs","ipvs":{"scheduler":"rr"}}',
    });
    expect(plan.reasons[0]).toBe('The add-on is not configured for ipvs (rr).');
    expect(plan.checks).toHaveLength(13);
  });

  it.each([[{ endpoint: { public: false, private: true } }], [{ authenticationMode: 'CONFIG_MAP' }]])(
    'restarts by a pod annotation with %j',
    (part) => {
      expect(planMigration(cluster(part), [node], request)).toMatchObject({
        kind: 'migrate',
        strategy: 'pod-annotations',
        configuration:
          '{"mode":"ipvs","ipvs":{"scheduler":"rr"},"podAnnotations":{"nightshift/restart-for":"ipvs-rr"}}',
      });
    },
  );

  it('writes nothing where the target is configured already, whatever the version', () => {
    const compliant = { ...addon({ configuration: IPVS }), version: '1.36' };
    const nodes = [{ ...node, runningMode: 'ipvs' }, bottlerocket];
    expect(planMigration(cluster(compliant), nodes, request)).toMatchObject({
      kind: 'none',
      reasons: ['The add-on is already configured for ipvs (rr), and no node was seen running anything else.'],
    });
  });

  it('migrates where the target is configured but a node was never restarted', () => {
    const plan = planMigration(
      cluster(addon({ configuration: IPVS })),
      [{ ...node, runningMode: 'iptables' }],
      request,
    );
    expect(plan.kind).toBe('migrate');
    expect(plan.reasons[0]).toBe(
      'The add-on is configured for ipvs (rr), but nodes still run another mode: node-1 (iptables).',
    );
  });

  it('refuses with every block and what to do about it', () => {
    expect(planMigration(cluster({ status: 'UPDATING', autoMode: true }), [node], request)).toMatchObject({
      kind: 'refuse',
      reasons: [
        'the cluster is UPDATING. Start again when it is ACTIVE.',
        'the cluster runs EKS Auto Mode. Nothing can be migrated here: EKS Auto Mode manages its nodes and their kube-proxy itself.',
      ],
    });
  });

  it('refuses a compliant configuration while a node cannot be accounted for', () => {
    const stranger: InventoryNode = { ...node, kind: 'unknown', handling: { by: 'blocked', reason: 'stranger' } };
    expect(planMigration(cluster(addon({ configuration: IPVS })), [stranger], request).kind).toBe('refuse');
  });

  it('migrates a cluster without nodes', () => {
    expect(planMigration(cluster(), [], request)).toMatchObject({ kind: 'migrate', strategy: 'kubernetes-api' });
  });
});
