import { parseSchedule, type Schedule } from './schedule.ts';
import type { Settings } from './settings.ts';
import type { Window } from './window.ts';

type Stagger = Settings['stagger'];

/** A moment at which migrations start, in the occurrence of a window that starts at `windowStart`. */
export interface Slot {
  at: Date;
  windowStart: Date;
}

const HOUR = 3_600_000;
const MINUTE = 60_000;
// The largest share of a window that its last slot leaves before the cutoff: a change with its rollback takes a small
// cluster less, and a large one waits for its next window by itself.
const ROOM = HOUR / 2;
// A year of days: a window that is full for longer needs a person.
const MOST_WINDOWS = 400;

/** Milliseconds from one slot to the next, and from a window's start to its last slot. */
function steps(window: Window, { minutes }: Stagger): { step: number; last: number } {
  const step = minutes * MINUTE;
  const usable = (window.durationHours - window.cutoffHours) * HOUR - ROOM;
  return { step, last: Math.floor(usable / step) * step };
}

const scheduleOf = (window: Window): Schedule => parseSchedule(window.schedule, window.timezone);

/** The slot that begins at this very moment; null where the window has none. */
export function slotAt(window: Window, stagger: Stagger, at: Date): Slot | null {
  const { step, last } = steps(window, stagger);
  const schedule = scheduleOf(window);
  let start = schedule.nextAfter(new Date(at.getTime() - last - 1));
  while (start !== null && start <= at) {
    if ((at.getTime() - start.getTime()) % step === 0) return { at, windowStart: start };
    start = schedule.nextAfter(start);
  }
  return null;
}

/** Which slots are to be had. */
export interface Search {
  /** Windows that start up to this moment are not looked at. */
  after: Date;
  isTaken(at: Date): boolean;
  isCancelled(windowStart: Date): boolean;
}

/**
 * The first slot of the first window that has one: a window's slots begin with its start, `stagger.minutes` apart, and
 * end half an hour before its cutoff. null when 400 windows have none, or no window starts any more.
 */
export function freeSlot(window: Window, stagger: Stagger, { after, isTaken, isCancelled }: Search): Slot | null {
  const { step, last } = steps(window, stagger);
  const schedule = scheduleOf(window);
  let windowStart = schedule.nextAfter(after);
  for (let looked = 0; windowStart !== null && looked < MOST_WINDOWS; looked += 1) {
    for (let offset = 0; offset <= last && !isCancelled(windowStart); offset += step) {
      const at = new Date(windowStart.getTime() + offset);
      if (!isTaken(at)) return { at, windowStart };
    }
    windowStart = schedule.nextAfter(windowStart);
  }
  return null;
}
