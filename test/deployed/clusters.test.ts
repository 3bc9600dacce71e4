import { UpdateAddonCommand } from '@aws-sdk/client-eks';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addonCall, addonEvent, created, running } from '../functions/handlers/events.ts';
import { eventsIn } from '../workflow/event-schemas.ts';
import { writes } from '../workflow/run.ts';
import { deployWithDriftMigrated, executionsOf, MODERN, modesOf, ON_NFTABLES, Scene, timesOf } from './scene.ts';

/** Everything here is done by the template: its rules, targets, permissions, functions, variables and schedules. */
let scene: Scene;
beforeAll(async () => {
  scene = await Scene.start(await deployWithDriftMigrated());
});
afterAll(() => scene.stop());

const NEW = {
  status: 'CREATING',
  activeAfter: 600,
  addon: { ...MODERN.addon, status: 'CREATING', activeAfter: 660 },
  tags: {},
};

describe('a new cluster', () => {
  it('without nodes is on nftables as soon as it is ACTIVE, once for two deliveries of its event', async () => {
    const state = await scene.play([{ ...NEW, nodeGroups: [] }], async () => {
      expect(await scene.deliver(created(), created())).toEqual([
        ['nightshift-cluster-created'],
        ['nightshift-cluster-created'],
      ]);
    });
    expect(executionsOf(state)).toEqual(['created-demo-24e9b653c917bb46 SUCCEEDED']);
    expect(state.clusters).toMatchObject([{ configMap: { mode: 'nftables' } }]);
    expect(timesOf(scene.calls, 'UpdateAddon')).toEqual(['2026-11-20T22:11']);
    expect(eventsIn(scene.calls)).toMatchObject([{ detail: { cluster: 'demo', ending: 'migrated' } }]);
    expect(state.alarms).toEqual([]);
  });

  it('with nodes waits for the window', async () => {
    const state = await scene.play([NEW], async () => {
      await scene.deliver(created());
    });
    expect(executionsOf(state)).toEqual(['created-demo-24e9b653c917bb46 SUCCEEDED']);
    expect(timesOf(scene.calls, 'UpdateAddon')).toEqual(['2026-11-21T22:01']);
    expect(modesOf(state)).toEqual(['demo nftables nftables nftables']);
  });

  it('that EKS refused to create matches no rule', async () => {
    await scene.look([], async () => {
      const refused = created({}, { errorCode: 'InvalidParameterException', requestParameters: { name: 'demo' } });
      expect(await scene.deliver(refused)).toEqual([[]]);
    });
  });
});

describe('a cluster that somebody switches back by hand', () => {
  const configurationValues = '{"mode":"iptables"}';
  const switchBack = () =>
    scene.eks.send(new UpdateAddonCommand({ clusterName: 'demo', addonName: 'kube-proxy', configurationValues }));

  it('is noticed, published on the bus, planned, and on nftables again after its window', async () => {
    const state = await scene.play([ON_NFTABLES], async () => {
      await switchBack();
      expect(await scene.deliver(addonCall('UpdateAddon', { configurationValues }))).toEqual([
        ['nightshift-addon-changed'],
      ]);
      expect(eventsIn(scene.calls)).toMatchObject([
        {
          'detail-type': 'nightshift.DriftDetected',
          detail: { cluster: 'demo', found: 'iptables', wanted: 'nftables', scheduled: true },
        },
      ]);
      expect(await scene.planned()).toEqual(['nightshift-demo at(2026-11-21T22:00:00) Etc/UTC']);
    });
    expect(executionsOf(state)).toEqual(['scheduled-demo-20261121T2200 SUCCEEDED']);
    expect(modesOf(state)).toEqual(['demo nftables nftables nftables']);
    expect(await scene.planned()).toEqual([]);
  });

  it('is noticed by the event of EKS if CloudTrail sends none', async () => {
    await scene.look([ON_NFTABLES], async () => {
      await switchBack();
      await scene.pass(5);
      expect(await scene.deliver(addonEvent('Update Succeeded'))).toEqual([['nightshift-addon-event']]);
      expect(await scene.planned()).toEqual(['nightshift-demo at(2026-11-21T22:00:00) Etc/UTC']);
    });
  });

  it('is not suspected after calls of nightshift itself, or for other add-ons', async () => {
    await scene.look([{}], async () => {
      const arn = 'arn:aws:sts::111122223333:assumed-role/nightshift-update-addon-us-east-1/nightshift-update-addon';
      const own = addonCall('UpdateAddon', { configurationValues }, { userIdentity: { type: 'AssumedRole', arn } });
      const other = addonCall('UpdateAddon', { addonName: 'coredns' });
      expect(await scene.deliver(own, other)).toEqual([['nightshift-addon-changed'], []]);
      expect(eventsIn(scene.calls)).toEqual([]);
      expect(await scene.planned()).toEqual([]);
    });
  });
});

describe('nodes that join a cluster on nftables', () => {
  it('are proven by one execution when they have settled, and nothing is written', async () => {
    const state = await scene.play([{ ...ON_NFTABLES, nodeGroups: [{ os: 'al2023', count: 12 }] }], async () => {
      const nodes = scene.sandbox.live.region.clusters.get('demo')?.nodes ?? [];
      const matched = await scene.deliver(...nodes.map(({ id }) => running(id, '2026-11-20T22:00:00Z')));
      expect(matched).toEqual(Array(12).fill(['nightshift-node-registered']));
    });
    expect(executionsOf(state)).toEqual(['joined-demo-20261120T2215 SUCCEEDED']);
    expect(timesOf(scene.calls, 'SendCommand')).toEqual(['2026-11-20T22:20']);
    expect(writes(scene)).toEqual([]);
  });
});

describe('the history of an execution', () => {
  const migrated = async (faults: object[]) => {
    await scene.play([{ ...NEW, nodeGroups: [] }], async () => {
      await scene.post('faults', faults);
      await scene.deliver(created());
    });
  };

  it('is stored when it ends', async () => {
    await migrated([]);
    expect((await scene.keptHistory('created-demo-24e9b653c917bb46')).at(-1)).toBe('ExecutionSucceeded');
  });

  it('is stored by the daily sweep if the event of its end never came', async () => {
    await migrated([{ events: 'lost', times: 'every' }]);
    const kept = () => scene.keptHistory('created-demo-24e9b653c917bb46');
    await expect(kept()).rejects.toMatchObject({ name: 'NoSuchKey' });
    await scene.sweep('sweep-executions');
    expect((await kept()).at(-1)).toBe('ExecutionSucceeded');
  });
});
