import { describe, expect, test } from 'vitest';
import type { EventBus } from '../../../functions/aws/events.ts';
import type { ClusterStanding } from '../../../functions/core/fleet/schedule-plan.ts';
import { parseSettings } from '../../../functions/core/fleet/settings.ts';
import { onAddonChanged } from '../../../functions/handlers/on-addon-changed.ts';
import { addonCall, addonEvent, COMPLIANT, SETTINGS } from './events.ts';
import { RecordedLog } from './fakes.ts';

const IPTABLES = '{"mode":"iptables"}';
const DRIFTED = { ...COMPLIANT, addon: { configuration: IPTABLES } };

interface World {
  standing?: ClusterStanding | null;
  settings?: object;
  leased?: boolean;
  busFails?: boolean;
}

function listening({ standing = COMPLIANT, settings = {}, leased = false, busFails = false }: World = {}) {
  const events: Parameters<EventBus['put']>[0][] = [];
  const scheduled: { standing: ClusterStanding; now: Date }[] = [];
  const ear = new RecordedLog();
  const run = onAddonChanged({
    eks: { standing: async () => standing },
    bus: {
      put: async (event) => {
        if (busFails) throw new Error('the event bus refused it');
        events.push(event);
      },
    },
    leases: { held: async () => leased, holder: async () => null },
    settings: () => parseSettings({ ...SETTINGS, ...settings }),
    schedule: async (changed, now) => {
      scheduled.push({ standing: changed, now });
      return changed.addon !== null;
    },
  });
  return { events, scheduled, ear, run: (event: unknown) => run(event, ear) };
}

describe('somebody switches an enrolled cluster back', () => {
  const event = addonCall('UpdateAddon', { configurationValues: IPTABLES });

  test('and it is said on the bus and scheduled again, although EKS is still at it', async () => {
    const { run, events, scheduled, ear } = listening();
    expect(await run(event)).toEqual({ kind: 'scheduled', reason: 'Found iptables, wanted ipvs (rr).' });
    expect(events).toEqual([
      {
        detailType: 'nightshift.DriftDetected',
        resources: [],
        detail: {
          cluster: 'demo',
          found: 'iptables',
          wanted: 'ipvs (rr)',
          change: 'UpdateAddon',
          by: 'arn:aws:sts::111122223333:assumed-role/platform/ada',
          event: '5b2c0d0e-0d6c-4c8e-9c57-2d54c2f6f3a1',
          scheduled: true,
        },
      },
    ]);
    expect(scheduled).toEqual([{ standing: DRIFTED, now: new Date('2026-11-20T22:00:00Z') }]);
    expect(ear.decisions).toEqual(['drift.scheduled']);
  });

  test('and what could not be said makes the function fail, so that the event comes again', async () => {
    const { run, scheduled } = listening({ busFails: true });
    await expect(run(event)).rejects.toThrow('the event bus refused it');
    expect(scheduled).toHaveLength(1);
  });

  test.each([
    [
      'to another scheduler',
      addonCall('UpdateAddon', { configurationValues: 'mode: ipvs\nipvs: {scheduler: lc}' }),
      'ipvs (lc)',
    ],
    ["to the defaults, with '{}'", addonCall('UpdateAddon', { configurationValues: '{}' }), 'iptables'],
    ['by making the add-on anew', addonCall('CreateAddon'), 'iptables'],
  ])('%s', async (_, change, found) => {
    const { run, events } = listening();
    await run(change);
    expect(events).toMatchObject([{ detail: { found } }]);
  });

  test.each(['CreateAddon', 'UpdateAddon'])('to what cannot be read, as EKS itself shows after %s', async (call) => {
    const { run, events } = listening({ standing: { ...COMPLIANT, addon: { configuration: '[]' } } });
    await run(addonCall(call, { configurationValues: '[]' }));
    const why = 'The configuration values must be a mapping (JSON or YAML), but they are a list.';
    expect(events).toMatchObject([{ detail: { found: `a configuration that cannot be read: ${why}` } }]);
  });

  test('by deleting the add-on, which no schedule can mend', async () => {
    const { run, events } = listening();
    expect(await run(addonCall('DeleteAddon'))).toMatchObject({ kind: 'notified' });
    expect(events).toMatchObject([{ detail: { found: 'no add-on: kube-proxy is self-managed', scheduled: false } }]);
  });
});

