import { Cron } from 'croner';

/**
 * The moments at which a window starts. `nextAfter` gives the first start strictly after an instant, null when there is
 * none any more.
 */
export interface Schedule {
  nextAfter(instant: Date): Date | null;
}

/** Why a schedule cannot be used: a rule, to be put behind the name of the field. */
export class ScheduleProblem extends Error {
  override readonly name = 'ScheduleProblem';
}

// A zone change moves local clocks by less than a day, so offsets one day to either side cover both sides of it.
const DAY = 86_400_000;
// EventBridge and SSM read years 1970 to 2199; the search for the next start ends there.
const LAST_YEAR = 2199;
// Local times in a row that are no start: a cron of every minute has 1,440 where a zone skips a day, a yearly one that
// only names skipped times has at most 230 left.
const LONGEST_SEARCH = 2_000;

/** True for an IANA zone that this runtime knows; offsets such as `+02:00` name no zone and have no DST. */
export function isTimezone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false;
  try {
    return formatOf(name).format(0) !== '';
  } catch {
    return false;
  }
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** A zone's format is dear to make and never changes. Throws RangeError for no zone. */
function formatOf(timezone: string): Intl.DateTimeFormat {
  const known = formats.get(timezone);
  if (known) return known;
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: timezone, timeZoneName: 'longOffset' });
  formats.set(timezone, format);
  return format;
}

/** A zone's clocks; local times are milliseconds as if they were UTC. */
interface LocalClock {
  localAt(instant: Date): number;
  /**
   * The instant at which clocks show `local`: null when DST skips it, the first one when DST repeats it, as EventBridge
   * Scheduler does. https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
   */
  instantOf(local: number): Date | null;
}

function localClock(timezone: string): LocalClock {
  const format = formatOf(timezone);
  const offset = (instant: number): number => {
    const name = format.formatToParts(instant).find((part) => part.type === 'timeZoneName')?.value ?? '';
    const match = /^GMT(?:([+-])(\d{2}):(\d{2})(?::(\d{2}))?)?$/.exec(name);
    if (match === null) throw new TypeError(`Intl gave the offset "${name}" for ${timezone}.`);
    const [, sign, hours, minutes, seconds] = match;
    return (
      (sign === '-' ? -1000 : 1000) * (Number(hours ?? 0) * 3600 + Number(minutes ?? 0) * 60 + Number(seconds ?? 0))
    );
  };
  return {
    localAt: (instant) => instant.getTime() + offset(instant.getTime()),
    instantOf(local) {
      const instants = [offset(local - DAY), offset(local + DAY)]
        .map((shift) => local - shift)
        .filter((instant) => instant + offset(instant) === local);
      return instants.length === 0 ? null : new Date(Math.min(...instants));
    },
  };
}

const DAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** AWS's day-of-week field, 1-7 = SUN-SAT, in the numbers of croner's alternativeWeekdays, which are the same. */
function dayOfWeek(field: string): string {
  const numbers = field.toUpperCase().replace(/[A-Z]{3}/g, (name) => {
    const index = DAYS.indexOf(name);
    return index < 0 ? name : String(index + 1);
  });
  return numbers
    .split(',')
    .map((part) => {
      if (part === 'L') return '7';
      for (const [digits] of part.split(/[#/]/)[0]?.matchAll(/\d+/g) ?? [])
        if (Number(digits) < 1 || Number(digits) > 7)
          throw new ScheduleProblem('must have days of the week 1-7 or SUN-SAT, 1 is SUN');
      // FRI-SUN crosses the end of the week: croner wants it in two.
      const range = /^([1-7])-([1-7])$/.exec(part);
      return range?.[1] !== undefined && range[2] !== undefined && range[1] > range[2]
        ? `${range[1]}-7,1-${range[2]}`
        : part;
    })
    .join(',');
}

/** AWS's six fields, or seven with leading seconds, as croner's seven; `?` is `*` where it is allowed. */
function cronFields(body: string): string {
  const fields = body.trim().split(/\s+/);
  if (fields.length !== 6 && fields.length !== 7)
    throw new ScheduleProblem(
      "must have cron's six fields minutes, hours, day-of-month, month, day-of-week, year (or seven, seconds first)",
    );
  const [seconds = '', minutes = '', hours = '', dom = '', month = '', dow = '', year = ''] =
    fields.length === 6 ? ['0', ...fields] : fields;
  if (!/^\d{1,2}$/.test(seconds)) throw new ScheduleProblem('must have one number as seconds');
  if ([minutes, hours, month, year].some((field) => field.includes('?')))
    throw new ScheduleProblem("must have '?' only as day-of-month or day-of-week");
  if (dom === '?' && dow === '?') throw new ScheduleProblem("must not have '?' as day-of-month and day-of-week both");
  const free = (field: string) => field === '?' || field === '*';
  if (!free(dom) && !free(dow))
    throw new ScheduleProblem("must have '?' as day-of-month or as day-of-week: cron cannot demand both");
  if (!/^[\d,\-*/]+$/.test(year)) throw new ScheduleProblem('must have a year of 1970-2199 or *');
  for (const [digits] of year.split('/')[0]?.matchAll(/\d+/g) ?? [])
    if (Number(digits) < 1970 || Number(digits) > LAST_YEAR)
      throw new ScheduleProblem('must have a year of 1970-2199 or *');
  return [seconds, minutes, hours, dom === '?' ? '*' : dom, month, dow === '?' ? '*' : dayOfWeek(dow), year].join(' ');
}

/** Local times as if they were UTC: croner computes on a clock without DST, the zone comes after. */
function cronTimes(body: string): Cron {
  try {
    const options = {
      timezone: 'UTC',
      paused: true,
      mode: '7-part',
      alternativeWeekdays: true,
      sloppyRanges: true,
    } as const;
    return new Cron(cronFields(body), options);
  } catch (error) {
    if (error instanceof ScheduleProblem) throw error;
    const detail = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
    throw new ScheduleProblem(`must be a cron expression that AWS reads (${detail.replace(/[.]$/, '')})`);
  }
}

function cronSchedule(body: string, timezone: string): Schedule {
  const times = cronTimes(body);
  const clock = localClock(timezone);
  const inRange = (local: Date | null) => (local !== null && local.getUTCFullYear() <= LAST_YEAR ? local : null);
  if (inRange(times.nextRun(new Date(-1000))) === null)
    throw new ScheduleProblem('must name a time that exists: this cron never fires');
  return {
    nextAfter(instant) {
      let local = inRange(times.nextRun(new Date(clock.localAt(instant))));
      for (let tries = 0; local !== null && tries < LONGEST_SEARCH; tries += 1) {
        const start = clock.instantOf(local.getTime());
        if (start !== null && start > instant) return start;
        local = inRange(times.nextRun(local));
      }
      return null;
    },
  };
}

function atSchedule(body: string, timezone: string): Schedule {
  const rule = "must be at(yyyy-mm-ddThh:mm:ss), local time in the window's timezone";
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$/.test(body)) throw new ScheduleProblem(rule);
  const local = new Date(`${body}Z`);
  // Date rolls 30 February over into March: only a real date prints as it was read.
  if (Number.isNaN(local.getTime()) || !local.toISOString().startsWith(body)) throw new ScheduleProblem(rule);
  const start = localClock(timezone).instantOf(local.getTime());
  if (start === null) throw new ScheduleProblem(`must name a time that exists: clocks in ${timezone} skip it`);
  return { nextAfter: (instant) => (start > instant ? start : null) };
}

/**
 * Reads `cron(...)` or `at(...)` in an IANA zone. A local time that DST skips is no start; one that it repeats is a
 * start once, at its first occurrence.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/reference-cron-and-rate-expressions.html
 * @throws ScheduleProblem with the rule that is broken
 */
export function parseSchedule(schedule: string, timezone: string): Schedule {
  const match = /^(cron|at|rate)\(([^()]*)\)$/.exec(schedule.trim());
  if (match?.[1] === 'rate') throw new ScheduleProblem('must be cron(...) or at(...): a rate names no hour');
  if (match?.[1] === 'cron') return cronSchedule(match[2] ?? '', timezone);
  if (match?.[1] === 'at') return atSchedule((match[2] ?? '').trim(), timezone);
  throw new ScheduleProblem('must be cron(...) or at(...)');
}

/** The moment of an `at(...)`; null for any other schedule, and for a time that does not exist. */
export function momentOf(expression: string, timezone: string): Date | null {
  if (!expression.startsWith('at(') || !isTimezone(timezone)) return null;
  try {
    return parseSchedule(expression, timezone).nextAfter(new Date(-1));
  } catch (error) {
    if (error instanceof ScheduleProblem) return null;
    throw error;
  }
}

/**
 * The `at(...)` that fires at this moment, whole seconds, in the zone's local time: in UTC where the zone's clocks show
 * that time twice and mean the other one.
 */
export function atExpression(moment: Date, timezone: string): { expression: string; timezone: string } {
  const text = (local: number) => `at(${new Date(local).toISOString().slice(0, 19)})`;
  const expression = text(localClock(timezone).localAt(moment));
  if (momentOf(expression, timezone)?.getTime() === moment.getTime()) return { expression, timezone };
  return { expression: text(moment.getTime()), timezone: 'UTC' };
}
