import { describe, expect, it, test } from 'vitest';
import { failing, lost } from './scenarios.ts';
import { ENROLLED, fleetOf, tagged } from './schedules.ts';
import { startedSchedules } from './shared.ts';
import { ON_IPVS } from './worlds.ts';

const SATURDAY = 'nightshift-demo at(2026-11-21T02:00:00) America/New_York';

const schedules = await startedSchedules();

describe('a tag', () => {
  it('enrols a cluster: its schedule is created, fires in its window, migrates it and is deleted', async () => {
    await schedules.still(fleetOf([{ tags: {} }]), async () => {
      expect(await schedules.tag('demo', ENROLLED)).toMatchObject({
        answer: { kind: 'kept', schedules: { create: 1 } },
      });
      expect(await schedules.planned()).toEqual([SATURDAY]);
    });
    await schedules.rest();
    const { executions, clusters, schedules: left } = await schedules.workflow.sandbox.state();
    expect(executions).toMatchObject([{ name: 'scheduled-demo-20261121T0700', status: 'SUCCEEDED' }]);
    expect(clusters).toMatchObject([{ configMap: { mode: 'ipvs', scheduler: 'rr' } }]);
    expect(left).toEqual([]);
    expect(await schedules.sweep({ now: '2026-11-22T09:00:00Z' })).toMatchObject({
      answer: { schedules: { none: 1, create: 0 }, clusters: { compliant: 1 } },
    });
  });

  it('makes a schedule that is deleted after it ran, and goes to a queue when it cannot be delivered', async () => {
    await schedules.still(fleetOf([{}]), async () => {
      await schedules.invoke('on-cluster-tagged', tagged('demo'));
      expect(await schedules.find('nightshift-demo')).toMatchObject({
        Description: 'Migrates demo in window weekend of 2026-11-21T07:00:00.000Z; delete it to cancel',
        FlexibleTimeWindow: { Mode: 'OFF' },
        ActionAfterCompletion: 'DELETE',
        Target: {
          Arn: 'arn:aws:scheduler:::aws-sdk:sfn:startExecution',
          RoleArn: 'arn:aws:iam::111122223333:role/nightshift-scheduler-us-east-1',
          DeadLetterConfig: { Arn: 'arn:aws:sqs:us-east-1:111122223333:nightshift-dead-events' },
          RetryPolicy: { MaximumEventAgeInSeconds: 3600, MaximumRetryAttempts: 20 },
        },
      });
    });
  });

  it('that names a different window moves the schedule, and its removal deletes the schedule', async () => {
    await schedules.still(fleetOf([{}]), async () => {
      await schedules.sweep();
      const sunday = { ...ENROLLED, 'nightshift:window': 'sunday' };
      expect(await schedules.tag('demo', sunday)).toMatchObject({ answer: { schedules: { move: 1 } } });
      expect(await schedules.planned()).toEqual(['nightshift-demo at(2026-11-22T02:00:00) America/New_York']);
      expect(await schedules.tag('demo', {})).toMatchObject({ answer: { schedules: { delete: 1 } } });
      expect(await schedules.planned()).toEqual([]);
      // Nobody cancelled anything: enrolled again, it is migrated in the same night.
      await schedules.tag('demo', ENROLLED);
      expect(await schedules.planned()).toEqual([SATURDAY]);
    });
  });

  it('whose event comes twice, or weeks late, makes one schedule that is not in the past', async () => {
    await schedules.still(fleetOf([{}]), async () => {
      const late = { ...tagged('demo'), time: '2026-11-05T22:00:00Z' };
      expect(await schedules.invoke('on-cluster-tagged', late)).toMatchObject({ answer: { schedules: { create: 1 } } });
      for (const event of [tagged('demo'), late])
        expect(await schedules.invoke('on-cluster-tagged', event)).toMatchObject({
          answer: { schedules: { keep: 1, create: 0 } },
        });
      expect(await schedules.planned()).toEqual([SATURDAY]);
    });
  });

  it('changes nothing if it is a different tag, EKS refused it, or its cluster is deleted', async () => {
    await schedules.still(fleetOf([{}]), async () => {
      const group = { ...tagged('demo') };
      const resourceArn = 'arn:aws:eks:us-east-1:111122223333:nodegroup/demo/al2023/1';
      const event = { ...group, detail: { ...group.detail, requestParameters: { resourceArn } } };
      expect(await schedules.invoke('on-cluster-tagged', event)).toEqual({
        answer: { kind: 'ignored', reason: `${resourceArn} is not a cluster.` },
      });
      const refused = { ...group.detail, errorCode: 'AccessDenied', requestParameters: null };
      expect(await schedules.invoke('on-cluster-tagged', { ...group, detail: refused })).toEqual({
        answer: { kind: 'ignored', reason: 'EKS refused the call: AccessDenied.' },
      });
      expect(await schedules.invoke('on-cluster-tagged', tagged('gone'))).toMatchObject({
        answer: { clusters: { absent: 1 }, schedules: { none: 1 } },
      });
      expect(await schedules.planned()).toEqual([]);
    });
  });

  it('in a malformed event is refused by name', async () => {
    expect(await schedules.invoke('on-cluster-tagged', { ...tagged('demo'), time: 'soon' })).toMatchObject({
      error: 'InvalidRequest',
      message: expect.stringMatching(/^time must have the format datetime, but it is "soon"\./),
    });
  });
});

