import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { PAUSE, Scene } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.open();
});
beforeEach(() => scene.load());
afterEach(() => expect(scene.bugs).toEqual([]));
afterAll(() => scene.stop());

const ADDON = { clusterName: 'demo', addonName: 'kube-proxy' } as const;
const ROLE = 'arn:aws:iam::111122223333:role/ours';

/** What the other principal called, with the error that it got. */
const deeds = () =>
  scene.calls
    .filter(({ principal }) => principal === 'other')
    .map(({ operation, error }) => (error === undefined ? operation : `${operation}: ${error}`));

/** Time does not go on between these calls. */
const standingStill = (work: () => Promise<void>) => scene.live.region.clock.busy(work);

const addon = async () => (await scene.eks.describeAddon(ADDON)).addon;

describe('another principal', () => {
  test('changes the configuration of the add-on when an execution enters a state', async () => {
    const machine = await scene.machine('pausing', { Pause: PAUSE });
    await scene.arm({ at: 'Pause', other: 'change-addon', configuration: '{"podLabels":{"team":"net"}}' });
    expect((await addon())?.configurationValues).toBe('{"resources":{"requests":{"cpu":"150m"}}}');
    await scene.run(machine);
    await scene.idle();
    expect(await addon()).toMatchObject({ status: 'ACTIVE', configurationValues: '{"podLabels":{"team":"net"}}' });
    expect(scene.calls.find(({ operation }) => operation === 'UpdateAddon')).toMatchObject({
      principal: 'other',
      input: { ...ADDON, configurationValues: '{"podLabels":{"team":"net"}}', resolveConflicts: 'OVERWRITE' },
    });
  });

  test('upgrades the add-on to the newest version, or to the one that is named, and keeps its configuration', async () => {
    await scene.load({ addon: { version: 'v1.34.0-eksbuild.2', configuration: '{"mode":"iptables"}' } });
    await scene.arm({ other: 'upgrade-addon' });
    await scene.idle();
    expect(await addon()).toMatchObject({
      addonVersion: 'v1.34.1-eksbuild.2',
      configurationValues: '{"mode":"iptables"}',
    });
    await scene.arm({ other: 'upgrade-addon', version: 'v1.34.0-eksbuild.2' });
    await scene.idle();
    expect((await addon())?.addonVersion).toBe('v1.34.0-eksbuild.2');
  });

  test('who meets an update in flight is refused, and makes the change as soon as EKS takes it', async () => {
    const ours = { ...ADDON, configurationValues: '{"mode":"ipvs"}', resolveConflicts: 'OVERWRITE' } as const;
    await standingStill(async () => {
      await scene.eks.updateAddon(ours);
      await scene.arm({ other: 'change-addon', configuration: '{}' });
    });
    await scene.idle();
    const [first, ...others] = deeds();
    expect(first).toBe('UpdateAddon: ResourceInUseException');
    expect(others.at(-1)).toBe('UpdateAddon');
    expect((await addon())?.configurationValues).toBe('{}');
  });

  test('deletes the add-on and leaves kube-proxy', async () => {
    await scene.arm({ other: 'delete-addon' });
    await scene.idle();
    await expect(addon()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    const { items } = await scene.kubernetes().listNamespacedPod({ namespace: 'kube-system' });
    expect(items).toHaveLength(3);
  });

  test('edits fields of the ConfigMap, or replaces its text', async () => {
    const config = async () => {
      const place = { namespace: 'kube-system', name: 'kube-proxy-config' };
      return (await scene.kubernetes().readNamespacedConfigMap(place)).data?.['config'];
    };
    await scene.arm({ other: 'edit-config-map', fields: { 'conntrack.min': 7 } });
    expect(await config()).toContain('min: 7\n');
    await scene.arm({ other: 'edit-config-map', text: 'kind: KubeProxyConfiguration\nmode: ipvs\n' });
    expect(await config()).toBe('kind: KubeProxyConfiguration\nmode: ipvs\n');
    expect(scene.calls.find(({ operation }) => operation === 'patch configmaps')).toMatchObject({
      principal: 'other',
      input: { cluster: 'demo', namespace: 'kube-system', name: 'kube-proxy-config' },
    });
  });

  describe('and the lease', () => {
    const lease = {
      Name: 'nightshift-demo',
      GroupName: 'default',
      ScheduleExpression: 'at(2027-01-01T00:00:00)',
      FlexibleTimeWindow: { Mode: 'OFF' },
      Description: 'Held by us',
      State: 'DISABLED',
      Target: {
        Arn: 'arn:aws:scheduler:::aws-sdk:sfn:startExecution',
        RoleArn: 'arn:aws:iam::111122223333:role/nightshift-scheduler',
        Input: '{"Name":"ours"}',
      },
    } as const;
    const find = () => scene.scheduler.getSchedule({ Name: lease.Name, GroupName: lease.GroupName });

    test('deletes it', async () => {
      await scene.scheduler.createSchedule(lease);
      await scene.arm({ other: 'delete-lease', cluster: 'demo' });
      await expect(find()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    });

    test('takes it and releases it after an hour', async () => {
      await scene.scheduler.createSchedule(lease);
      await standingStill(async () => {
        await scene.arm({ other: 'take-lease' });
        expect(await find()).toMatchObject({ Description: 'Held by other', Target: { Input: '{}' } });
      });
      await scene.idle();
      await expect(find()).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
      expect(deeds()).toEqual(['DeleteSchedule', 'CreateSchedule', 'DeleteSchedule']);
    });

    test('waits for the next time while there is none', async () => {
      const machine = await scene.machine('pausing', { Pause: PAUSE });
      await scene.arm({ at: 'Pause', other: 'delete-lease' });
      await scene.run(machine, 'first');
      expect(deeds()).toEqual([]);
      await scene.scheduler.createSchedule(lease);
      await scene.run(machine, 'second');
      expect(deeds()).toEqual(['DeleteSchedule']);
    });
  });

  test('deletes an access entry, or puts one of its own in its place', async () => {
    const entry = { clusterName: 'demo', principalArn: ROLE };
    await scene.eks.createAccessEntry(entry);
    await scene.arm({ other: 'replace-access-entry', principal: ROLE });
    const { accessEntry } = await scene.eks.describeAccessEntry(entry);
    expect(accessEntry).toMatchObject({ kubernetesGroups: ['operators'], tags: { owner: 'other' } });
    await scene.arm({ other: 'delete-access-entry' });
    await expect(scene.eks.describeAccessEntry(entry)).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('is not struck by what else goes wrong', async () => {
    await scene.arm({ on: { service: 'eks', operation: 'UpdateAddon' }, error: 'ThrottlingException' });
    await scene.arm({ outage: 'eks' }, { other: 'change-addon', configuration: '{}' });
    await scene.idle();
    expect(deeds()).toEqual(['UpdateAddon']);
  });
});
