import { describe, expect, it } from 'vitest';
import { needsKubernetes, parseFormer, restoration, standing } from '../../../../functions/core/execution/former.ts';
import { addon, CONFIG_MAP, cluster } from '../fixtures.ts';

const ARN = 'arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:demo-1';
const saved = {
  request: { cluster: 'demo', target: { mode: 'ipvs', scheduler: 'lc' }, acknowledge: [] },
  cluster: { name: 'demo', serviceCidr: '10.100.0.0/16' },
  addon: { version: 'v1.34.1-eksbuild.2', configuration: 'mode: iptables # mine\n' as string | null } as {
    version: string;
    configuration: string | null;
  } | null,
  plan: { strategy: 'kubernetes-api', way: 'addon', configuration: '{"mode":"ipvs"}' },
  inventory: { key: 'executions/demo-1/inspect-1/inventory.ndjson.gz' },
  configMap: null as string | null,
  execution: { name: 'demo-1', arn: ARN },
};
const former = (changes: Partial<typeof saved> = {}) => parseFormer(JSON.stringify({ ...saved, ...changes }));
const selfManaged = (way: string) => former({ addon: null, plan: { ...saved.plan, way }, configMap: CONFIG_MAP });

describe('what goes back', () => {
  it('is the exact former text', () => {
    expect(restoration(former())).toEqual({
      configuration: 'mode: iptables # mine\n',
      sent: '{"mode":"ipvs"}',
      created: null,
      proxying: { mode: 'iptables' },
      values: { mode: 'iptables' },
      configMap: null,
      addon: { version: 'v1.34.1-eksbuild.2' },
    });
  });

  it.each([null, '', ' \n'])('is {} where there was none (%j): EKS would keep what it has without it', (text) => {
    expect(restoration(former({ addon: { version: 'v1', configuration: text } }))).toMatchObject({
      configuration: '{}',
      proxying: { mode: 'iptables' },
    });
  });

  it('is the ConfigMap for a kube-proxy that was no add-on', () => {
    expect(restoration(selfManaged('create-addon'))).toEqual({
      configuration: '{}',
      sent: '{"mode":"ipvs"}',
      created: null,
      proxying: { mode: 'iptables' },
      values: null,
      configMap: CONFIG_MAP,
      addon: null,
    });
  });

  it('is what the ConfigMap asked for, as text, if somebody had edited it', () => {
    const configuration = '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}';
    const drifted = former({ addon: { version: 'v1', configuration }, configMap: CONFIG_MAP });
    expect(restoration(drifted)).toMatchObject({
      configuration,
      proxying: { mode: 'iptables' },
      values: { mode: 'ipvs', scheduler: 'lc' },
      configMap: CONFIG_MAP,
    });
  });

  it('is the text of the ConfigMap if EKS cannot make it out of the values, and is left to EKS otherwise', () => {
    const edited = CONFIG_MAP.replace('maxPerCore: 32768', 'maxPerCore: 0');
    expect(restoration(former({ configMap: edited })).configMap).toBe(edited);
    expect(restoration(former({ configMap: CONFIG_MAP })).configMap).toBeNull();
  });
});

describe('a saved state is refused', () => {
  it.each([
    ['when it is cut', JSON.stringify(saved).slice(0, -20)],
    ['without the add-on that was changed', JSON.stringify({ ...saved, addon: null })],
    [
      'without the ConfigMap that was changed',
      JSON.stringify({ ...saved, plan: { ...saved.plan, way: 'config-map' } }),
    ],
    ['of a way that nobody knows', JSON.stringify({ ...saved, plan: { ...saved.plan, way: 'magic' } })],
    ['without a target', JSON.stringify({ ...saved, request: { cluster: 'demo' } })],
  ])('%s', (_, text) => {
    expect(() => parseFormer(text)).toThrow(expect.objectContaining({ name: 'EvidenceMissing' }));
  });
});

describe('a cluster stands', () => {
  const at = (configuration: string | null, changes = {}) =>
    standing(former(), { ...cluster(), ...addon({ configuration }), ...changes }, null);

  it('at the former state only with the same text', () => {
    expect(at('mode: iptables # mine\n')).toEqual({ atTarget: false, atFormer: true });
    expect(at('mode: iptables\n')).toEqual({ atTarget: false, atFormer: false });
  });

  it('nowhere while an update is in flight', () => {
    expect(at('mode: iptables # mine\n', { updateInFlight: true })).toEqual({ atTarget: false, atFormer: false });
  });

  it('not at the target when the values cannot be read, or the add-on is not ACTIVE', () => {
    expect(at('{').atTarget).toBe(false);
    const target = '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}';
    expect(
      standing(former(), { ...cluster(), ...addon({ configuration: target, status: 'UPDATE_FAILED' }) }, null),
    ).toEqual({ atTarget: false, atFormer: false });
  });

  it('at the former state with {} where there were no values: a rollback sent them', () => {
    const before = former({ addon: { version: 'v1', configuration: null } });
    expect(standing(before, { ...cluster(), ...addon({ configuration: '{}' }) }, null).atFormer).toBe(true);
  });

  it('nowhere while its ConfigMap says something else: an update that failed may have been applied in part', () => {
    const target = '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}';
    const ipvs = CONFIG_MAP.replace('mode: "iptables"', 'mode: ipvs').replace('scheduler: ""', 'scheduler: lc');
    const seen = (configuration: string, configMap: string) =>
      standing(former({ configMap: CONFIG_MAP }), { ...cluster(), ...addon({ configuration }) }, configMap);
    expect(seen('mode: iptables # mine\n', CONFIG_MAP)).toEqual({ atTarget: false, atFormer: true });
    expect(seen('mode: iptables # mine\n', ipvs)).toEqual({ atTarget: false, atFormer: false });
    expect(seen(target, ipvs)).toEqual({ atTarget: true, atFormer: false });
    expect(seen(target, CONFIG_MAP)).toEqual({ atTarget: false, atFormer: false });
  });

  it('nowhere, for a self-managed kube-proxy whose ConfigMap nobody read', () => {
    const bare = { ...cluster(), addon: null };
    expect(standing(selfManaged('config-map'), bare, null)).toEqual({ atTarget: false, atFormer: false });
    expect(standing(selfManaged('create-addon'), bare, null)).toEqual({ atTarget: false, atFormer: false });
  });

  it('where its ConfigMap says, for a self-managed kube-proxy', () => {
    const bare = { ...cluster(), addon: null };
    const ipvs = (scheduler: string) =>
      CONFIG_MAP.replace('mode: "iptables"', 'mode: ipvs').replace('scheduler: ""', `scheduler: ${scheduler}`);
    expect(standing(selfManaged('config-map'), bare, ipvs('lc'))).toEqual({ atTarget: true, atFormer: false });
    expect(standing(selfManaged('config-map'), bare, ipvs('rr'))).toEqual({ atTarget: false, atFormer: false });
    expect(standing(selfManaged('create-addon'), bare, CONFIG_MAP)).toEqual({ atTarget: false, atFormer: true });
  });
});

it('Kubernetes is needed to restart through it, for its ConfigMap, and for Bottlerocket', () => {
  const annotations = former({ plan: { ...saved.plan, strategy: 'pod-annotations' } });
  expect(needsKubernetes(annotations, { proxyMode: 0 })).toBe(false);
  expect(needsKubernetes(annotations, { proxyMode: 1 })).toBe(true);
  expect(needsKubernetes(former(), { proxyMode: 0 })).toBe(true);
  expect(needsKubernetes(selfManaged('config-map'), { proxyMode: 0 })).toBe(true);
});
