/** Something that will happen at a moment of the sandbox's time. */
export interface Timer {
  cancel(): void;
}

export interface TimerOptions {
  readonly background?: boolean;
}

/**
 * The sandbox's time. Virtual: it stands still while anything is busy, and then jumps to the next timer, so
 * a wait of nine hours costs nothing. Real: it is the machine's clock.
 */
export interface Clock {
  readonly kind: 'virtual' | 'real';
  now(): Date;
  /**
   * Runs `run` at `time` (at once if that has passed), once. Time stands still while it runs. A background timer does
   * not advance virtual time. It fires when another timer passes its moment. Otherwise recurring schedules would keep
   * the clock running for ever.
   */
  at(time: Date, run: () => void | Promise<void>, options?: TimerOptions): Timer;
  /** Resolves after `milliseconds` of the sandbox's time, or rejects with the signal's reason. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** Virtual time does not move while `work` runs. */
  busy<T>(work: () => Promise<T>): Promise<T>;
  /** Virtual time only: moves on by `milliseconds` and runs what falls due. Real time: throws. */
  skip(milliseconds: number): Promise<void>;
  /** Virtual time only: resolves when nothing is busy and no timer is left but in the background. Real time: rejects. */
  idle(): Promise<void>;
  /** Stops all timers, also those that are set later. */
  stop(): void;
}

interface Entry {
  time: number;
  order: number;
  background: boolean;
  run: () => void | Promise<void>;
}

/** A clock whose time is moved only by its own timers. */
export class VirtualClock implements Clock {
  readonly kind = 'virtual';
  #now: number;
  #order = 0;
  #entries: Entry[] = [];
  #busy = 0;
  #scheduled = false;
  #stopped = false;
  #waiting: (() => void)[] = [];
  readonly #onError: (error: unknown) => void;

  /** `onError` gets the errors of timers, because a timer has no caller. */
  constructor(start: Date, onError: (error: unknown) => void) {
    this.#now = start.getTime();
    this.#onError = onError;
  }

  now(): Date {
    return new Date(this.#now);
  }

  at(time: Date, run: () => void | Promise<void>, { background = false }: TimerOptions = {}): Timer {
    if (this.#stopped) return { cancel: () => undefined };
    this.#order += 1;
    const entry: Entry = { time: Math.max(time.getTime(), this.#now), order: this.#order, background, run };
    this.#entries.push(entry);
    this.#consider();
    return { cancel: () => this.#remove(entry) };
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.at(new Date(this.#now + milliseconds), () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      const abort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  async busy<T>(work: () => Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await work();
    } finally {
      this.#busy -= 1;
      this.#consider();
    }
  }

  skip(milliseconds: number): Promise<void> {
    return this.busy(async () => {
      const end = this.#now + milliseconds;
      for (let entry = this.#next(); entry && entry.time <= end; entry = this.#next()) await this.#fire(entry);
      this.#now = Math.max(this.#now, end);
    });
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#stopped) this.#settle();
      else this.#consider();
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#entries = [];
    this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #remove(entry: Entry): void {
    const index = this.#entries.indexOf(entry);
    if (index >= 0) this.#entries.splice(index, 1);
  }

  #next(): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries)
      if (!first || entry.time < first.time || (entry.time === first.time && entry.order < first.order)) first = entry;
    return first;
  }

  async #fire(entry: Entry): Promise<void> {
    this.#remove(entry);
    this.#now = Math.max(this.#now, entry.time);
    try {
      await entry.run();
    } catch (error) {
      this.#onError(error);
    }
  }

  /**
   * Time moves two event-loop turns later, so that work started by a finished wait can call `busy` first.
   */
  #consider(): void {
    if (this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    setImmediate(() =>
      setImmediate(() => {
        this.#scheduled = false;
        if (this.#busy > 0 || this.#stopped) return;
        const entry = this.#next();
        if (!entry || this.#entries.every(({ background }) => background)) return this.#settle();
        void this.busy(() => this.#fire(entry));
      }),
    );
  }
}

/** The machine's own clock. */
export class RealClock implements Clock {
  readonly kind = 'real';
  readonly #timers = new Set<NodeJS.Timeout>();
  #stopped = false;
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  now(): Date {
    return new Date();
  }

  at(time: Date, run: () => void | Promise<void>): Timer {
    if (this.#stopped) return { cancel: () => undefined };
    const left = time.getTime() - Date.now();
    // setTimeout overflows past 2^31-1 ms and would fire at once.
    const longest = 2 ** 31 - 1;
    const handle = setTimeout(
      () => {
        this.#timers.delete(handle);
        if (left > longest) {
          inner = this.at(time, run);
          return;
        }
        Promise.resolve()
          .then(run)
          .catch((error: unknown) => this.#onError(error));
      },
      Math.min(Math.max(left, 0), longest),
    );
    let inner: Timer | undefined;
    this.#timers.add(handle);
    return {
      cancel: () => {
        clearTimeout(handle);
        this.#timers.delete(handle);
        inner?.cancel();
      },
    };
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const timer = this.at(new Date(Date.now() + milliseconds), () => {
        signal?.removeEventListener('abort', abort);
        resolve();
      });
      const abort = () => {
        timer.cancel();
        reject(signal?.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
    });
  }

  busy<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }

  skip(): Promise<void> {
    return Promise.reject(new Error('a real clock cannot skip: start the sandbox with --clock virtual'));
  }

  idle(): Promise<void> {
    return Promise.reject(new Error('a real clock is never idle: start the sandbox with --clock virtual'));
  }

  stop(): void {
    this.#stopped = true;
    for (const handle of this.#timers) clearTimeout(handle);
    this.#timers.clear();
  }
}