describe('a sweep', () => {
  it('creates missing schedules, deletes unwanted ones, and keeps the right ones', async () => {
    const clusters = [
      { name: 'demo' },
      { name: 'done', addon: ON_IPVS },
      { name: 'out', tags: {} },
      { name: 'own', addon: null },
    ];
    await schedules.still(fleetOf(clusters), async () => {
      expect(await schedules.sweep()).toEqual({
        answer: {
          schedules: { keep: 0, create: 1, move: 0, delete: 0, none: 3 },
          clusters: { due: 1, compliant: 1, 'not-enrolled': 1, refused: 1, staged: 0, absent: 0 },
        },
      });
      const writes = () =>
        schedules.workflow.sandbox.calls.filter(({ operation }) => /^(Create|Update|Delete|Put)/.test(operation))
          .length;
      const before = writes();
      expect(await schedules.sweep()).toMatchObject({ answer: { schedules: { keep: 1, create: 0, none: 3 } } });
      expect(writes()).toBe(before);
      schedules.workflow.sandbox.live.region.clusters.delete('demo');
      expect(await schedules.sweep()).toMatchObject({ answer: { schedules: { delete: 1, none: 3 } } });
      expect(await schedules.planned()).toEqual([]);
    });
  });

  it('that a person starts may be limited to one cluster', async () => {
    await schedules.still(fleetOf([{ name: 'demo' }, { name: 'other' }]), async () => {
      await schedules.sweep({ cluster: 'demo' });
      expect(await schedules.planned()).toEqual([SATURDAY]);
    });
  });

  it('respects a deleted schedule: that window is cancelled, the next one is not', async () => {
    await schedules.still(fleetOf([{}]), async () => {
      await schedules.sweep();
      await schedules.cancel('nightshift-demo');
      await schedules.sweep();
      const next = 'nightshift-demo at(2026-11-28T02:00:00) America/New_York';
      expect(await schedules.planned()).toEqual([next]);
      await schedules.sweep();
      await schedules.invoke('on-cluster-tagged', tagged('demo'));
      expect(await schedules.planned()).toEqual([next]);
    });
  });

  it('goes on after a cluster that EKS does not describe, and fails by name in the end', async () => {
    await schedules.still(fleetOf(['a', 'b', 'c'].map((name) => ({ name }))), async () => {
      await schedules.workflow.post('faults', [
        { on: { service: 'eks', operation: 'DescribeAddon' }, error: 'InvalidParameterException', times: 1 },
      ]);
      expect(await schedules.sweep()).toMatchObject({
        error: 'SweepIncomplete',
        message: expect.stringMatching(/^[abc] could not be looked after: InvalidParameterException: /),
      });
      expect(await schedules.planned()).toHaveLength(2);
      expect(await schedules.sweep()).toMatchObject({ answer: { schedules: { keep: 2, create: 1 } } });
    });
  });

  it('makes one schedule although answers are lost and calls are throttled', async () => {
    await schedules.still(fleetOf([{}]), async () => {
      await schedules.workflow.post('faults', [
        lost('scheduler', 'CreateSchedule'),
        failing('eks', 'ListClusters'),
        failing('scheduler', 'ListSchedules'),
      ]);
      expect(await schedules.sweep()).toMatchObject({ answer: { schedules: { create: 1 } } });
      expect(await schedules.planned()).toEqual([SATURDAY]);
    });
  });

  it('stores later what it could not store at once, so that it still recognizes a deleted schedule', async () => {
    await schedules.still(fleetOf([{}]), async () => {
      await schedules.workflow.post('faults', [failing('s3', 'PutObject', 'AccessDenied', 1)]);
      expect(await schedules.sweep()).toMatchObject({
        error: 'SweepIncomplete',
        message: expect.stringMatching(/^demo could not be looked after: AccessDenied: /),
      });
      expect(await schedules.sweep()).toMatchObject({ answer: { schedules: { keep: 1 } } });
      await schedules.cancel('nightshift-demo');
      await schedules.sweep();
      expect(await schedules.planned()).toEqual(['nightshift-demo at(2026-11-28T02:00:00) America/New_York']);
    });
  });

  it('with an invalid request is refused by name', async () => {
    expect(await schedules.sweep({ clusters: ['demo'] })).toMatchObject({
      error: 'InvalidRequest',
      message: expect.stringMatching(/^The input must not have the field 'clusters'\./),
    });
  });
});

test('50 clusters in one window are staggered: five every ten minutes', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `c${String(index + 1).padStart(2, '0')}`);
  await schedules.still(fleetOf(names.map((name) => ({ name, nodeGroups: [] }))), async () => {
    await schedules.sweep();
    const starts = Map.groupBy(await schedules.planned(), (planned) => planned.split(' ')[1]);
    expect([...starts].map(([at, there]) => `${at} ${there.length}`)).toEqual([
      'at(2026-11-21T02:00:00) 5',
      'at(2026-11-21T02:10:00) 5',
      'at(2026-11-21T02:20:00) 5',
      'at(2026-11-21T02:30:00) 5',
      'at(2026-11-21T02:40:00) 5',
      'at(2026-11-21T02:50:00) 5',
      'at(2026-11-21T03:00:00) 5',
      'at(2026-11-21T03:10:00) 5',
      'at(2026-11-21T03:20:00) 5',
      'at(2026-11-21T03:30:00) 5',
    ]);
    // Those that enrol themselves one by one find the places that are free.
    await schedules.tag('c01', {});
    await schedules.tag('c02', {});
    await schedules.tag('c02', ENROLLED);
    await schedules.tag('c01', ENROLLED);
    expect((await schedules.planned()).slice(0, 2)).toEqual([
      'nightshift-c01 at(2026-11-21T02:00:00) America/New_York',
      'nightshift-c02 at(2026-11-21T02:00:00) America/New_York',
    ]);
  });
});
