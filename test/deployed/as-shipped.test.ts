import { UpdateAddonCommand } from '@aws-sdk/client-eks';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { addonCall, created } from '../functions/handlers/events.ts';
import { eventsIn } from '../workflow/event-schemas.ts';
import { writes } from '../workflow/run.ts';
import { ENROLLED, tagged } from '../workflow/schedules.ts';
import { deployAsShipped, executionsOf, modesOf, Scene, without } from './scene.ts';

const template = await deployAsShipped();
const DEAD = { queues: [{ name: 'nightshift-dead-events', messages: 1 }], alarms: ['nightshift-dead-events'] };
/** Its defaults fit nftables: VPC CNI 1.23, and kernel 6.18 on its nodes. */
const ON_136 = { version: '1.36', addon: { version: 'v1.36.0-eksbuild.2', configuration: '{}' } };
const ON_NFTABLES = { ...ON_136, addon: { ...ON_136.addon, configuration: '{"mode":"nftables"}' } };

describe('with the shipped configuration', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.start(template);
  });
  afterAll(() => scene.stop());

  test('a drift is published on the bus, and nothing is planned', async () => {
    const configurationValues = '{"mode":"iptables"}';
    await scene.look([ON_NFTABLES], async () => {
      const change = { clusterName: 'demo', addonName: 'kube-proxy', configurationValues };
      await scene.eks.send(new UpdateAddonCommand(change));
      await scene.deliver(addonCall('UpdateAddon', { configurationValues }));
      expect(eventsIn(scene.calls)).toMatchObject([
        { 'detail-type': 'nightshift.DriftDetected', detail: { cluster: 'demo', scheduled: false } },
      ]);
      expect(await scene.planned()).toEqual([]);
    });
  });

  test.each([
    ["with the add-on's defaults", ON_136, 'SUCCEEDED', 'migrated', 'nftables'],
    [
      'on IPVS',
      { ...ON_136, addon: { ...ON_136.addon, configuration: '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}' } },
      ...(['SUCCEEDED', 'migrated', 'nftables'] as const),
    ],
    ['whose VPC CNI is too old', { ...ON_136, cni: { version: 'v1.20.4' } }, 'FAILED', 'refused', 'iptables'],
    [
      'with the tag nightshift:mode=ipvs',
      { tags: { ...ENROLLED, 'nightshift:mode': 'ipvs' } },
      ...(['SUCCEEDED', 'migrated', 'ipvs'] as const),
    ],
  ])('an enrolled cluster %s ends its night as the advice says', async (_, cluster, status, ending, mode) => {
    const state = await scene.play([cluster], async () => {
      await scene.sweep('schedule-migrations');
    });
    expect(executionsOf(state)).toEqual([`scheduled-demo-20261121T2200 ${status}`]);
    expect(eventsIn(scene.calls)).toMatchObject([{ detail: { cluster: 'demo', ending } }]);
    expect(modesOf(state)).toEqual([`demo ${mode} ${mode} ${mode}`]);
  });

  test('a malformed event is tried three times, goes to the dead-letter queue with its reason, and raises the alarm', async () => {
    const state = await scene.play([], async () => {
      await scene.deliver(created({ name: '../demo' }));
      expect(await scene.sandbox.state()).toMatchObject({ alarms: ['nightshift-on-cluster-created-errors'] });
      await scene.pass(10);
    });
    expect(state).toMatchObject({
      queues: [{ name: 'nightshift-dead-events', messages: 1 }],
      alarms: ['nightshift-dead-events', 'nightshift-on-cluster-created-errors'],
    });
    expect(executionsOf(state)).toEqual([]);
    expect(await scene.dead()).toMatchObject([
      {
        body: {
          requestContext: {
            functionArn: 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-on-cluster-created:$LATEST',
            condition: 'RetriesExhausted',
            approximateInvokeCount: 3,
          },
          requestPayload: { detail: { requestParameters: { name: '../demo' } } },
          responsePayload: { errorType: 'InvalidRequest' },
        },
      },
    ]);
  });

  test.each([
    ['is on nftables by now has it proven', [ON_NFTABLES], 'SUCCEEDED', 'already-compliant'],
    ['is gone ends by name', [], 'FAILED', 'failed'],
  ])(
    'an event that comes days late, of a cluster that %s, and changes nothing',
    async (_, clusters, status, ending) => {
      const state = await scene.play(clusters, async () => {
        await scene.deliver({ ...created(), time: '2026-11-10T22:00:00Z' });
      });
      expect(executionsOf(state)).toEqual([`created-demo-24e9b653c917bb46 ${status}`]);
      expect(writes(scene)).toEqual([]);
      expect(eventsIn(scene.calls)).toMatchObject([{ detail: { cluster: 'demo', ending } }]);
      expect(state).toMatchObject({ queues: [{ messages: 0 }], alarms: [] });
    },
  );
});

describe('a target that cannot be reached', () => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await Scene.start(
      without(
        template,
        (type, properties) =>
          (type === 'AWS::Lambda::Permission' && /tagged/.test(properties)) ||
          (type === 'AWS::StepFunctions::StateMachineAlias' && /migrate/.test(properties)),
      ),
    );
  });
  afterAll(() => scene.stop());

  it('because it denies its rule: the event goes to the dead-letter queue and raises the alarm', async () => {
    const state = await scene.play([], async () => {
      expect(await scene.deliver(tagged('demo'))).toEqual([['nightshift-cluster-tagged']]);
    });
    expect(state).toMatchObject(DEAD);
    expect(await scene.dead()).toMatchObject([
      {
        body: { source: 'aws.eks', detail: { eventName: 'TagResource' } },
        attributes: {
          RULE_ARN: 'arn:aws:events:us-east-1:111122223333:rule/nightshift-cluster-tagged',
          TARGET_ARN: 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-on-cluster-tagged',
          ERROR_CODE: 'AccessDeniedException',
        },
      },
    ]);
  });

  it('because it was deleted: the input of its schedule goes to the dead-letter queue and raises the alarm', async () => {
    const state = await scene.play([{}], async () => {
      await scene.sweep('schedule-migrations');
    });
    expect(state).toMatchObject(DEAD);
    expect(executionsOf(state)).toEqual([]);
    expect(await scene.dead()).toMatchObject([
      {
        body: { Name: 'scheduled-demo-20261121T2200' },
        attributes: {
          SCHEDULE_ARN: 'arn:aws:scheduler:us-east-1:111122223333:schedule/nightshift-migrations/nightshift-demo',
          ERROR_CODE: 'StateMachineDoesNotExist',
        },
      },
    ]);
  });
});
