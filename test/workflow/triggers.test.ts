import { EKSClient, UpdateAddonCommand } from '@aws-sdk/client-eks';
import { CreateScheduleCommand, DeleteScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { describe, expect, it } from 'vitest';
import { addonCall, addonEvent, created, running } from '../functions/handlers/events.ts';
import { eventsIn, problemsOf } from './event-schemas.ts';
import { writes } from './run.ts';
import { joins } from './scenarios.ts';
import { fleetOf } from './schedules.ts';
import { startedSchedules } from './shared.ts';
import { CLUSTER, ON_IPVS } from './worlds.ts';

const person = () => ({
  endpoint: region.workflow.sandbox.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'person', secretAccessKey: 'person' },
});
const FIRES_LATER = {
  ScheduleExpression: 'at(2026-11-21T00:00:00)',
  FlexibleTimeWindow: { Mode: 'OFF' },
  Target: {
    Arn: 'arn:aws:scheduler:::aws-sdk:sfn:startExecution',
    RoleArn: 'arn:aws:iam::111122223333:role/nightshift-scheduler-us-east-1',
    Input: '{}',
  },
} as const;

const region = await startedSchedules();

const seen = () => region.workflow.sandbox.state();
const calls = () => region.workflow.sandbox.calls;

describe('a cluster that somebody creates', () => {
  it('is enforced as soon as it is ACTIVE, once for two deliveries of its event, without a tag', async () => {
    const addon = { ...CLUSTER.addon, status: 'CREATING', activeAfter: 660 };
    const world = fleetOf([{ status: 'CREATING', activeAfter: 600, addon, tags: {}, nodeGroups: [] }]);
    await region.still(world, async () => {
      expect(await region.invoke('on-cluster-created', created())).toMatchObject({ answer: { kind: 'started' } });
      await region.invoke('on-cluster-created', created());
    });
    await region.rest();
    const { executions, clusters } = await seen();
    expect(executions).toMatchObject([{ name: 'created-demo-24e9b653c917bb46', status: 'SUCCEEDED' }]);
    expect(clusters).toMatchObject([{ configMap: { mode: 'ipvs', scheduler: 'rr' } }]);
  });

  it('with `nightshift:enrolled=false` is left alone', async () => {
    await region.still(fleetOf([{}]), async () => {
      const event = created({ tags: { 'nightshift:enrolled': 'false' } });
      expect(await region.invoke('on-cluster-created', event)).toMatchObject({ answer: { kind: 'ignored' } });
    });
    await region.rest();
    expect((await seen()).executions).toEqual([]);
  });

  it('is not started by a malformed event: the function fails with InvalidRequest', async () => {
    expect(await region.invoke('on-cluster-created', { source: 'aws.eks' })).toEqual({
      error: 'InvalidRequest',
      message: expect.stringMatching(/^detail-type must be "AWS API Call via CloudTrail", but it is nothing\./),
    });
  });
});

describe('a cluster that somebody switches back by hand', () => {
  const configurationValues = '{"mode":"iptables"}';

  it('is noticed, published on the bus, scheduled, and on IPVS again after its window', async () => {
    await region.still(fleetOf([{ addon: ON_IPVS }]), async () => {
      const client = new EKSClient(person());
      await client.send(new UpdateAddonCommand({ clusterName: 'demo', addonName: 'kube-proxy', configurationValues }));
      client.destroy();
      // EKS is still at it.
      expect(await region.invoke('on-addon-changed', addonCall('UpdateAddon', { configurationValues }))).toEqual({
        answer: { kind: 'scheduled', reason: 'Found iptables, wanted ipvs (rr).' },
      });
      expect(await region.planned()).toEqual(['nightshift-demo at(2026-11-21T02:00:00) America/New_York']);
    });
    const said = eventsIn(calls());
    expect(said).toMatchObject([{ 'detail-type': 'nightshift.DriftDetected', detail: { cluster: 'demo' } }]);
    expect(said.flatMap(problemsOf)).toEqual([]);
    await region.rest();
    const { executions, clusters } = await seen();
    expect(executions).toMatchObject([{ name: 'scheduled-demo-20261121T0700', status: 'SUCCEEDED' }]);
    expect(clusters[0]?.nodes.map(({ runningMode }) => runningMode)).toEqual(['ipvs', 'ipvs', 'ipvs']);
  });

  it('is noticed by the events of EKS alone, once nightshift has released the lease', async () => {
    await region.still(fleetOf([{}]), async () => {
      const word = addonEvent('Update Succeeded');
      const scheduler = new SchedulerClient(person());
      const lease = { GroupName: 'nightshift-leases', Name: 'nightshift-demo' };
      await scheduler.send(new CreateScheduleCommand({ ...lease, ...FIRES_LATER }));
      expect(await region.invoke('on-addon-changed', word)).toEqual({
        answer: { kind: 'ignored', reason: 'An execution of nightshift works on the cluster.' },
      });
      await scheduler.send(new DeleteScheduleCommand(lease));
      scheduler.destroy();
      expect(await region.invoke('on-addon-changed', word)).toMatchObject({ answer: { kind: 'scheduled' } });
    });
  });
});

