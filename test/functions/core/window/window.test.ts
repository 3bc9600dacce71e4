import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidRequest } from '../../../../functions/core/errors.ts';
import {
  type CalendarState,
  decideWindow,
  parseWindow,
  type Window,
  type WindowDecision,
} from '../../../../functions/core/window/window.ts';

const weekend = {
  schedule: 'cron(0 2 ? * SAT *)',
  timezone: 'UTC',
  durationHours: 4,
  cutoffHours: 1,
  changeCalendars: [],
};

/** A decision with its times as text. */
function decide(window: Partial<Window>, now: string, calendars: CalendarState[] = [], needSeconds = 0) {
  const whole = parseWindow({ ...weekend, ...window });
  return shown(decideWindow(whole, new Date(now), { calendars, needSeconds }));
}

function shown(decision: WindowDecision): string {
  switch (decision.kind) {
    case 'open':
      return `open until ${decision.closesAt.toISOString()}, last start ${decision.lastStartAt.toISOString()}`;
    case 'closed':
      return `closed until ${decision.opensAt.toISOString()}: ${decision.reason}`;
    case 'never':
      return `never: ${decision.reason}`;
  }
}

const starts = (schedule: string, timezone: string, now: string, count: number): string[] => {
  const window = parseWindow({ schedule, timezone, durationHours: 1 });
  const found: string[] = [];
  let at = new Date(now);
  for (let index = 0; index < count; index += 1) {
    const decision = decideWindow(window, at, { calendars: [], needSeconds: 3600 });
    if (decision.kind !== 'closed') break;
    found.push(decision.opensAt.toISOString());
    at = new Date(decision.opensAt.getTime() + 1);
  }
  return found;
};

describe('a window', () => {
  it.each(
    Object.entries({
      'timezone must be an IANA timezone such as Europe/Berlin, but it is "Mars/Olympus".': {
        timezone: 'Mars/Olympus',
      },
      'timezone must be an IANA timezone such as Europe/Berlin, but it is "+02:00".': { timezone: '+02:00' },
      'schedule must be cron(...) or at(...): a rate names no hour, but it is "rate(1 day)".': {
        schedule: 'rate(1 day)',
      },
      'schedule must be cron(...) or at(...), but it is "0 2 * * *".': { schedule: '0 2 * * *' },
      'schedule must name a time that exists: this cron never fires, but it is "cron(0 2 30 2 ? *)".': {
        schedule: 'cron(0 2 30 2 ? *)',
      },
      'schedule must name a time that exists: this cron never fires, but it is "cron(0 2 29 2 ? 2027)".': {
        schedule: 'cron(0 2 29 2 ? 2027)',
      },
      'schedule must have days of the week 1-7 or SUN-SAT, 1 is SUN, but it is "cron(0 2 ? * 0 *)".': {
        schedule: 'cron(0 2 ? * 0 *)',
      },
      'schedule must have days of the week 1-7 or SUN-SAT, 1 is SUN, but it is "cron(0 2 ? * 8 *)".': {
        schedule: 'cron(0 2 ? * 8 *)',
      },
      'schedule must have \'?\' as day-of-month or as day-of-week: cron cannot demand both, but it is "cron(0 2 1 * MON *)".':
        { schedule: 'cron(0 2 1 * MON *)' },
      'schedule must not have \'?\' as day-of-month and day-of-week both, but it is "cron(0 2 ? * ? *)".': {
        schedule: 'cron(0 2 ? * ? *)',
      },
      'schedule must be at(yyyy-mm-ddThh:mm:ss), local time in the window\'s timezone, but it is "at(2027-02-30T02:00:00)".':
        { schedule: 'at(2027-02-30T02:00:00)' },
      'schedule must name a time that exists: clocks in Europe/Berlin skip it, but it is "at(2027-03-28T02:30:00)".': {
        schedule: 'at(2027-03-28T02:30:00)',
        timezone: 'Europe/Berlin',
      },
      'durationHours must be a whole number of hours, 1 to 24, but it is 25.': { durationHours: 25 },
      'durationHours must be a whole number of hours, 1 to 24, but it is 1.5.': { durationHours: 1.5 },
      'cutoffHours must be less than durationHours (4), but it is 4.': { cutoffHours: 4 },
      "The window must not have the field 'duration'.": { duration: 4 },
    }),
  )('is refused in one sentence that names field and rule: %s', (message, part) => {
    expect(() => parseWindow({ ...weekend, ...part })).toThrow(new InvalidRequest(message));
  });

  it.each([
    'cron(0 2 * * *)',
    'cron(61 2 * * ? *)',
    'cron(* 0 2 * * ? *)',
    'cron(0 2 L-3 * ? *)',
    'cron(0 2 ? * FOO *)',
    'cron(0 2 * * ? 2300)',
    'cron()',
  ])('is refused for %s, which AWS or this product cannot read', (schedule) => {
    expect(() => parseWindow({ ...weekend, schedule })).toThrow(/^schedule must /);
  });
});

