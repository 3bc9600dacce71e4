import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RealClock, VirtualClock } from '../clock.ts';

const START = new Date('2026-11-20T22:00:00Z');

function virtual(): { clock: VirtualClock; errors: unknown[] } {
  const errors: unknown[] = [];
  return { clock: new VirtualClock(START, (error) => errors.push(error)), errors };
}

const later = (milliseconds: number) => new Date(START.getTime() + milliseconds);
const passed = (clock: VirtualClock) => clock.now().getTime() - START.getTime();

describe('virtual time', () => {
  test('runs timers by their time, and those of one moment in the order in which they were set', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: -5, max: 50 }), { maxLength: 40 }), async (delays) => {
        const { clock } = virtual();
        const fired: { delay: number; index: number; at: number }[] = [];
        for (const [index, delay] of delays.entries())
          clock.at(later(delay), () => {
            fired.push({ delay: Math.max(delay, 0), index, at: passed(clock) });
          });
        await clock.sleep(60);
        expect(fired).toHaveLength(delays.length);
        for (const { delay, at } of fired) expect(at).toBe(delay);
        for (const [place, one] of fired.entries()) {
          const next = fired[place + 1];
          if (next) expect(next.at > one.at || (next.at === one.at && next.index > one.index)).toBe(true);
        }
      }),
      { numRuns: 50 },
    );
  });

  test('costs nothing: a wait of a year is over at once', async () => {
    const { clock } = virtual();
    await clock.sleep(365 * 86_400_000);
    expect(clock.now()).toEqual(new Date('2027-11-20T22:00:00Z'));
  });

  test('stands still while anything is busy, however many are', async () => {
    const { clock } = virtual();
    const fired: string[] = [];
    clock.at(later(1_000), () => {
      fired.push('timer');
    });
    const turns = async (count: number) => {
      for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    };
    await Promise.all([clock.busy(() => turns(5)), clock.busy(() => turns(20))]).then(() => fired.push('busy'));
    await turns(10);
    expect(fired).toEqual(['busy', 'timer']);
  });

  test('moves on after busy work that failed', async () => {
    const { clock } = virtual();
    await expect(clock.busy(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await clock.sleep(1);
    expect(passed(clock)).toBe(1);
  });

  test('a timer that is cancelled does not fire; the others do', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 20 }), async (cancelled) => {
        const { clock } = virtual();
        const fired: number[] = [];
        const timers = cancelled.map((_, index) => clock.at(later(index % 3), () => void fired.push(index)));
        for (const [index, cancel] of cancelled.entries()) if (cancel) timers[index]?.cancel();
        await clock.sleep(10);
        expect(fired.sort((a, b) => a - b)).toEqual(cancelled.flatMap((cancel, index) => (cancel ? [] : [index])));
      }),
      { numRuns: 30 },
    );
  });

  test('skip runs the timers that are due, also those that they set, and no later ones', async () => {
    const { clock } = virtual();
    const fired: string[] = [];
    await clock.busy(async () => {
      clock.at(later(10), () => {
        fired.push('first');
        clock.at(later(20), () => void fired.push('second'));
        clock.at(later(40), () => void fired.push('beyond'));
      });
      await clock.skip(30);
      expect(fired).toEqual(['first', 'second']);
      expect(passed(clock)).toBe(30);
    });
  });

  test('nothing fires after stop, nor what is set after it', async () => {
    const { clock } = virtual();
    const fired: string[] = [];
    clock.at(later(1), () => void fired.push('before'));
    clock.stop();
    clock.at(later(1), () => void fired.push('after'));
    await clock.skip(100);
    expect(fired).toEqual([]);
  });

  test('a sleep that is aborted rejects with the reason, and leaves no timer', async () => {
    const { clock } = virtual();
    const controller = new AbortController();
    const hold = clock.busy(async () => {
      const sleep = clock.sleep(1_000, controller.signal);
      controller.abort(new Error('enough'));
      await expect(sleep).rejects.toThrow('enough');
    });
    await hold;
    await expect(clock.sleep(1, controller.signal)).rejects.toThrow('enough');
    await clock.sleep(5);
    expect(passed(clock)).toBe(5);
  });

  test('an error of a timer is reported, and the next timer still fires', async () => {
    const { clock, errors } = virtual();
    clock.at(later(1), () => {
      throw new Error('broken');
    });
    await clock.sleep(2);
    expect(errors).toEqual([new Error('broken')]);
  });
});

describe('real time', () => {
  function real() {
    const errors: unknown[] = [];
    return { clock: new RealClock((error) => errors.push(error)), errors };
  }

  test('is the machine’s: a short sleep lasts as long as it says', async () => {
    const { clock } = real();
    const before = clock.now().getTime();
    await clock.sleep(30);
    // setTimeout may be a millisecond early.
    expect(clock.now().getTime() - before).toBeGreaterThanOrEqual(29);
  });

  test('aborts, cancels and stops', async () => {
    const { clock } = real();
    const fired: string[] = [];
    const controller = new AbortController();
    const sleep = clock.sleep(60_000, controller.signal);
    controller.abort(new Error('enough'));
    await expect(sleep).rejects.toThrow('enough');
    clock.at(new Date(Date.now() + 5), () => void fired.push('cancelled')).cancel();
    await clock.sleep(20);
    clock.at(new Date(Date.now() + 5), () => void fired.push('stopped'));
    clock.stop();
    clock.at(new Date(), () => void fired.push('set after stop'));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(fired).toEqual([]);
  });

  test('a moment further away than setTimeout can count does not fire at once', async () => {
    const { clock } = real();
    const fired: string[] = [];
    const timer = clock.at(new Date(Date.now() + 60 * 86_400_000), () => void fired.push('much too soon'));
    await clock.sleep(10);
    timer.cancel();
    expect(fired).toEqual([]);
  });

  test('an error of a timer is reported', async () => {
    const { clock, errors } = real();
    clock.at(new Date(), () => Promise.reject(new Error('broken')));
    await clock.sleep(10);
    expect(errors).toEqual([new Error('broken')]);
  });

  test('cannot be skipped', async () => {
    await expect(real().clock.skip()).rejects.toThrow('a real clock cannot skip');
  });
});
