import { UpdateAddonCommand } from '@aws-sdk/client-eks';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { addonCall, created } from '../functions/handlers/events.ts';
import { eventsIn } from '../workflow/event-schemas.ts';
import { writes } from '../workflow/run.ts';
import { ENROLLED, tagged } from '../workflow/schedules.ts';
import { deployAsShipped, executionsOf, modesOf, ON_IPVS, ON_NFTABLES, Scene, without } from './scene.ts';

const template = await deployAsShipped();
const DEAD = { queues: [{ name: 'nightshift-dead-events', messages: 1 }], alarms: ['nightshift-dead-events'] };

/** The tag that keeps a cluster on IPVS. */
const KEEPS_IPVS = { 'nightshift:mode': 'ipvs' };

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
    ['is on iptables is migrated to nftables', {}, {}, 'migrated', 'nftables'],
    ['is on IPVS is migrated to nftables', ON_IPVS, {}, 'migrated', 'nftables'],
    ['is on nftables is left as it is', ON_NFTABLES, {}, 'already-compliant', 'nftables'],
    ['is on IPVS and has the tag for it is left as it is', ON_IPVS, KEEPS_IPVS, 'already-compliant', 'ipvs'],
  ])('a cluster that %s', async (_, cluster, tags, ending, mode) => {
    const state = await scene.play([cluster], async () => {
      await scene.deliver(created({ tags }));
    });
    expect(executionsOf(state)).toEqual(['created-demo-24e9b653c917bb46 SUCCEEDED']);
    expect(eventsIn(scene.calls)).toMatchObject([{ detail: { cluster: 'demo', ending } }]);
    expect(modesOf(state)).toEqual([`demo ${mode} ${mode} ${mode}`]);
  });

  test.each([
    [
      'the Amazon VPC CNI 1.20',
      { cni: { version: 'v1.20.4', networkPolicyAgent: 'v1.2.7' } },
      'the Amazon VPC CNI is 1.20.4: below 1.23.0 pods on secondary network interfaces reach no ClusterIP in nftables mode, and no proof on a node shows it. Update the Amazon VPC CNI to 1.23.0 or newer first; or set AWS_VPC_K8S_CNI_EXTERNALSNAT=true, or add 10.100.0.0/16 to AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS, in its DaemonSet aws-node.',
    ],
    [
      'Amazon Linux 2',
      { nodeGroups: [{ os: 'al2', count: 1 }] },
      'kube-proxy exits in nftables mode on kernels older than 5.13: ip-192-168-1-1.ec2.internal (i-08c7d82cd41065beb) Amazon Linux 2. Replace these nodes with nodes of a newer image, such as Amazon Linux 2023. If their kernels are newer than those of their system, acknowledge node-kernels: preparation checks every node that runs scripts.',
    ],
  ])('a cluster with %s is refused with the next step, and nothing is written', async (_, cluster, cause) => {
    const state = await scene.play([cluster], async () => {
      await scene.deliver(created());
    });
    expect(executionsOf(state)).toEqual(['created-demo-24e9b653c917bb46 FAILED']);
    expect(eventsIn(scene.calls)).toMatchObject([
      {
        'detail-type': 'nightshift.MigrationRefused',
        detail: { cluster: 'demo', ending: 'refused', error: { name: 'PreflightRefused', cause } },
      },
    ]);
    expect(writes(scene)).toEqual([]);
    // No release is stopped for it.
    expect(state.alarms).toEqual([]);
  });

  test('an enrolled cluster on nftables has no planned migration, one on IPVS has, unless its tag keeps IPVS', async () => {
    const clusters = [
      { name: 'on-nftables', ...ON_NFTABLES },
      { name: 'on-ipvs', ...ON_IPVS },
      { name: 'kept-on-ipvs', ...ON_IPVS, tags: { ...ENROLLED, ...KEEPS_IPVS } },
    ];
    await scene.look(clusters, async () => {
      await scene.sweep('schedule-migrations');
      expect(await scene.planned()).toEqual(['nightshift-on-ipvs at(2026-11-21T22:00:00) Etc/UTC']);
    });
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
    ['is on nftables by now has it proven', [ON_NFTABLES], 'SUCCEEDED', 'already-compliant', []],
    ['is gone ends by name', [], 'FAILED', 'failed', ['nightshift-failures']],
  ])(
    'an event that comes days late, of a cluster that %s, and changes nothing',
    async (_, clusters, status, ending, alarms) => {
      const state = await scene.play(clusters, async () => {
        await scene.deliver({ ...created(), time: '2026-11-10T22:00:00Z' });
      });
      expect(executionsOf(state)).toEqual([`created-demo-24e9b653c917bb46 ${status}`]);
      expect(writes(scene)).toEqual([]);
      expect(eventsIn(scene.calls)).toMatchObject([{ detail: { cluster: 'demo', ending } }]);
      expect(state).toMatchObject({ queues: [{ messages: 0 }], alarms });
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