describe("a window's cron", () => {
  it.each([
    ['cron(0 2 ? * 7 *)', ['2026-01-03T02:00:00.000Z', '2026-01-10T02:00:00.000Z']],
    ['cron(0 2 ? * 1 *)', ['2026-01-04T02:00:00.000Z', '2026-01-11T02:00:00.000Z']],
    ['cron(0 2 ? * SUN *)', ['2026-01-04T02:00:00.000Z', '2026-01-11T02:00:00.000Z']],
    ['cron(0 2 ? * 2-6 *)', ['2026-01-01T02:00:00.000Z', '2026-01-02T02:00:00.000Z', '2026-01-05T02:00:00.000Z']],
    ['cron(0 2 ? * FRI-SUN *)', ['2026-01-02T02:00:00.000Z', '2026-01-03T02:00:00.000Z', '2026-01-04T02:00:00.000Z']],
    ['cron(0 2 ? * TUE#2 *)', ['2026-01-13T02:00:00.000Z', '2026-02-10T02:00:00.000Z']],
    ['cron(0 2 ? * 3#2 *)', ['2026-01-13T02:00:00.000Z', '2026-02-10T02:00:00.000Z']],
    ['cron(0 2 ? * 6L *)', ['2026-01-30T02:00:00.000Z', '2026-02-27T02:00:00.000Z']],
    ['cron(0 2 ? * L *)', ['2026-01-03T02:00:00.000Z', '2026-01-10T02:00:00.000Z']],
    ['cron(0 2 L * ? *)', ['2026-01-31T02:00:00.000Z', '2026-02-28T02:00:00.000Z']],
    ['cron(0 2 15W 2 ? *)', ['2026-02-16T02:00:00.000Z', '2027-02-15T02:00:00.000Z']],
    ['cron(0 2 1 JAN ? 2027-2029/2)', ['2027-01-01T02:00:00.000Z', '2029-01-01T02:00:00.000Z']],
    ['cron(30 0 2 1 1 ? 2027)', ['2027-01-01T02:00:30.000Z']],
    ['cron(0 0/8 2 1 ? *)', ['2026-01-02T00:00:00.000Z', '2026-01-02T08:00:00.000Z', '2026-01-02T16:00:00.000Z']],
  ])('%s starts when AWS would start it', (schedule, expected) => {
    expect(starts(schedule, 'UTC', '2026-01-01T00:00:00Z', expected.length)).toEqual(expected);
  });

  it('is local time in its zone', () => {
    expect(starts('cron(0 22 * * ? *)', 'Asia/Kolkata', '2026-01-01T00:00:00Z', 1)).toEqual([
      '2026-01-01T16:30:00.000Z',
    ]);
  });

  it('skips a time that the clock change skips', () => {
    expect(starts('cron(30 2 * * ? *)', 'Europe/Berlin', '2026-03-27T12:00:00Z', 2)).toEqual([
      '2026-03-28T01:30:00.000Z',
      '2026-03-30T00:30:00.000Z',
    ]);
  });

  it('starts once, at the first occurrence, when the clock change repeats a time', () => {
    expect(starts('cron(30 2 * * ? *)', 'Europe/Berlin', '2026-10-24T12:00:00Z', 2)).toEqual([
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:30:00.000Z',
    ]);
    expect(starts('cron(0/30 2 * * ? *)', 'Europe/Berlin', '2026-10-24T12:00:00Z', 3)).toEqual([
      '2026-10-25T00:00:00.000Z',
      '2026-10-25T00:30:00.000Z',
      '2026-10-26T01:00:00.000Z',
    ]);
  });

  it('knows a clock change of half an hour', () => {
    expect(starts('cron(15 2 * * ? *)', 'Australia/Lord_Howe', '2026-10-02T16:00:00Z', 2)).toEqual([
      '2026-10-04T15:15:00.000Z',
      '2026-10-05T15:15:00.000Z',
    ]);
  });

  it('never opens where it only names times that its zone skips', () => {
    const schedule = 'cron(30 2 ? 3 SUN#2 *)';
    expect(decide({ schedule, timezone: 'America/New_York' }, '2026-01-01T00:00:00Z')).toBe(
      'never: outside the window cron(30 2 ? 3 SUN#2 *) America/New_York, and cron(30 2 ? 3 SUN#2 *) America/New_York does not start again',
    );
  });
});

