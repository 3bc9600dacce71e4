import { TagResourceCommand, UntagResourceCommand } from '@aws-sdk/client-eks';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { ENROLLED, tagged } from '../workflow/schedules.ts';
import { deployWithDriftMigrated, executionsOf, modesOf, Scene, timesOf } from './scene.ts';

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.start(await deployWithDriftMigrated());
});
afterAll(() => scene.stop());

const SATURDAY = 'nightshift-demo at(2026-11-21T22:00:00) Etc/UTC';
const SUNDAY = 'nightshift-demo at(2026-11-22T02:00:00) America/New_York';
const arnOf = (cluster: string) => `arn:aws:eks:us-east-1:111122223333:cluster/${cluster}`;

/** A person tags a cluster, and CloudTrail tells of it. */
async function tag(tags: Record<string, string>): Promise<void> {
  await scene.eks.send(new TagResourceCommand({ resourceArn: arnOf('demo'), tags }));
  expect(await scene.deliver(tagged('demo'))).toEqual([['nightshift-cluster-tagged']]);
}

/** CloudTrail may write the ARN as it is, too. */
async function untag(...tagKeys: string[]): Promise<void> {
  const requestParameters = { resourceArn: arnOf('demo'), tagKeys };
  await scene.eks.send(new UntagResourceCommand(requestParameters));
  const event = tagged('demo', 'UntagResource');
  const matched = await scene.deliver({ ...event, detail: { ...event.detail, requestParameters } });
  expect(matched).toEqual([['nightshift-cluster-tagged']]);
}

describe('a tag', () => {
  it('enrols a cluster: its schedule is created, fires in its window, migrates it and is deleted', async () => {
    const state = await scene.play([{ tags: {} }], async () => {
      await tag(ENROLLED);
      expect(await scene.planned()).toEqual([SATURDAY]);
    });
    expect(executionsOf(state)).toEqual(['scheduled-demo-20261121T2200 SUCCEEDED']);
    expect(timesOf(scene.calls, 'UpdateAddon')).toEqual(['2026-11-21T22:01']);
    expect(modesOf(state)).toEqual(['demo nftables nftables nftables']);
    expect(await scene.planned()).toEqual([]);
    await scene.sweep('schedule-migrations');
    expect(await scene.planned()).toEqual([]);
  });

  it('that names a different window moves the schedule, and the cluster is migrated in that window', async () => {
    const state = await scene.play([{}], async () => {
      await scene.sweep('schedule-migrations');
      expect(await scene.planned()).toEqual([SATURDAY]);
      await tag({ 'nightshift:window': 'sunday' });
      expect(await scene.planned()).toEqual([SUNDAY]);
    });
    expect(executionsOf(state)).toEqual(['scheduled-demo-20261122T0700 SUCCEEDED']);
    expect(timesOf(scene.calls, 'UpdateAddon')).toEqual(['2026-11-22T07:01']);
  });

  it('that is removed cancels the planned migration', async () => {
    const state = await scene.play([{}], async () => {
      await scene.sweep('schedule-migrations');
      expect(await scene.planned()).toEqual([SATURDAY]);
      await untag('nightshift:enrolled');
      expect(await scene.planned()).toEqual([]);
    });
    expect(executionsOf(state)).toEqual([]);
    expect(modesOf(state)).toEqual(['demo iptables iptables iptables']);
  });

  it('whose event comes twice, and again two weeks late, makes one schedule and one execution', async () => {
    const late = { ...tagged('demo'), time: '2026-11-06T22:00:00Z' };
    const state = await scene.play([{}], async () => {
      await scene.deliver(tagged('demo'), tagged('demo'));
      await scene.deliver(late);
      expect(await scene.planned()).toEqual([SATURDAY]);
    });
    expect(executionsOf(state)).toEqual(['scheduled-demo-20261121T2200 SUCCEEDED']);
    expect(state.alarms).toEqual([]);
  });
});

test('a person who deletes a schedule cancels that window, and the sweep plans the next one', async () => {
  const state = await scene.play([{}], async () => {
    await scene.sweep('schedule-migrations');
    await scene.cancel('nightshift-demo');
    await scene.sweep('schedule-migrations');
    expect(await scene.planned()).toEqual(['nightshift-demo at(2026-11-28T22:00:00) Etc/UTC']);
    // Past the window that was cancelled.
    await scene.pass(36 * 60);
    expect(executionsOf(await scene.sandbox.state())).toEqual([]);
  });
  expect(executionsOf(state)).toEqual(['scheduled-demo-20261128T2200 SUCCEEDED']);
});

test('a schedule that fires twice starts one execution, which waits for its window', async () => {
  const state = await scene.play([{}], async () => {
    await scene.sweep('schedule-migrations');
    await scene.post('schedules', { group: 'nightshift-migrations', name: 'nightshift-demo' });
  });
  expect(executionsOf(state)).toEqual(['scheduled-demo-20261121T2200 SUCCEEDED']);
  expect(timesOf(scene.calls, 'StartExecution')).toEqual(['2026-11-20T22:00', '2026-11-21T22:00']);
  expect(timesOf(scene.calls, 'UpdateAddon')).toEqual(['2026-11-21T22:01']);
  expect(state.alarms).toEqual([]);
});

test('the daily sweep starts by itself, and plans migrations whose event never came', async () => {
  await scene.look([{}], async () => {
    await scene.pass(23 * 60);
    expect(await scene.planned()).toEqual([]);
    // The window of today has begun before the day is over.
    await scene.pass(90);
    expect(await scene.planned()).toEqual(['nightshift-demo at(2026-11-28T22:00:00) Etc/UTC']);
  });
});

test('50 clusters in one window are staggered: five every ten minutes', async () => {
  const names = Array.from({ length: 50 }, (_, index) => `c${String(index + 1).padStart(2, '0')}`);
  const fleet = names.map((name) => ({ name, nodeGroups: [] }));
  await scene.look(fleet, async () => {
    await scene.sweep('schedule-migrations');
    const clusters = Map.groupBy(await scene.planned(), (planned) => planned.replace(/^\S+ /, ''));
    expect([...clusters].map(([at, there]) => [at, ...there.map((each) => each.slice(11, 14))].join(' '))).toEqual([
      'at(2026-11-21T22:00:00) Etc/UTC c01 c02 c03 c04 c05',
      'at(2026-11-21T22:10:00) Etc/UTC c06 c07 c08 c09 c10',
      'at(2026-11-21T22:20:00) Etc/UTC c11 c12 c13 c14 c15',
      'at(2026-11-21T22:30:00) Etc/UTC c16 c17 c18 c19 c20',
      'at(2026-11-21T22:40:00) Etc/UTC c21 c22 c23 c24 c25',
      'at(2026-11-21T22:50:00) Etc/UTC c26 c27 c28 c29 c30',
      'at(2026-11-21T23:00:00) Etc/UTC c31 c32 c33 c34 c35',
      'at(2026-11-21T23:10:00) Etc/UTC c36 c37 c38 c39 c40',
      'at(2026-11-21T23:20:00) Etc/UTC c41 c42 c43 c44 c45',
      'at(2026-11-21T23:30:00) Etc/UTC c46 c47 c48 c49 c50',
    ]);
  });
});
