import { describe, expect, test } from 'vitest';
import type { CalendarState } from '../../../functions/core/window/window.ts';
import { decideWindow } from '../../../functions/handlers/decide-window.ts';
import { common, RecordedLog } from './fakes.ts';

const weekend = {
  schedule: 'cron(0 2 ? * SAT *)',
  timezone: 'America/New_York',
  durationHours: 4,
  cutoffHours: 1,
  changeCalendars: [] as string[],
};
const request = { cluster: 'demo', target: { mode: 'ipvs', scheduler: 'rr' }, window: 'weekend', acknowledge: [] };

interface Asked {
  now?: string;
  request?: Record<string, unknown>;
  before?: 'change' | 'canary' | 'restart';
  nodes?: number | null;
  windows?: Record<string, unknown>;
  calendars?: CalendarState[];
  /** Values of the SSM parameters that can hold the cluster, by their names. */
  holds?: Record<string, unknown>;
  guards?: typeof guards;
}

/** Guards of which one alarm is raised. */
const guards = { alarms: ['a'], onGuard: 'hold' as const, onUnknown: 'closed' as const };
const cloudwatch = {
  alarms: async (names: readonly string[]) => ({
    ...{ kind: 'read' as const, alarms: names.map((name) => ({ name, state: 'ALARM', reason: '12 errors' })) },
  }),
};

function decide({ now = '2026-11-21T07:30:00Z', calendars = [], windows = { weekend }, holds = {}, ...input }: Asked) {
  const ear = new RecordedLog();
  const run = decideWindow({
    stepFunctions: { standing: async () => null },
    ssm: {
      calendars: async (names) => calendars.filter(({ name }) => names.includes(name)),
      parameters: async (names) =>
        Object.entries(holds)
          .filter(([name]) => names.includes(name))
          .map(([name, value]) => ({ name, value: typeof value === 'string' ? value : JSON.stringify(value) })),
    },
    cloudwatch,
    windows: () => new Map(Object.entries(windows)),
  });
  return run({ ...common, now: new Date(now), request, before: 'change', nodes: 3, needSeconds: 480, ...input }, ear);
}

test('inside the window it is open until its end, and the last start leaves the cutoff free', async () => {
  expect(await decide({})).toMatchObject({
    kind: 'open',
    closesAt: '2026-11-21T11:00:00.000Z',
    lastStartAt: '2026-11-21T10:00:00.000Z',
  });
});

test('a window that opens after the execution has ended is never open', async () => {
  const windows = { weekend: { ...weekend, schedule: 'at(2028-01-01T02:00:00)' } };
  await expect(decide({ windows })).rejects.toMatchObject({
    name: 'WindowNever',
    message: expect.stringMatching(/^Window weekend opens at 2028-01-01T07:00:00.000Z, more than 300 days from now/),
  });
});

test('a closed change calendar keeps the window shut', async () => {
  const decided = await decide({
    windows: { weekend: { ...weekend, changeCalendars: ['freeze'] } },
    calendars: [{ name: 'freeze', state: 'CLOSED', nextTransitionAt: new Date('2026-11-28T00:00:00Z') }],
  });
  expect(decided).toMatchObject({ kind: 'closed', opensAt: '2026-11-28T07:00:00.000Z' });
});

test('a person who says why may start at once, and the reason is in the answer', async () => {
  const now = { reason: 'incident 4711' };
  expect(await decide({ request: { ...request, now }, windows: {} })).toMatchObject({
    kind: 'open',
    reason: 'started now on purpose: incident 4711',
  });
});

test('a cluster without nodes needs no window', async () => {
  const { window: _, ...without } = request;
  expect(await decide({ request: without, nodes: 0, windows: {} })).toMatchObject({ kind: 'open' });
});

test('a cluster of which Kubernetes does not say how many nodes it has needs its window', async () => {
  expect(await decide({ nodes: null, now: '2026-11-20T22:00:00Z' })).toMatchObject({ kind: 'closed' });
});

test('a request without a window never finds one open, even where windows are configured', async () => {
  const { window: _, ...without } = request;
  await expect(decide({ request: without })).rejects.toMatchObject({
    name: 'WindowNever',
    message: 'The request for demo names no window. Configured: weekend.',
  });
});

test('a window that is not configured is unknown, and the configured ones are named', async () => {
  await expect(decide({ request: { ...request, window: 'nights' } })).rejects.toMatchObject({
    name: 'UnknownWindow',
    message: 'There is no window nights. Configured: weekend.',
  });
});

test('a window that is too short for the work is never open', async () => {
  const windows = { weekend: { ...weekend, schedule: 'cron(0 2 ? * SAT *)', durationHours: 1, cutoffHours: 0 } };
  const run = decideWindow({
    stepFunctions: { standing: async () => null },
    ssm: { calendars: async () => [], parameters: async () => [] },
    cloudwatch,
    windows: () => new Map(Object.entries(windows)),
  });
  await expect(
    run({ ...common, request, before: 'change', nodes: 3, needSeconds: 7200 }, new RecordedLog()),
  ).rejects.toMatchObject({
    name: 'WindowNever',
  });
});

