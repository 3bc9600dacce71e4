import type { Timer } from '../../clock.ts';
import type { Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import { after } from '../latency.ts';
import type { RetryPolicy } from '../retry.ts';
import { isTimezone, nextMomentOf } from './expressions.ts';

export interface ScheduleTarget {
  readonly Arn: string;
  readonly RoleArn: string;
  readonly Input?: string | undefined;
  readonly DeadLetterConfig?: { readonly Arn?: string | undefined } | undefined;
  readonly RetryPolicy?: RetryPolicy | undefined;
}

/** A schedule as in CreateSchedule and UpdateSchedule; `Target` keeps members that the sandbox only stores. */
export interface ScheduleDefinition {
  readonly name: string;
  readonly group: string;
  readonly expression: string;
  readonly timezone: string;
  readonly target: ScheduleTarget;
  readonly window: { readonly Mode: string; readonly MaximumWindowInMinutes?: number | undefined };
  readonly state: 'ENABLED' | 'DISABLED';
  readonly description: string | undefined;
  readonly startDate: Date | undefined;
  readonly endDate: Date | undefined;
  readonly actionAfterCompletion: 'NONE' | 'DELETE';
  readonly clientToken: string | undefined;
}

export interface Schedule extends ScheduleDefinition {
  readonly arn: string;
  readonly createdAt: Date;
  readonly modifiedAt: Date;
}

/** A schedule of every five minutes must not keep a sandbox busy that skips a quarter of a year. */
export const MOST_RECURRENCES = 100;

/**
 * The Region's schedules. An `at()` fires once on the region's clock (at once if its moment has passed) and then, if it
 * asks for that, is deleted. `cron()` and `rate()` fire while something else makes virtual time go on, for alone they
 * would never let it come to rest, and at most `MOST_RECURRENCES` times. A rate counts from its start date, without one
 * from its creation: as if it had last fired then.
 */
export class Schedules {
  readonly #region: Region;
  readonly #fire: (schedule: Schedule) => Promise<void>;
  readonly #schedules = new Map<string, Schedule>();
  readonly #timers = new Map<string, Timer>();
  readonly #groups = new Map<string, { createdAt: Date }>();

  /** `fire` calls the target; what it throws goes to the clock's own error handler. */
  constructor(region: Region, fire: (schedule: Schedule) => Promise<void>) {
    this.#region = region;
    this.#fire = fire;
    this.#groups.set('default', { createdAt: region.clock.now() });
  }

  list(): Schedule[] {
    return [...this.#schedules.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  }

  groups(): { name: string; createdAt: Date }[] {
    return [...this.#groups].map(([name, { createdAt }]) => ({ name, createdAt }));
  }

  /** Throws ConflictException if there is one of this name, unless it came with the same client token. */
  create(definition: ScheduleDefinition): Schedule {
    this.requireGroup(definition.group);
    const existing = this.#schedules.get(keyOf(definition));
    if (existing) {
      if (existing.clientToken !== undefined && existing.clientToken === definition.clientToken) return existing;
      throw conflict(`Schedule ${definition.name} already exists.`);
    }
    return this.#put(definition, this.#region.clock.now());
  }

  /** Replaces the whole definition. */
  update(definition: ScheduleDefinition): Schedule {
    return this.#put(definition, this.find(definition.group, definition.name).createdAt);
  }

  /** Throws ResourceNotFoundException. */
  find(group: string, name: string): Schedule {
    const schedule = this.#schedules.get(keyOf({ group, name }));
    if (schedule) return schedule;
    throw new ServiceError('ResourceNotFoundException', `Schedule ${name} does not exist.`, 404);
  }

  delete(group: string, name: string): void {
    const key = keyOf(this.find(group, name));
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    this.#schedules.delete(key);
  }

  createGroup(name: string): void {
    if (this.#groups.has(name)) throw conflict(`Schedule group ${name} already exists.`);
    this.#groups.set(name, { createdAt: this.#region.clock.now() });
  }

  /** Deletes the group's schedules with it. */
  deleteGroup(name: string): void {
    this.requireGroup(name);
    if (name === 'default')
      throw new ServiceError('ValidationException', 'The default schedule group cannot be deleted.');
    for (const schedule of this.list()) if (schedule.group === name) this.delete(name, schedule.name);
    this.#groups.delete(name);
  }

  requireGroup(name: string): void {
    if (!this.#groups.has(name))
      throw new ServiceError('ResourceNotFoundException', `Schedule group ${name} does not exist.`, 404);
  }

  #put(definition: ScheduleDefinition, createdAt: Date): Schedule {
    const { account, name: region, clock } = this.#region;
    const recurrence = recurrenceOf(definition);
    const key = keyOf(definition);
    const arn = `arn:aws:scheduler:${region}:${account}:schedule/${key}`;
    const schedule: Schedule = { ...definition, arn, createdAt, modifiedAt: clock.now() };
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    this.#schedules.set(key, schedule);
    if (definition.state === 'DISABLED') return schedule;
    if (recurrence.kind === 'once') this.#arm(key, schedule, recurrence.moment);
    else this.#recur(key, schedule, recurrence.next, MOST_RECURRENCES);
    return schedule;
  }

  /** Calls the target now, independent of the schedule's time. Throws ResourceNotFoundException. */
  fire(group: string, name: string): Promise<void> {
    return this.#fire(this.find(group, name));
  }

  #recur(key: string, schedule: Schedule, next: NextMoment, left: number): void {
    const { clock } = this.#region;
    const due = next(clock.now(), schedule.createdAt);
    if (left === 0 || !due || (schedule.endDate && due > schedule.endDate)) return;
    const fire = async () => {
      this.#recur(key, schedule, next, left - 1);
      await this.#fire(schedule);
    };
    this.#timers.set(key, clock.at(due, fire, { background: true }));
  }

  #arm(key: string, schedule: Schedule, moment: Date): void {
    const { clock, random } = this.#region;
    const flexible = schedule.window.Mode === 'FLEXIBLE' ? (schedule.window.MaximumWindowInMinutes ?? 0) * 60_000 : 0;
    const due = new Date(
      Math.max(moment.getTime(), after(this.#region, 0).getTime()) + Math.floor(random() * flexible),
    );
    const timer = clock.at(due, async () => {
      this.#timers.delete(key);
      if (schedule.actionAfterCompletion === 'DELETE') this.#schedules.delete(key);
      await this.#fire(schedule);
    });
    this.#timers.set(key, timer);
  }
}

/** The first moment after `now`; null when there is none. */
type NextMoment = (now: Date, createdAt: Date) => Date | null;
type Recurrence = { kind: 'once'; moment: Date } | { kind: 'recurring'; next: NextMoment };

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

/** Throws ValidationException for what is neither `at()` nor `cron()` nor `rate()`. */
function recurrenceOf({ expression, timezone, startDate }: ScheduleDefinition): Recurrence {
  if (!isTimezone(timezone)) throw invalid(`Invalid timezone ${timezone}.`);
  const [, count, unit = ''] = /^rate\(([1-9]\d*) (minute|hour|day)s?\)$/.exec(expression) ?? [];
  if (count !== undefined) return every(Number(count) * (UNIT_MS[unit] ?? 0), startDate);
  try {
    const nextAfter = nextMomentOf(expression, timezone);
    const moment = nextAfter(new Date(0));
    if (moment === null) throw new RangeError('it never comes');
    if (expression.startsWith('at(')) return { kind: 'once', moment };
    const later = (now: Date) => new Date(Math.max(now.getTime(), startDate?.getTime() ?? 0));
    return { kind: 'recurring', next: (now) => nextAfter(later(now)) };
  } catch {
    throw invalid(`Invalid Schedule Expression ${expression}.`);
  }
}

function every(milliseconds: number, startDate: Date | undefined): Recurrence {
  const next: NextMoment = (now, createdAt) => {
    if (startDate && startDate > now) return startDate;
    const start = (startDate ?? createdAt).getTime();
    const periods = Math.floor((now.getTime() - start) / milliseconds) + 1;
    return new Date(start + periods * milliseconds);
  };
  return { kind: 'recurring', next };
}

function keyOf({ group, name }: { group: string; name: string }): string {
  return `${group}/${name}`;
}

function conflict(message: string): ServiceError {
  return new ServiceError('ConflictException', message, 409);
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}
