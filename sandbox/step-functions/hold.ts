import type { Clock } from '../clock.ts';

/** Keeps virtual time still between the waits of one line of work. */
export class Hold {
  readonly #clock: Clock;
  #release: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  take(): void {
    if (this.#release) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#release = resolve;
    void this.#clock.busy(() => promise);
  }

  release(): void {
    this.#release?.();
    this.#release = null;
  }

  /** Lets time pass until `work` is done. */
  async wait<T>(work: () => Promise<T>): Promise<T> {
    const waiting = work();
    this.release();
    try {
      return await waiting;
    } finally {
      this.take();
    }
  }
}