describe('nothing is drift about', () => {
  test.each<[string, unknown, World, RegExp]>([
    [
      "nightshift's own call",
      addonCall(
        'UpdateAddon',
        { configurationValues: IPTABLES },
        { userIdentity: { arn: 'arn:aws:sts::111122223333:assumed-role/nightshift-update-addon/f' } },
      ),
      {},
      /one of nightshift/,
    ],
    ['a call that EKS refused', addonCall('UpdateAddon', {}, { errorCode: 'ResourceInUseException' }), {}, /refused/],
    [
      'a call that EKS refused, whose record has no parameters',
      addonCall('UpdateAddon', {}, { errorCode: 'AccessDenied', requestParameters: null }),
      {},
      /^EKS refused the call: AccessDenied\.$/,
    ],
    ['another add-on', addonCall('DeleteAddon', { addonName: 'coredns' }), {}, /coredns/],
    ['an update that keeps the values', addonCall('UpdateAddon', { addonVersion: 'v1.34.1-eksbuild.3' }), {}, /target/],
    ...['UpdateAddon', 'CreateAddon'].map((call): [string, unknown, World, RegExp] => [
      `values of ${call} that CloudTrail hides, where EKS shows the target`,
      addonCall(call, { configurationValues: 'HIDDEN_DUE_TO_SECURITY_REASONS' }),
      {},
      /target/,
    ]),
    [
      'a change towards the target',
      addonCall('CreateAddon', { configurationValues: '{"mode":"ipvs","ipvs":{"scheduler":"rr"}}' }),
      {},
      /target/,
    ],
    ['a cluster that is not enrolled', addonCall('DeleteAddon'), { standing: { ...COMPLIANT, tags: {} } }, /enrolled/],
    ['a cluster that is gone', addonCall('DeleteAddon'), { standing: null }, /no such cluster/],
    ["EKS's word about an update to the target", addonEvent('Update Succeeded'), {}, /target/],
    [
      "EKS's word while an execution works on the cluster",
      addonEvent('Update Succeeded'),
      { standing: DRIFTED, leased: true },
      /execution of nightshift/,
    ],
    ["EKS's word about another add-on", addonEvent('Health Degraded', { addonName: 'vpc-cni' }), {}, /vpc-cni/],
  ])('%s', async (_, event, world, reason) => {
    const { run, events, scheduled } = listening(world);
    expect(await run(event)).toEqual({ kind: 'ignored', reason: expect.stringMatching(reason) });
    expect([events, scheduled]).toEqual([[], []]);
  });
});

test('a change by somebody else while an execution works on the cluster is drift all the same', async () => {
  const { run } = listening({ leased: true });
  expect(await run(addonCall('UpdateAddon', { configurationValues: IPTABLES }))).toMatchObject({ kind: 'scheduled' });
});

test("a cluster's tag that breaks a rule is refused by name", async () => {
  const { run, events } = listening({ standing: { ...COMPLIANT, tags: { 'nightshift:enrolled': 'on' } } });
  expect(await run(addonCall('DeleteAddon'))).toEqual({
    kind: 'refused',
    reason: 'The tag nightshift:enrolled must be true or false, but it is "on".',
  });
  expect(events).toEqual([]);
});

test.each([{}, { 'detail-type': 'EKS Addon Update Succeeded' }, addonCall('ListAddons')])(
  'an event that is malformed is refused by name: %#',
  async (event) => {
    const { run, events } = listening();
    await expect(run(event)).rejects.toMatchObject({ name: 'InvalidRequest' });
    expect(events).toEqual([]);
  },
);
