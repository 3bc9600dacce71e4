import * as z from 'zod/mini';
import { InvalidRequest } from '../errors.ts';
import { parseInput } from '../values/parse-input.ts';
import { isTimezone, parseSchedule, type Schedule, ScheduleProblem } from './schedule.ts';

/** When disruption is allowed, in the terms of SSM Maintenance Windows. */
export interface Window {
  /** `cron(...)` or `at(...)`, local time in `timezone`. */
  schedule: string;
  /** IANA name. */
  timezone: string;
  /** Real hours, 1-24: a window over a DST change is as long as any other. */
  durationHours: number;
  /** Nothing new starts in the last so many hours; 0 up to durationHours - 1. */
  cutoffHours: number;
  /** Names or ARNs of SSM Change Calendars, all of which must be OPEN. */
  changeCalendars: string[];
}

/** What ssm:GetCalendarState says of one calendar; `name` is as the window has it. */
export type CalendarState = { name: string; state: 'OPEN' | 'CLOSED'; nextTransitionAt?: Date };

export type WindowDecision =
  | { kind: 'open'; closesAt: Date; lastStartAt: Date; reason: string }
  | { kind: 'closed'; opensAt: Date; reason: string }
  | { kind: 'never'; reason: string };

const HOUR = 3_600_000;
const MINUTE = 60_000;
// Occurrences looked at before the answer is "never". A cron of every minute has at most 1,440 that are too short on
// either side of a calendar's change.
const LONGEST_SEARCH = 3_000;

const duration = 'must be a whole number of hours, 1 to 24';
const cutoff = 'must be a whole number of hours, 0 to 23';
const calendars = 'must be a list of at most 10 names or ARNs of SSM Change Calendars';
const calendarName = 'must be the name or ARN of an SSM Change Calendar';
/** A name is one of an account's own; an ARN may name another account that shares its calendar. */
const CALENDAR = /^(?:arn:aws[\w-]*:ssm:[\w-]+:\d{12}:document\/)?[\w.-]{3,128}$/;
const zone = 'must be an IANA timezone such as Europe/Berlin';

const WindowInput = z.strictObject(
  {
    schedule: z.string({ error: 'must be cron(...) or at(...)' }),
    timezone: z.string({ error: zone }).check(z.refine(isTimezone, zone)),
    durationHours: z.int({ error: duration }).check(z.gte(1, duration), z.lte(24, duration)),
    cutoffHours: z._default(z.int({ error: cutoff }).check(z.gte(0, cutoff), z.lte(23, cutoff)), 0),
    changeCalendars: z._default(
      z
        .array(z.string({ error: calendarName }).check(z.regex(CALENDAR, calendarName)), {
          error: calendars,
        })
        .check(z.maxLength(10, calendars)),
      [],
    ),
  },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'must be a JSON object') },
);

/**
 * Parses a configured window. Cutoff is 0 and there are no calendars unless given; a timezone must be given.
 * @throws InvalidRequest naming field and rule: unknown zone, a cron that never fires, rate(), a cutoff as long as the
 * window
 */
export function parseWindow(input: unknown): Window {
  const window = parseInput(WindowInput, input, 'The window');
  if (window.cutoffHours >= window.durationHours)
    throw new InvalidRequest(
      `cutoffHours must be less than durationHours (${window.durationHours}), but it is ${window.cutoffHours}.`,
    );
  scheduleOf(window);
  return window;
}

function scheduleOf(window: Window): Schedule {
  try {
    return parseSchedule(window.schedule, window.timezone);
  } catch (error) {
    if (!(error instanceof ScheduleProblem)) throw error;
    throw new InvalidRequest(`schedule ${error.message}, but it is "${window.schedule}".`, { cause: error });
  }
}

/** A person's "not now", or a raised guard. `until` is null if nobody knows when it ends. */
export interface WindowHold {
  until: Date | null;
  text: string;
}

/** What calendars and a hold allow: nothing before `from`, nothing at or after `until`. */
type Allowed =
  | { kind: 'between'; from: number; until: number; closed: string[]; closing: string | null; held: string | null }
  | { kind: 'never'; reason: string };

function allowedByCalendars(window: Window, now: Date, states: readonly CalendarState[]): Allowed {
  const allowed = { from: now.getTime(), until: Number.POSITIVE_INFINITY };
  const closed: string[] = [];
  let closing: string | null = null;
  for (const name of window.changeCalendars) {
    const calendar = states.find((state) => state.name === name);
    if (calendar === undefined) return { kind: 'never', reason: `the state of Change Calendar ${name} is not known` };
    const next = calendar.nextTransitionAt?.getTime();
    if (calendar.state === 'CLOSED') {
      if (next === undefined)
        return { kind: 'never', reason: `Change Calendar ${name} is CLOSED and names no moment at which it opens` };
      closed.push(name);
      // If a calendar's announced transition is in the past, ask again in a minute: asking at once could loop.
      allowed.from = Math.max(allowed.from, next > now.getTime() ? next : now.getTime() + MINUTE);
    } else if (next !== undefined && next > now.getTime() && next < allowed.until) {
      allowed.until = next;
      closing = name;
    }
  }
  return { kind: 'between', ...allowed, closed, closing, held: null };
}

/**
 * A hold with an end allows nothing before it. A hold without one is asked about again in the next occurrence: nothing
 * says when somebody will release it.
 */
