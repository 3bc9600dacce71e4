import { describe, expect, test } from 'vitest';
import { differenceFrom, notConfiguredFor } from '../../../../functions/core/modes/configured.ts';

const addon = { version: 'v1', status: 'ACTIVE', configuration: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' };
const RR = { mode: 'ipvs', scheduler: 'rr' } as const;
const IPVS = 'mode: ipvs\nipvs:\n  scheduler: rr\n';

describe('since a look', () => {
  const looked = { addon: { version: 'v1', configuration: null }, configMap: 'mode: iptables\n' };
  const now = { addon: { ...addon, configuration: null }, configMap: looked.configMap };

  test('nothing differs, an absent text and an empty one neither', () => {
    expect(differenceFrom(looked, now)).toBeNull();
    expect(differenceFrom(looked, { ...now, addon: { ...addon, configuration: '' } })).toBeNull();
    expect(differenceFrom({ addon: null, configMap: null }, { addon: null, configMap: null })).toBeNull();
  });

  test.each([
    [{ addon: null }, 'the add-on was deleted'],
    [{ addon: { ...addon, configuration: null, version: 'v2' } }, 'the add-on went from v1 to v2'],
    [{ addon }, "the add-on's configuration values changed"],
    [{ configMap: 'mode: iptables\n#\n' }, 'the ConfigMap kube-proxy-config was edited'],
  ])('%j is a difference', (changes, why) => {
    expect(differenceFrom(looked, { ...now, ...changes })).toBe(why);
  });

  test('an add-on that was made is a difference', () => {
    expect(differenceFrom({ addon: null, configMap: null }, { addon, configMap: null })).toBe(
      'kube-proxy became the add-on v1',
    );
  });
});

describe('the next pod', () => {
  test('starts with what add-on and ConfigMap ask for', () => {
    expect(notConfiguredFor(RR, 'addon', { addon, configMap: IPVS })).toBeNull();
    expect(notConfiguredFor(RR, 'addon', { addon, configMap: null })).toBeNull();
    expect(notConfiguredFor(RR, 'config-map', { addon: null, configMap: IPVS })).toBeNull();
    expect(notConfiguredFor(RR, 'addon', { addon: { ...addon, status: 'DEGRADED' }, configMap: IPVS })).toBeNull();
  });

  test.each([
    [{ addon: null, configMap: IPVS }, 'the add-on was deleted'],
    [
      { addon: { ...addon, configuration: '{}' }, configMap: IPVS },
      "the add-on's configuration values ask for iptables, not for ipvs (rr)",
    ],
    [{ addon, configMap: 'mode: iptables\n' }, 'the ConfigMap kube-proxy-config asks for iptables, not for ipvs (rr)'],
    [
      { addon, configMap: 'mode: userspace\n' },
      'the ConfigMap kube-proxy-config asks for something that is not known, not for ipvs (rr)',
    ],
    [
      { addon: { ...addon, configuration: '[' }, configMap: null },
      "the add-on's configuration values ask for something that is not known, not for ipvs (rr)",
    ],
    [{ addon: { ...addon, status: 'UPDATING' }, configMap: IPVS }, 'an update of the add-on is in flight (UPDATING)'],
  ])('does not with %j', (now, why) => {
    expect(notConfiguredFor(RR, 'addon', now)).toBe(why);
  });

  test("is nobody's promise where neither is there", () => {
    expect(notConfiguredFor(RR, 'config-map', { addon: null, configMap: null })).toBe(
      'there is no add-on, and the ConfigMap kube-proxy-config is not there',
    );
  });
});
