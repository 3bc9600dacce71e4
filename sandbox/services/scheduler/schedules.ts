import { isTimezone, parseSchedule, ScheduleProblem } from '../../../functions/core/schedule.ts';
import type { Timer } from '../../clock.ts';
import type { Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import { after } from '../latency.ts';

export interface ScheduleTarget {
  readonly Arn: string;
  readonly RoleArn: string;
  readonly Input?: string | undefined;
}

/** What CreateSchedule and UpdateSchedule say of a schedule; `Target` keeps members that the sandbox only stores. */
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

/**
 * The Region's schedules. An `at()` fires once on the region's clock (at once if its moment has passed) and then, if it
 * asks for that, is deleted. `cron()` and `rate()` are checked and kept but never fire: virtual time would never come to
 * rest.
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
    const moment = momentOf(definition);
    const key = keyOf(definition);
    const arn = `arn:aws:scheduler:${region}:${account}:schedule/${key}`;
    const schedule: Schedule = { ...definition, arn, createdAt, modifiedAt: clock.now() };
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    this.#schedules.set(key, schedule);
    if (moment && definition.state === 'ENABLED') this.#arm(key, schedule, moment);
    return schedule;
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

/** The moment of an `at()`; undefined for a recurring one. Throws ValidationException for what is neither. */
function momentOf({ expression, timezone }: ScheduleDefinition): Date | undefined {
  if (!isTimezone(timezone)) throw invalid(`Invalid timezone ${timezone}.`);
  if (/^rate\([1-9]\d* (minute|hour|day)s?\)$/.test(expression)) return undefined;
  try {
    const first = parseSchedule(expression, timezone).nextAfter(new Date(0));
    return expression.startsWith('at(') ? (first ?? undefined) : undefined;
  } catch (error) {
    if (error instanceof ScheduleProblem)
      throw invalid(`Invalid Schedule Expression ${expression}: it ${error.message}.`);
    throw error;
  }
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