describe('a node that joins a cluster on IPVS', () => {
  it('has all nodes proven when it has settled, and nothing is written', async () => {
    await region.still(fleetOf([{ addon: ON_IPVS }]), async () => {
      const [cluster] = region.workflow.sandbox.live.region.clusters.values();
      for (const { id } of cluster?.nodes ?? [])
        await region.invoke('on-node-registered', running(id, '2026-11-20T22:01:00Z'));
    });
    await region.rest();
    const { executions } = await seen();
    expect(executions).toMatchObject([{ name: 'joined-demo-20261120T2215', status: 'SUCCEEDED' }]);
    expect(calls().find(({ operation }) => operation === 'SendCommand')?.at).toMatch(/^2026-11-20T22:20/);
    expect(writes({ calls: calls() })).toEqual([]);
  });

  /** An execution for a node that joined, and one more node that joins before that begins. */
  async function oneMoreJoins(more: object = {}, cluster: object = {}) {
    await region.still(fleetOf([{ addon: ON_IPVS, ...cluster }]), async () => {
      await region.workflow.post('faults', [joins('AwaitBeginning', more)]);
      const [cluster] = region.workflow.sandbox.live.region.clusters.values();
      await region.invoke('on-node-registered', running(cluster?.nodes[0]?.id ?? '', '2026-11-20T22:14:00Z'));
    });
    await region.rest();
    return seen();
  }

  it('is proven together with those that joined after it', async () => {
    const { executions } = await oneMoreJoins();
    expect(executions).toMatchObject([{ name: 'joined-demo-20261120T2215', status: 'SUCCEEDED' }]);
    const asked = calls().filter(({ operation }) => operation === 'SendCommand');
    expect(asked).toMatchObject([{ input: { DocumentName: 'nightshift-validate-node' } }]);
    expect(asked).toMatchObject([{ input: { InstanceIds: { length: 4 } } }]);
  });

  it('that cannot run IPVS is named in the window in which it was to be prepared', async () => {
    // With fewer nodes one broken kube-proxy alone keeps a rollout from beginning.
    const twelve = { nodeGroups: [{ os: 'al2023', count: 12 }] };
    const { executions } = await oneMoreJoins({ missingModules: ['ip_vs_rr'] }, twelve);
    expect(executions).toMatchObject([{ status: 'FAILED' }]);
    const said = calls().filter(({ operation }) => operation === 'PutEvents');
    expect(said).toMatchObject([{ input: { Entries: [{ DetailType: 'nightshift.MigrationFailed' }] } }]);
    expect(JSON.stringify(said)).toContain('NodesNotPrepared');
    const prepared = calls().find(({ input }) => JSON.stringify(input).includes('"nightshift-prepare-node"'));
    // 02:00 on Saturday in New York.
    expect(prepared?.at).toMatch(/^2026-11-21T07:0/);
    expect(calls().filter(({ operation }) => /Addon$/.test(operation) && !/^Describe/.test(operation))).toEqual([]);
  });

  it('that is not an instance of the account is ignored', async () => {
    await region.still(fleetOf([{ addon: ON_IPVS }]), async () => {
      expect(await region.invoke('on-node-registered', running('i-0abc', '2026-11-20T22:01:00Z'))).toMatchObject({
        answer: { kind: 'ignored', reason: 'The instance is gone.' },
      });
    });
  });
});
