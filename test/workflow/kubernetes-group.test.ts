import type { ApiCall } from '@nightshift/sandbox';
import { describe, expect, it } from 'vitest';
import { accessManifest } from '../../functions/core/preflight/access-manifest.ts';
import { rightsOf } from '../../infra/security-page.ts';
import { groupTemplate } from '../infra/roles.ts';
import { reasonsOf } from './checks.ts';
import { at, crash, each } from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { CLUSTER, REQUEST, worldOf } from './worlds.ts';

const template = await groupTemplate('platform:nightshift');
const rbac = accessManifest('platform:nightshift');
const MIXED = [...CLUSTER.nodeGroups, { os: 'bottlerocket', count: 1, ssm: 'online' }];

const ON_135 = { version: '1.35', addon: { version: 'v1.35.0-eksbuild.2' }, cni: { version: 'v1.23.0' } };
const NFTABLES = { target: { mode: 'nftables' } };

const workflow = await startedWorkflow(worldOf({ rbac }), template);

const granted = (calls: readonly ApiCall[]) =>
  calls.filter(({ service, operation }) => service === 'eks' && /AccessEntry|AccessPolicy/.test(operation));
/** `verb resource` of every request that the runs made. */
const made = new Set<string>();

const refused = (calls: readonly ApiCall[]) =>
  calls
    .filter(({ service, error }) => service === 'kubernetes' && error === 'Forbidden')
    .map(({ operation }) => operation);

/** Grants that count at once: here a refusal means a rule that is missing. */
const AT_ONCE = { latencies: { grant: 0 } };

describe('with a Kubernetes group', () => {
  it('no role may associate an access policy', () => {
    const actions = rightsOf(template).flatMap((right) => right.actions);
    expect(actions).not.toContain('eks:AssociateAccessPolicy');
  });

  it.each([
    ['an add-on', {}, {}, []],
    ['nodes that are proven through the API server', { nodeGroups: MIXED }, {}, []],
    ['a ConfigMap', { addon: null }, { selfManaged: 'config-map' }, []],
    ['Cilium and Calico', { workloads: { cilium: false, calicoEbpf: 'felix', securityGroupPolicies: 0 } }, {}, []],
    ['nftables mode, before which endpoints are counted', ON_135, NFTABLES, []],
    ['a rollback', {}, {}, [crash('RestartDaemonSet', 'ipvs')]],
    ['a rollback of a ConfigMap', { addon: null }, { selfManaged: 'config-map' }, [crash('RestartDaemonSet', 'ipvs')]],
    ['a canary that fails', {}, {}, each((node) => at('ValidateCanary', node, 'dns-without-backends'))],
  ])('the printed manifest is enough for %s', async (_, cluster, request, faults) => {
    const { calls, path, cause } = await workflow.migrate(
      worldOf({ rbac, ...cluster }, AT_ONCE),
      { ...REQUEST, ...request },
      faults,
    );
    for (const { service, operation } of calls) if (service === 'kubernetes') made.add(operation);
    expect({ refused: refused(calls), path, cause }).toMatchObject({ refused: [] });
    expect(path).toContain('InspectWorkloads');
    expect(path).not.toContain('GrantView');
  });

  it('and it allows no operation that these runs did not use', () => {
    const allowed = rbac.flatMap(({ rules = [] }) =>
      rules.flatMap(({ resources, verbs }) => resources.flatMap((each) => verbs.map((verb) => `${verb} ${each}`))),
    );
    expect(allowed.filter((right) => !made.has(right))).toEqual([]);
  });

  it('shows the kernels of nodes, and one that nftables mode cannot use is refused whatever is acknowledged', async () => {
    const nodeGroups = [{ os: 'al2023', count: 1, kernel: '5.10.245-241.976.amzn2.x86_64' }];
    const ended = await workflow.migrate(worldOf({ rbac, ...ON_135, nodeGroups }, AT_ONCE), {
      ...REQUEST,
      ...NFTABLES,
      acknowledge: ['node-kernels'],
    });
    expect(ended.error).toBe('PreflightRefused');
    expect(reasonsOf(ended, 'BLOCK')).toEqual({
      'node-kernels':
        'kube-proxy exits in nftables mode on kernels older than 5.13: ip-192-168-1-1.ec2.internal (i-08c7d82cd41065beb) 5.10.245-241.976.amzn2.x86_64',
    });
  });

  it('the access entry has the group and no policy', async () => {
    const { status, calls } = await workflow.migrate(worldOf({ rbac }, AT_ONCE));
    expect(status).toBe('SUCCEEDED');
    expect(new Set(granted(calls).map(({ operation }) => operation))).toEqual(
      new Set(['CreateAccessEntry', 'DescribeAccessEntry', 'DeleteAccessEntry']),
    );
    const [created] = granted(calls);
    expect(created?.input).toMatchObject({ kubernetesGroups: ['platform:nightshift'] });
  });

  it('a cluster without the manifest of access-manifest is not changed', async () => {
    const { status, error, calls } = await workflow.migrate(worldOf({}));
    expect({ status, error }).toMatchObject({ status: 'FAILED' });
    expect(calls.filter(({ operation }) => /^(UpdateAddon|SendCommand|patch daemonsets)$/.test(operation))).toEqual([]);
  });
});
