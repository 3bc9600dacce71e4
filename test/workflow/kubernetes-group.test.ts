import type { ApiCall } from '@nightshift/sandbox';
import { describe, expect, it } from 'vitest';
import { accessManifest } from '../../functions/core/preflight/access-manifest.ts';
import { rightsOf } from '../../infra/security-page.ts';
import { groupTemplate } from '../infra/roles.ts';
import { at, crash, each } from './scenarios.ts';
import { startedWorkflow } from './shared.ts';
import { CLUSTER, REQUEST, worldOf } from './worlds.ts';

const template = await groupTemplate('platform:nightshift');
const rbac = accessManifest('platform:nightshift');
const MIXED = [...CLUSTER.nodeGroups, { os: 'bottlerocket', count: 1, ssm: 'online' }];

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
