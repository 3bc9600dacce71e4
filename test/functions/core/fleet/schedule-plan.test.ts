import { describe, expect, it, test } from 'vitest';
import {
  type ClusterStanding,
  planSchedules,
  scheduledExecution,
} from '../../../../functions/core/fleet/schedule-plan.ts';
import { atOf, decide, deployment, IPVS, inputOf, scheduled, subject, WEEKEND } from './schedule-plan-fixtures.ts';

describe('a cluster that is not compliant', () => {
  it('gets a schedule that starts its migration under a name of its own', () => {
    const decision = decide(subject('demo'));
    expect(decision).toMatchObject({ kind: 'create', standing: 'due', slot: { window: 'weekend' } });
    const { Input, ...execution } = JSON.parse(inputOf(decision));
    expect(execution).toEqual({
      StateMachineArn: 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster:live',
      Name: 'scheduled-demo-20261121T0700',
    });
    expect(JSON.parse(Input)).toEqual({
      cluster: 'demo',
      target: { mode: 'ipvs', scheduler: 'rr' },
      window: 'weekend',
      acknowledge: ['ipvs-deprecated'],
      requestedBy: 'schedule nightshift-demo',
      batch: { name: 'nights/weekend/20261121T0700', tolerate: 1 },
    });
  });

  it('keeps its slot when clusters come whose names stand before its own', () => {
    const plan = planSchedules(
      [scheduled('demo'), ...['a', 'b', 'c', 'd', 'e'].map((name) => subject(name))],
      deployment,
    );
    expect(plan.map(({ subject, decision }) => `${subject.cluster} ${decision.kind} ${atOf(decision)}`)).toEqual(
      [
        'a create 2026-11-21T07:00:00.000Z',
        'b create 2026-11-21T07:00:00.000Z',
        'c create 2026-11-21T07:00:00.000Z',
        'd create 2026-11-21T07:00:00.000Z',
        'e create 2026-11-21T07:10:00.000Z',
        'demo keep 2026-11-21T07:00:00.000Z',
      ].toSorted(),
    );
  });

  it('leaves a slot that has become too full, the last ones of the order', () => {
    const plan = planSchedules(
      ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => scheduled(name)),
      deployment,
    );
    expect(plan.map(({ decision }) => `${decision.kind} ${atOf(decision)}`)).toEqual([
      ...Array(5).fill('keep 2026-11-21T07:00:00.000Z'),
      'move 2026-11-21T07:10:00.000Z',
      'move 2026-11-21T07:10:00.000Z',
    ]);
  });

  it('keeps away from the schedules of clusters that are not looked at', () => {
    const full = Array<Date>(5).fill(new Date('2026-11-21T07:00:00Z'));
    expect(atOf(decide(subject('demo'), {}, full))).toBe('2026-11-21T07:10:00.000Z');
  });

  it.each([
    ['another window', { 'nightshift:window': 'sunday' }, '2026-11-22T07:00:00.000Z'],
    ['another scheduler, at the same time', { 'nightshift:scheduler': 'lc' }, '2026-11-21T07:00:00.000Z'],
  ])('is moved when its tags ask for %s', (_, tags, at) => {
    const { existing, record } = scheduled('demo');
    const decision = decide(subject('demo', { tags }, { existing, record }));
    expect(decision).toMatchObject({ kind: 'move' });
    expect(atOf(decision)).toBe(at);
  });

  it('is brought forward when an earlier window has room', () => {
    const later = decide(scheduled('demo'), { now: new Date('2026-11-21T12:00:00Z') });
    expect([later.kind, atOf(later)]).toEqual(['move', '2026-11-28T07:00:00.000Z']);
    const input = inputOf(later);
    const existing = { at: new Date('2026-11-28T07:00:00Z'), enabled: true, input };
    expect(atOf(decide(subject('demo', {}, { existing })))).toBe('2026-11-21T07:00:00.000Z');
  });

  it('is left alone while its window is open and its slot is still to come', () => {
    const at = new Date('2026-11-21T08:30:00Z');
    const { existing } = scheduled('demo');
    const inputAt = (existing?.input ?? '').replace('20261121T0700', '20261121T0830');
    const about = subject('demo', {}, { existing: { at, enabled: true, input: inputAt } });
    const decision = decide(about, { now: new Date('2026-11-21T07:30:00Z') });
    expect([decision.kind, atOf(decision)]).toEqual(['keep', '2026-11-21T08:30:00.000Z']);
  });

  it('is left alone while its schedule fires, and gets the next window when that has failed for an hour', () => {
    const about = scheduled('demo');
    expect(decide(about, { now: new Date('2026-11-21T07:59:00Z') })).toMatchObject({
      kind: 'keep',
      reason: 'The schedule is firing.',
    });
    const after = decide(about, { now: new Date('2026-11-21T08:00:00Z') });
    expect([after.kind, atOf(after)]).toEqual(['move', '2026-11-28T07:00:00.000Z']);
  });

  it('is left alone where somebody disabled its schedule', () => {
    const existing = { at: new Date('2026-11-21T03:33:00Z'), enabled: false, input: '{}' };
    expect(decide(subject('demo', {}, { existing }))).toMatchObject({
      kind: 'keep',
      slot: null,
      reason: 'Somebody disabled the schedule.',
    });
  });

  it('is moved back where somebody made its schedule a recurring one', () => {
    const existing = { at: null, enabled: true, input: '{}' };
    expect(atOf(decide(subject('demo', {}, { existing })))).toBe('2026-11-21T07:00:00.000Z');
  });

  it('gets no window that starts before a schedule can be there', () => {
    const now = new Date('2026-11-21T06:58:30Z');
    expect(atOf(decide(subject('demo'), { now }))).toBe('2026-11-28T07:00:00.000Z');
  });

  it('gets none where no window starts any more', () => {
    const windows = new Map([['weekend', { ...WEEKEND, schedule: 'at(2026-11-19T02:00:00)' }]]);
    expect(decide(subject('demo'), { windows })).toMatchObject({
      kind: 'none',
      reason: 'Window weekend has no room any more.',
    });
  });
});

