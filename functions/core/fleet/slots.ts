import { parseSchedule, type Schedule } from '../window/schedule.ts';
import type { Window } from '../window/window.ts';
import type { Settings } from './settings.ts';

type Stagger = Settings['stagger'];

/** A moment at which migrations start, in the occurrence of a window that starts at `windowStart`. */
export interface Slot {
  at: Date;
  windowStart: Date;
}

/** A slot with what the schedule for it needs. */
export interface PlannedSlot extends Slot {
  /** Name of the window, and its zone. */
  window: string;
  timezone: string;
  /** Input of the target that starts the execution, JSON text. */
  input: string;
}

const HOUR = 3_600_000;
const MINUTE = 60_000;
// The largest share of a window that its last slot leaves before the cutoff: a change with its rollback takes a small
// cluster less, and a large one waits for its next window by itself.
const ROOM = HOUR / 2;
// A year of days: a window that is full for longer needs a person.
const MOST_WINDOWS = 400;

/** One occurrence of a window; the slots before `next` are full. */
interface Occurrence {
  start: number;
  next: number;
}

/** What a search for slots depends on. */
export interface Search {
  stagger: Stagger;
  /** Windows that start up to this moment are not looked at. */
  after: Date;
  /**
   * Whether as many migrations as may start at once are planned for this moment (milliseconds since 1970). A full slot
   * is asked again only after `reopen`.
   */
  isFull(at: number): boolean;
}

/**
 * The slots of one window, for the plan of a whole fleet: a window's slots begin with its start, `stagger.minutes`
 * apart, and end half an hour before its cutoff. No slot that was found full is looked at again, and no start is
 * computed twice: thousands of clusters look for slots one after the other.
 */
export class WindowSlots {
  readonly #schedule: Schedule;
  readonly #search: Search;
  /** Milliseconds from one slot to the next, and from a window's start to its last slot. */
  readonly #step: number;
  readonly #last: number;
  readonly #occurrences: Occurrence[] = [];
  /** No occurrence before this one has room. */
  #first = 0;
  /** Answers of `at`, by moment (cache). */
  readonly #known = new Map<number, Slot | null>();

  constructor(window: Window, search: Search) {
    this.#schedule = parseSchedule(window.schedule, window.timezone);
    this.#search = search;
    this.#step = search.stagger.minutes * MINUTE;
    const usable = (window.durationHours - window.cutoffHours) * HOUR - ROOM;
    this.#last = Math.floor(usable / this.#step) * this.#step;
  }

  /**
   * The first slot with room in the first window that has one and is not cancelled; null when 400 windows have none, or
   * no window starts any more.
   */
  free(isCancelled: (windowStart: Date) => boolean): Slot | null {
    for (let index = this.#first; ; index += 1) {
      const occurrence = this.#occurrence(index);
      if (occurrence === null) return null;
      const at = this.#roomIn(occurrence);
      if (at === null) {
        if (index === this.#first) this.#first += 1;
        continue;
      }
      const windowStart = new Date(occurrence.start);
      if (!isCancelled(windowStart)) return { at: new Date(at), windowStart };
    }
  }

  /** The slot that begins at this very moment; null where the window has none. */
  at(moment: Date): Slot | null {
    const known = this.#known.get(moment.getTime());
    if (known !== undefined) return known;
    const slot = this.#slotAt(moment);
    this.#known.set(moment.getTime(), slot);
    return slot;
  }

  /** Looks at the slot of this moment again: it may have room now. */
  reopen(at: number): void {
    for (let index = this.#startedBy(at) - 1; index >= 0; index -= 1) {
      const occurrence = this.#occurrences[index];
      // Starts ascend: those before this one are further away.
      if (occurrence === undefined || occurrence.start + this.#last < at) return;
      const offset = at - occurrence.start;
      if (offset % this.#step !== 0) continue;
      occurrence.next = Math.min(occurrence.next, offset);
      this.#first = Math.min(this.#first, index);
    }
  }

  #roomIn(occurrence: Occurrence): number | null {
    const { start } = occurrence;
    while (occurrence.next <= this.#last && this.#search.isFull(start + occurrence.next)) occurrence.next += this.#step;
    return occurrence.next <= this.#last ? start + occurrence.next : null;
  }

  #occurrence(index: number): Occurrence | null {
    const known = this.#occurrences[index];
    if (known !== undefined) return known;
    if (index >= MOST_WINDOWS) return null;
    const before = this.#occurrences.at(-1)?.start;
    const start = this.#schedule.nextAfter(before === undefined ? this.#search.after : new Date(before));
    if (start === null) return null;
    const next = { start: start.getTime(), next: 0 };
    this.#occurrences.push(next);
    return next;
  }

  /** How many of the known occurrences start up to a moment. */
  #startedBy(at: number): number {
    let low = 0;
    let high = this.#occurrences.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#occurrences[middle]?.start ?? 0) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #slotAt(at: Date): Slot | null {
    let start = this.#schedule.nextAfter(new Date(at.getTime() - this.#last - 1));
    while (start !== null && start <= at) {
      if ((at.getTime() - start.getTime()) % this.#step === 0) return { at, windowStart: start };
      start = this.#schedule.nextAfter(start);
    }
    return null;
  }
}

/** How many schedules there are at each moment, and where there is room for more: for one plan. */
export class SlotBook {
  readonly #taken = new Map<number, number>();
  /** How many of them are known to stay. */
  readonly #staying = new Map<number, number>();
  readonly #windows = new Map<string, WindowSlots>();
  readonly #search: Search;
  readonly #atOnce: number;

  /** Windows that start up to `after` are not looked at. */
  constructor(stagger: Stagger, after: Date) {
    this.#atOnce = stagger.atOnce;
    this.#search = { stagger, after, isFull: (at) => this.#count(at) >= this.#atOnce };
  }

  /** The slots of the window of this name. */
  of(name: string, window: Window): WindowSlots {
    const known = this.#windows.get(name);
    if (known !== undefined) return known;
    const slots = new WindowSlots(window, this.#search);
    this.#windows.set(name, slots);
    return slots;
  }

  /** `stays`: false for a schedule that is yet to be decided about. */
  take(at: Date, { stays }: { stays: boolean }): void {
    this.#taken.set(at.getTime(), this.#count(at.getTime()) + 1);
    if (stays) this.stay(at);
  }

  /** A schedule that is taken already stays. */
  stay(at: Date): void {
    this.#staying.set(at.getTime(), (this.#staying.get(at.getTime()) ?? 0) + 1);
  }

  release(at: Date): void {
    const moment = at.getTime();
    this.#taken.set(moment, this.#count(moment) - 1);
    if (!this.#search.isFull(moment)) for (const slots of this.#windows.values()) slots.reopen(moment);
  }

  /** True if fewer schedules than may start at once are known to stay at this moment. */
  mayStay(at: Date): boolean {
    return (this.#staying.get(at.getTime()) ?? 0) < this.#atOnce;
  }

  #count(at: number): number {
    return this.#taken.get(at) ?? 0;
  }
}