describe('deciding whether work may start', () => {
  it.each([
    ['2026-01-03T01:59:59.999Z', 'closed until 2026-01-03T02:00:00.000Z: outside the window cron(0 2 ? * SAT *) UTC'],
    ['2026-01-03T02:00:00.000Z', 'open until 2026-01-03T06:00:00.000Z, last start 2026-01-03T05:00:00.000Z'],
    ['2026-01-03T05:00:00.000Z', 'open until 2026-01-03T06:00:00.000Z, last start 2026-01-03T05:00:00.000Z'],
    [
      '2026-01-03T05:00:00.001Z',
      'closed until 2026-01-10T02:00:00.000Z: too little is left of the window: the work needs 0 h before the cutoff',
    ],
    ['2026-01-03T06:00:00.000Z', 'closed until 2026-01-10T02:00:00.000Z: outside the window cron(0 2 ? * SAT *) UTC'],
  ])('at %s a window from 02:00 to 06:00 with a cutoff of one hour is %s', (now, expected) => {
    expect(decide({}, now)).toBe(expected);
  });

  it('is half-open without a cutoff', () => {
    expect(decide({ cutoffHours: 0 }, '2026-01-03T05:59:59.999Z')).toBe(
      'open until 2026-01-03T06:00:00.000Z, last start 2026-01-03T06:00:00.000Z',
    );
    expect(decide({ cutoffHours: 0 }, '2026-01-03T06:00:00Z')).toMatch(/^closed until 2026-01-10T02:00:00.000Z/);
  });

  it('counts real hours over both clock changes', () => {
    const window = { schedule: 'cron(0 0 ? * SUN *)', timezone: 'Europe/Berlin', durationHours: 6, cutoffHours: 0 };
    expect(decide(window, '2026-03-29T00:00:00Z')).toMatch(/^open until 2026-03-29T05:00:00.000Z/);
    expect(decide(window, '2026-10-25T00:00:00Z')).toMatch(/^open until 2026-10-25T04:00:00.000Z/);
  });

  it('waits for the next occurrence when the work does not fit any more', () => {
    expect(decide({}, '2026-01-03T04:00:00Z', [], 3600)).toMatch(/^open/);
    expect(decide({}, '2026-01-03T04:00:01Z', [], 3600)).toBe(
      'closed until 2026-01-10T02:00:00.000Z: too little is left of the window: the work needs 1 h before the cutoff',
    );
  });

  it('never opens for work that is longer than the window', () => {
    expect(decide({}, '2026-01-03T02:00:00Z', [], 10_801)).toBe(
      'never: the work needs 3 h, the window has 3 h before its cutoff',
    );
    expect(decide({}, '2026-01-03T02:00:00Z', [], 14_400)).toBe(
      'never: the work needs 4 h, the window has 3 h before its cutoff',
    );
  });

  it('opens once for at(), local time, and never again', () => {
    const window = { schedule: 'at(2026-06-06T22:00:00)', timezone: 'Europe/Berlin' };
    expect(decide(window, '2026-06-01T00:00:00Z')).toMatch(/^closed until 2026-06-06T20:00:00.000Z/);
    expect(decide(window, '2026-06-06T21:00:00Z')).toMatch(/^open until 2026-06-07T00:00:00.000Z/);
    expect(decide(window, '2026-06-07T00:00:00Z')).toBe(
      'never: outside the window at(2026-06-06T22:00:00) Europe/Berlin, and at(2026-06-06T22:00:00) Europe/Berlin does not start again',
    );
  });
});

