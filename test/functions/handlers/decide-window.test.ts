import { expect, test } from 'vitest';
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
  nodes?: number | null;
  windows?: Record<string, unknown>;
  calendars?: CalendarState[];
}

function decide({ now = '2026-11-21T07:30:00Z', calendars = [], windows = { weekend }, ...input }: Asked) {
  const ear = new RecordedLog();
  const run = decideWindow({
    ssm: { calendars: async (names) => calendars.filter(({ name }) => names.includes(name)) },
    windows: () => new Map(Object.entries(windows)),
  });
  return run({ ...common, now: new Date(now), request, nodes: 3, needSeconds: 480, ...input }, ear);
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
  const run = decideWindow({ ssm: { calendars: async () => [] }, windows: () => new Map(Object.entries(windows)) });
  await expect(run({ ...common, request, nodes: 3, needSeconds: 7200 }, new RecordedLog())).rejects.toMatchObject({
    name: 'WindowNever',
  });
});