describe('no schedule', () => {
  it.each<[string, Partial<ClusterStanding>, string, string]>([
    [
      'is configured for the target',
      { addon: { configuration: IPVS } },
      'compliant',
      'The add-on is configured for the target.',
    ],
    [
      'is tagged out',
      { tags: { 'nightshift:enrolled': 'false' } },
      'not-enrolled',
      'The tag nightshift:enrolled says false.',
    ],
    [
      'has a self-managed kube-proxy',
      { addon: null },
      'refused',
      'kube-proxy is self-managed, and only a person can choose how to change it.',
    ],
    ['is in Auto Mode', { autoMode: true }, 'refused', 'EKS Auto Mode runs kube-proxy itself.'],
    ['is being deleted', { status: 'DELETING' }, 'absent', 'The cluster is DELETING, not ACTIVE.'],
    [
      'names no configured window',
      { tags: { 'nightshift:window': 'monday' } },
      'refused',
      'There is no window monday.',
    ],
    [
      'names a broken window',
      { tags: { 'nightshift:window': 'broken' } },
      'refused',
      'timezone must be an IANA timezone such as Europe/Berlin, but it is "Mars/Olympus".',
    ],
    [
      'has values that nobody can read',
      { addon: { configuration: '[]' } },
      'refused',
      'The configuration values must be a mapping (JSON or YAML), but they are a list.',
    ],
  ])('is there for a cluster that %s, and one that was is deleted', (_, changes, standing, reason) => {
    expect(decide(subject('demo', changes))).toEqual({ kind: 'none', standing, reason });
    const { existing, record } = scheduled('demo');
    expect(decide(subject('demo', changes, { existing, record }))).toEqual({ kind: 'delete', standing, reason });
  });

  it('stays of a cluster that is gone', () => {
    expect(decide({ ...scheduled('demo'), standing: null })).toMatchObject({ kind: 'delete', standing: 'absent' });
  });
});

test('clusters with long names have executions of their own, within 80 characters', () => {
  const at = new Date('2026-11-21T07:10:00Z');
  const long = 'a'.repeat(99);
  const names = [`${long}1`, `${long}2`].map((cluster) => scheduledExecution(cluster, at));
  expect(names.map((name) => [name.length, name.endsWith('-20261121T0710')])).toEqual([
    [80, true],
    [80, true],
  ]);
  expect(names[0]).not.toBe(names[1]);
});

describe('the order in which clusters get slots', () => {
  const settings = { ...deployment.settings, stagger: { minutes: 10, atOnce: 1 } };
  const nodes = new Map([
    ['a', 40],
    ['b', 3],
    ['c', 3],
    ['d', 12],
  ]);
  const timesOf = (subjects: Parameters<typeof planSchedules>[0]) =>
    planSchedules(subjects, { ...deployment, settings }, { nodes }).map(
      ({ subject, decision }) => `${subject.cluster} ${decision.kind} ${atOf(decision)?.slice(11, 16)}`,
    );

  it('is by the number of nodes, and then by name', () => {
    expect(timesOf(['a', 'b', 'c', 'd', 'without'].map((name) => subject(name)))).toEqual([
      'without create 07:00',
      'b create 07:10',
      'c create 07:20',
      'd create 07:30',
      'a create 07:40',
    ]);
  });

  it('takes no slot from a cluster that has one, however large it is', () => {
    expect(timesOf([scheduled('a'), subject('b'), subject('c')])).toEqual([
      'b create 07:10',
      'c create 07:20',
      'a keep 07:00',
    ]);
  });

  it('decides which clusters leave a slot that has become too full: the larger ones', () => {
    expect(timesOf([scheduled('a'), scheduled('b'), scheduled('d')])).toEqual([
      'b keep 07:00',
      'd move 07:10',
      'a move 07:20',
    ]);
  });
});

test('the migrations of a fresh night are a batch of their own', () => {
  const later = decide(subject('demo'), { now: new Date('2026-11-21T12:00:00Z') });
  expect(JSON.parse(JSON.parse(inputOf(later)).Input)).toMatchObject({
    batch: { name: 'nights/weekend/20261128T0700', tolerate: 1 },
  });
});
