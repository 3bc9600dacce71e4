import { Cron } from 'croner';
import { expect, test, vi } from 'vitest';
import { planSchedules } from '../../../../functions/core/fleet/schedule-plan.ts';
import { WindowSlots } from '../../../../functions/core/fleet/slots.ts';
import { parseWindow } from '../../../../functions/core/window/window.ts';
import { atOf, deployment, subject } from './schedule-plan-fixtures.ts';

/** One hour a week: four slots of ten minutes, for 20 clusters. */
const HOUR = { schedule: 'cron(0 2 ? * SAT *)', timezone: 'America/New_York', durationHours: 1, cutoffHours: 0 };
const NAMES = Array.from({ length: 1000 }, (_, index) => `c${String(index).padStart(4, '0')}`);
const never = () => false;

test('a search for slots looks at a full one once, however many clusters look for one', () => {
  const taken = new Set<number>();
  let looks = 0;
  const slots = new WindowSlots(parseWindow(HOUR), {
    stagger: { minutes: 10, atOnce: 1 },
    after: deployment.now,
    isFull(at) {
      looks += 1;
      return taken.has(at);
    },
  });
  const found = NAMES.map(() => {
    const slot = slots.free(never);
    if (slot) taken.add(slot.at.getTime());
    return slot?.at.toISOString();
  });
  expect([found[0], found[4], found[999]]).toEqual([
    '2026-11-21T07:00:00.000Z',
    '2026-11-28T07:00:00.000Z',
    '2031-08-30T06:30:00.000Z',
  ]);
  expect(looks).toBe(1999);
});

test('a plan computes each start of a window once, and not once for each cluster', () => {
  const search = vi.spyOn(Cron.prototype, 'nextRun');
  try {
    const windows = new Map([['weekend', HOUR]]);
    const plan = planSchedules(
      NAMES.map((name) => subject(name)),
      { ...deployment, windows },
    );
    expect(plan.slice(-1).map(({ decision }) => atOf(decision))).toEqual(['2027-10-30T06:30:00.000Z']);
    // 50 windows; parsing asks twice.
    expect(search).toHaveBeenCalledTimes(52);
  } finally {
    search.mockRestore();
  }
});

test('a cluster that leaves its slot makes room there for the next one, in another window too', () => {
  const windows = new Map<string, unknown>([
    ['weekend', HOUR],
    ['daily', { ...HOUR, schedule: 'cron(0 2 * * ? *)' }],
    ['sunday', { ...HOUR, schedule: 'cron(0 2 ? * SUN *)' }],
  ]);
  const settings = { ...deployment.settings, stagger: { minutes: 60, atOnce: 1 } };
  const at = (moment: string) => ({ at: new Date(moment), enabled: true, input: '{}' });
  const plan = planSchedules(
    [
      subject('a', { tags: { 'nightshift:window': 'daily' } }),
      subject('b', { tags: { 'nightshift:window': 'sunday' } }, { existing: at('2026-11-21T07:00:00Z') }),
      subject('c', { tags: { 'nightshift:window': 'daily' } }),
    ],
    { ...deployment, settings, windows },
  );
  expect(plan.map(({ subject, decision }) => `${subject.cluster} ${decision.kind} ${atOf(decision)}`)).toEqual([
    'a create 2026-11-22T07:00:00.000Z',
    'b move 2026-11-29T07:00:00.000Z',
    'c create 2026-11-21T07:00:00.000Z',
  ]);
});