describe('a hold', () => {
  const hold = {
    reason: 'CHG-77',
    by: 'arn:aws:iam::111122223333:user/me',
    since: '2026-11-20T00:00:00Z',
    until: null,
  };
  const CLUSTER = '/nightshift/holds/clusters/demo';
  const ALL = '/nightshift/holds/all';
  const TEXT = 'until the hold is released (CHG-77; held by arn:aws:iam::111122223333:user/me)';

  test('of the cluster closes the open window until the next one begins', async () => {
    expect(await decide({ holds: { [CLUSTER]: hold } })).toEqual({
      kind: 'closed',
      opensAt: '2026-11-28T07:00:00.000Z',
      reason: `the cluster is on hold ${TEXT}`,
      onHold: true,
      guarded: false,
    });
  });

  test('of all clusters closes it, and one of another cluster does not', async () => {
    expect(await decide({ holds: { [ALL]: hold } })).toMatchObject({ reason: `all clusters are on hold ${TEXT}` });
    expect(await decide({ holds: { '/nightshift/holds/clusters/demo-2': hold } })).toMatchObject({ kind: 'open' });
  });

  test('that ends in the window closes it until then, and one that has ended does nothing', async () => {
    const until = '2026-11-21T09:00:00Z';
    expect(await decide({ holds: { [CLUSTER]: { ...hold, until } } })).toMatchObject({
      kind: 'closed',
      opensAt: '2026-11-21T09:00:00.000Z',
    });
    expect(await decide({ holds: { [CLUSTER]: { ...hold, until } }, now: until })).toMatchObject({ kind: 'open' });
  });

  test('that ends weeks later closes every window before its end', async () => {
    const until = '2026-12-04T00:00:00Z';
    expect(await decide({ holds: { [ALL]: { ...hold, until } } })).toMatchObject({
      opensAt: '2026-12-05T07:00:00.000Z',
    });
  });

  test('without an end outlasts one that ends', async () => {
    const holds = { [ALL]: { ...hold, until: '2026-12-04T00:00:00Z', reason: 'freeze' }, [CLUSTER]: hold };
    expect(await decide({ holds })).toMatchObject({ opensAt: '2026-11-28T07:00:00.000Z' });
  });

  test.each([
    ['is not JSON', 'Its value is not JSON.'],
    [{ reason: 'x' }, 'by must be a text of 1 to 512 characters, but it is nothing.'],
  ])('whose parameter cannot be read holds: %j', async (value, why) => {
    expect(await decide({ holds: { [CLUSTER]: value } })).toMatchObject({
      kind: 'closed',
      reason: `the cluster is on hold until the hold is released (the SSM parameter ${CLUSTER} cannot be read: ${why}; held by unknown)`,
    });
  });

  test('stops --now, which has no window to wait for', async () => {
    const now = { reason: 'incident 4711' };
    await expect(decide({ request: { ...request, now }, holds: { [CLUSTER]: hold } })).rejects.toMatchObject({
      name: 'OnHold',
      message: `demo cannot be changed now: the cluster is on hold ${TEXT}.`,
    });
  });

  test('stops a cluster without nodes; it waits for its window if it has one', async () => {
    const { window: _, ...without } = request;
    const holds = { [CLUSTER]: hold };
    await expect(decide({ request: without, nodes: 0, windows: {}, holds })).rejects.toMatchObject({ name: 'OnHold' });
    expect(await decide({ nodes: 0, holds })).toMatchObject({ kind: 'closed', onHold: true });
  });
});

describe('the hold of a batch', () => {
  const name = '/nightshift/holds/batches/nights/weekend/20261121T0700';
  const holds = {
    [name]: {
      reason: '2 clusters of the batch failed, and 1 may: a, b',
      by: 'nightshift',
      since: '2026-11-21T07:10:00Z',
      until: null,
    },
  };
  const batched = { ...request, batch: { name: 'nights/weekend/20261121T0700', tolerate: 1 } };
  const held = {
    name: 'OnHold',
    message:
      'demo is not changed: its batch is on hold until the hold is released (2 clusters of the batch failed, and 1 may: a, b; held by nightshift).',
  };

  test('ends a migration that has not begun its change, and no window is waited for', async () => {
    await expect(decide({ request: batched, holds })).rejects.toMatchObject(held);
    await expect(decide({ request: batched, holds, now: '2026-11-20T22:00:00Z' })).rejects.toMatchObject(held);
  });

  test.each(['canary', 'restart'] as const)('does not stop one that has begun it, before the %s', async (before) => {
    expect(await decide({ request: batched, holds, before })).toMatchObject({ kind: 'open' });
  });

  test('does not stop a migration of another batch, or of none', async () => {
    const other = { ...request, batch: { name: 'nights/weekend/20261128T2200', tolerate: 1 } };
    expect(await decide({ request: other, holds })).toMatchObject({ kind: 'open' });
    expect(await decide({ holds })).toMatchObject({ kind: 'open' });
  });
});

describe('a raised guard', () => {
  const TEXT = 'the alarm a is in ALARM (12 errors)';

  test('closes the open window until the next one begins', async () => {
    expect(await decide({ guards })).toEqual({
      kind: 'closed',
      opensAt: '2026-11-28T07:00:00.000Z',
      reason: TEXT,
      onHold: false,
      guarded: true,
    });
  });

  test('stops --now, and a cluster without nodes that has no window', async () => {
    const { window: _, ...without } = request;
    const raised = { name: 'GuardRaised', message: `demo cannot be changed now: ${TEXT}.` };
    await expect(decide({ guards, request: { ...without, now: { reason: 'INC-1' } } })).rejects.toMatchObject(raised);
    await expect(decide({ guards, request: without, nodes: 0, windows: {} })).rejects.toMatchObject(raised);
  });

  test('is not asked under a hold, which is reason enough', async () => {
    const hold = { reason: 'CHG-77', by: 'me', since: '2026-11-20T00:00:00Z', until: null };
    expect(await decide({ guards, holds: { '/nightshift/holds/all': hold } })).toMatchObject({
      reason: 'all clusters are on hold until the hold is released (CHG-77; held by me)',
      ...{ onHold: true, guarded: false },
    });
  });
});