function allowedUnderHold(
  allowed: Extract<Allowed, { kind: 'between' }>,
  hold: WindowHold | null,
  endOfRunning: number | null,
): Extract<Allowed, { kind: 'between' }> {
  if (hold === null) return allowed;
  const end = hold.until?.getTime() ?? endOfRunning ?? allowed.from;
  return { ...allowed, from: Math.max(allowed.from, end), held: hold.text };
}

const hours = (milliseconds: number): string => `${Math.round((milliseconds / HOUR) * 100) / 100} h`;

/** The newest start of the last `durationMs`: the one that stays open longest, where occurrences overlap. */
function runningSince(schedule: Schedule, now: Date, durationMs: number): Date | null {
  let newest: Date | null = null;
  let start = schedule.nextAfter(new Date(now.getTime() - durationMs));
  while (start !== null && start <= now) {
    newest = start;
    start = schedule.nextAfter(start);
  }
  return newest;
}

/** The inputs for deciding whether one occurrence of the window has room for the work; times in milliseconds. */
interface Question {
  now: number;
  durationMs: number;
  cutoffMs: number;
  needMs: number;
  allowed: Extract<Allowed, { kind: 'between' }>;
}

/**
 * The first moment at which work of `needMs` may start in the occurrence that begins at `start`; null if there is none.
 */
function entryInto(start: number, question: Question): { at: number; closes: number; lastStart: number } | null {
  const { allowed, now, durationMs, cutoffMs, needMs } = question;
  const at = Math.max(start, now, allowed.from);
  // A calendar that closes later says nothing about the time after: it ends the occurrence, and blocks none beyond it.
  const end = start + durationMs;
  const closes = at < allowed.until ? Math.min(end, allowed.until) : end;
  const lastStart = closes - cutoffMs;
  return at < closes && at + needMs <= lastStart ? { at, closes, lastStart } : null;
}

/** The first moment after now at which an occurrence takes the work; `running` is the one that is on, if any. */
function opensAt(schedule: Schedule, running: Date | null, question: Question): Date | null {
  const entry = running === null ? null : entryInto(running.getTime(), question);
  if (entry !== null) return new Date(entry.at);
  // A start just before a calendar opens may still be running then.
  let start = schedule.nextAfter(new Date(Math.max(question.now, question.allowed.from - question.durationMs)));
  for (let tries = 0; start !== null && tries < LONGEST_SEARCH; tries += 1) {
    const later = entryInto(start.getTime(), question);
    if (later !== null) return new Date(later.at);
    start = schedule.nextAfter(start);
  }
  return null;
}

function whyClosed(window: Window, running: Date | null, question: Question): string {
  const { closed, closing, held } = question.allowed;
  if (held !== null) return held;
  if (closed.length > 0) return `Change Calendar ${closed.join(', ')} is CLOSED`;
  if (running === null) return `outside the window ${window.schedule} ${window.timezone}`;
  const end = closing === null ? 'the cutoff' : `the cutoff or Change Calendar ${closing} closes`;
  return `too little is left of the window: the work needs ${hours(question.needMs)} before ${end}`;
}

/**
 * Decides whether work that needs `needSeconds` may start at `now`: it must end by the cutoff, `closesAt - cutoffHours`.
 * `lastStartAt` is that cutoff. An occurrence is half-open, [start, start + duration). A calendar that is OPEN until a
 * known moment ends the occurrence there; after that moment it has to be asked again. A hold closes every window until
 * its end, and without an end until the next occurrence.
 * @throws InvalidRequest when the window's schedule cannot be read
 */
export function decideWindow(
  window: Window,
  now: Date,
  options: { calendars: CalendarState[]; needSeconds: number; hold?: WindowHold | null },
): WindowDecision {
  const schedule = scheduleOf(window);
  const durationMs = window.durationHours * HOUR;
  const cutoffMs = window.cutoffHours * HOUR;
  const needMs = options.needSeconds * 1000;
  if (!(needMs >= 0)) throw new InvalidRequest(`needSeconds must be 0 or more, but it is ${options.needSeconds}.`);
  if (needMs > durationMs - cutoffMs)
    return {
      kind: 'never',
      reason: `the work needs ${hours(needMs)}, the window has ${hours(durationMs - cutoffMs)} before its cutoff`,
    };
  const byCalendars = allowedByCalendars(window, now, options.calendars);
  if (byCalendars.kind === 'never') return byCalendars;
  const running = runningSince(schedule, now, durationMs);
  const allowed = allowedUnderHold(byCalendars, options.hold ?? null, running && running.getTime() + durationMs);
  const question = { now: now.getTime(), durationMs, cutoffMs, needMs, allowed };
  const entry = running === null ? null : entryInto(running.getTime(), question);
  if (running !== null && entry !== null && entry.at === question.now) {
    const reason = `inside the window ${window.schedule} ${window.timezone} that started at ${running.toISOString()}`;
    return { kind: 'open', closesAt: new Date(entry.closes), lastStartAt: new Date(entry.lastStart), reason };
  }
  const reason = whyClosed(window, running, question);
  const opens = opensAt(schedule, running, question);
  if (opens !== null) return { kind: 'closed', opensAt: opens, reason };
  return { kind: 'never', reason: `${reason}, and ${window.schedule} ${window.timezone} does not start again` };
}