describe('Change Calendars', () => {
  const names = { changeCalendars: ['freeze', 'holidays'] };
  const open: CalendarState = { name: 'holidays', state: 'OPEN' };
  const closed = (until?: string): CalendarState =>
    until === undefined
      ? { name: 'freeze', state: 'CLOSED' }
      : { name: 'freeze', state: 'CLOSED', nextTransitionAt: new Date(until) };

  it('must all be open', () => {
    expect(decide(names, '2026-01-03T03:00:00Z', [open, { name: 'freeze', state: 'OPEN' }])).toMatch(/^open until/);
    expect(decide(names, '2026-01-03T03:00:00Z', [open, closed('2026-01-03T04:00:00Z')])).toBe(
      'closed until 2026-01-03T04:00:00.000Z: Change Calendar freeze is CLOSED',
    );
  });

  it('put the opening off to the first occurrence after they open', () => {
    expect(decide(names, '2026-01-03T03:00:00Z', [open, closed('2026-02-01T00:00:00Z')])).toMatch(
      /^closed until 2026-02-07T02:00:00.000Z/,
    );
  });

  it('never open when one is CLOSED without end, or its state is not known', () => {
    expect(decide(names, '2026-01-03T03:00:00Z', [open, closed()])).toBe(
      'never: Change Calendar freeze is CLOSED and names no moment at which it opens',
    );
    expect(decide(names, '2026-01-03T03:00:00Z', [open])).toBe(
      'never: the state of Change Calendar freeze is not known',
    );
  });

  it('that should have opened already are asked again a minute later', () => {
    expect(decide(names, '2026-01-03T03:00:00Z', [open, closed('2026-01-03T02:59:00Z')])).toMatch(
      /^closed until 2026-01-03T03:01:00.000Z/,
    );
  });

  it('end an occurrence when they close', () => {
    const closing: CalendarState = {
      name: 'freeze',
      state: 'OPEN',
      nextTransitionAt: new Date('2026-01-03T05:00:00Z'),
    };
    expect(decide(names, '2026-01-03T03:00:00Z', [open, closing])).toBe(
      'open until 2026-01-03T05:00:00.000Z, last start 2026-01-03T04:00:00.000Z',
    );
    expect(decide(names, '2026-01-03T03:00:00Z', [open, closing], 3601)).toBe(
      'closed until 2026-01-10T02:00:00.000Z: too little is left of the window: the work needs 1 h before the cutoff or Change Calendar freeze closes',
    );
  });
});

describe('any window at any time', () => {
  const windows = fc
    .record({
      minute: fc.integer({ min: 0, max: 59 }),
      hour: fc.integer({ min: 0, max: 23 }),
      day: fc.constantFrom('*', 'SAT', '1', '2-6', 'FRI-SUN', 'TUE#2', '6L'),
      timezone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kolkata'),
      durationHours: fc.integer({ min: 1, max: 24 }),
      cutoff: fc.integer({ min: 0, max: 23 }),
    })
    .map(({ minute, hour, day, timezone, durationHours, cutoff }) => {
      const schedule = `cron(${minute} ${hour} ? * ${day} *)`;
      return parseWindow({ schedule, timezone, durationHours, cutoffHours: cutoff % durationHours });
    });
  const nows = fc.date({
    min: new Date('2026-01-01T00:00:00Z'),
    max: new Date('2027-12-31T00:00:00Z'),
    noInvalidDate: true,
  });
  const needs = fc.integer({ min: 0, max: 7200 });

  it('is really open at the moment at which it said it opens, and closed just before', () => {
    fc.assert(
      fc.property(windows, nows, needs, (window, now, needSeconds) => {
        const options = { calendars: [], needSeconds };
        const decision = decideWindow(window, now, options);
        if (decision.kind !== 'closed') return true;
        const before = new Date(decision.opensAt.getTime() - 1);
        return (
          decision.opensAt > now &&
          decideWindow(window, decision.opensAt, options).kind === 'open' &&
          (before <= now || decideWindow(window, before, options).kind === 'closed')
        );
      }),
    );
  });

  it('is open long enough for the work before the cutoff, and closed when it said it closes', () => {
    fc.assert(
      fc.property(windows, nows, needs, (window, now, needSeconds) => {
        const options = { calendars: [], needSeconds };
        const decision = decideWindow(window, now, options);
        if (decision.kind !== 'open') return true;
        const again = decideWindow(window, now, options);
        const atClose = decideWindow(window, decision.closesAt, options);
        return (
          now.getTime() + needSeconds * 1000 <= decision.lastStartAt.getTime() &&
          JSON.stringify(again) === JSON.stringify(decision) &&
          atClose.kind !== 'never' &&
          (atClose.kind !== 'open' || atClose.closesAt > decision.closesAt)
        );
      }),
    );
  });

  it('reads what it printed: a parsed window parses to itself', () => {
    fc.assert(
      fc.property(windows, (window) => {
        expect(parseWindow(JSON.parse(JSON.stringify(window)))).toEqual(window);
      }),
    );
  });
});
