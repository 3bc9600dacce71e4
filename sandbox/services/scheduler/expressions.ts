import { Cron } from 'croner';

/** The first moment of a schedule after this one; null after its last moment. */
export type NextMoment = (after: Date) => Date | null;

const DAY_MS = 86_400_000;
/** Local times in a row that clocks skip: no zone has skipped more than a day, of 1,440 minutes. */
const MOST_SKIPPED = 1_500;
const LAST_YEAR = 2199;
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** The clocks of an IANA zone; local times are milliseconds as if they were UTC. RangeError: no such zone. */
function clocksOf(timeZone: string) {
  // Offsets such as +02:00 are zones for JavaScript, not for EventBridge Scheduler.
  if (!/^[A-Za-z]/.test(timeZone)) throw new RangeError(`${timeZone} is not a zone`);
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'medium' });
  const local = (instant: number): number => Date.parse(`${format.format(instant).replace(' ', 'T')}Z`);
  return {
    local,
    /** Null where clocks skip this time, the first moment where they show it twice. */
    instant(time: number): number | null {
      const candidates = [time - DAY_MS, time + DAY_MS].map((near) => time - (local(near) - near));
      const found = candidates.filter((instant) => local(instant) === time);
      return found.length === 0 ? null : Math.min(...found);
    },
  };
}

/** AWS's six fields as croner's seven: it has seconds, and its days of the week are numbers, 1 for SUN. */
function cronTimes(body: string): Cron {
  const fields = body.trim().split(/\s+/);
  const [minutes = '', hours = '', days = '', months = '', weekdays = '', years = ''] = fields;
  const isOpen = (field: string) => field === '?' || field === '*';
  if (fields.length !== 6 || (days === '?' && weekdays === '?') || (!isOpen(days) && !isOpen(weekdays)))
    throw new RangeError('six fields, of days of the month and of the week one open');
  const numbers = weekdays
    .toUpperCase()
    .replaceAll(/[A-Z]{3}/g, (name) => String(WEEKDAYS.indexOf(name) + 1))
    .replaceAll(/\b([1-7])-([1-7])\b/g, (range, from, to) => (from > to ? `${from}-7,1-${to}` : range))
    .replace(/^L$/, '7');
  const pattern = ['0', minutes, hours, days.replace('?', '*'), months, numbers.replace('?', '*'), years].join(' ');
  return new Cron(pattern, { timezone: 'UTC', paused: true, mode: '7-part', alternativeWeekdays: true });
}

function cron(body: string, timezone: string): NextMoment {
  const times = cronTimes(body);
  const { local, instant } = clocksOf(timezone);
  return (after) => {
    let time = times.nextRun(new Date(local(after.getTime())));
    for (let skipped = 0; time !== null && time.getUTCFullYear() <= LAST_YEAR && skipped < MOST_SKIPPED; skipped += 1) {
      const moment = instant(time.getTime());
      if (moment !== null && moment > after.getTime()) return new Date(moment);
      time = times.nextRun(time);
    }
    return null;
  };
}

function at(body: string, timezone: string): NextMoment {
  const time = Date.parse(`${body}Z`);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/.test(body) || !new Date(time).toISOString().startsWith(body))
    throw new RangeError('a time that there is');
  const moment = clocksOf(timezone).instant(time);
  if (moment === null) throw new RangeError('a time that clocks show');
  return (after) => (moment > after.getTime() ? new Date(moment) : null);
}

/**
 * Reads `cron(...)` or `at(...)` in an IANA zone. A local time that clocks skip is left out; one that they show twice
 * counts once. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
 *
 * @throws Error for any other text; RangeError for an unknown zone.
 */
export function nextMomentOf(expression: string, timezone: string): NextMoment {
  const [, kind, body = ''] = /^(cron|at)\(([^()]*)\)$/.exec(expression) ?? [];
  if (kind === undefined) throw new RangeError('at(...) or cron(...)');
  return kind === 'at' ? at(body, timezone) : cron(body, timezone);
}

export function isTimezone(name: string): boolean {
  try {
    clocksOf(name);
    return true;
  } catch {
    return false;
  }
}
