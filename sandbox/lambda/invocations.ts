import type { Clock } from '../clock.ts';
import type { Faults } from '../faults.ts';
import { serviceModel } from '../wire/catalog.ts';
import { scriptedError } from '../wire/dispatcher.ts';
import { LostReply } from '../wire/error.ts';
import { type InvokeResult, type LambdaHost, unqualified } from './host.ts';

/** One world's invocations by Step Functions and by EventBridge: `Invoke` of `lambda`, for scripted faults. */
export class Invocations {
  readonly #clock: Clock;
  readonly #faults: Faults;
  readonly #host: LambdaHost;
  readonly #running = new Set<Promise<InvokeResult>>();
  /** Of each function that runs: the milliseconds for which it has waited for answers that did not come, or is late. */
  readonly #stalls = new Set<{ milliseconds: number }>();
  #closed = false;

  constructor({ clock, faults, host }: { clock: Clock; faults: Faults; host: LambdaHost }) {
    this.#clock = clock;
    this.#faults = faults;
    this.#host = host;
  }

  /**
   * Invokes a function, by name or by name and version, while time stands still. Throws ServiceError for a scripted
   * fault of the call, whose target is the function in every version, LostReply where the function ran and its answer is
   * lost.
   */
  async invoke(name: string, payload: unknown): Promise<InvokeResult> {
    // A discarded world does nothing more.
    if (this.#closed) return new Promise(() => undefined);
    const input = { FunctionName: unqualified(name).functionName };
    const fault = this.#faults.strike('lambda', 'Invoke', input);
    if (fault) throw scriptedError(serviceModel('lambda'), fault.error);
    const isLost = this.#faults.reply('lambda', 'Invoke', input);
    const stall = { milliseconds: this.#faults.delay('lambda', 'Invoke', input) };
    this.#stalls.add(stall);
    const work = this.#clock.busy(() => this.#host.invoke(name, payload, this.#clock));
    this.#running.add(work);
    try {
      const result = await work;
      if (isLost()) throw new LostReply();
      return stall.milliseconds > 0 ? { ...result, waited: stall.milliseconds } : result;
    } finally {
      this.#running.delete(work);
      this.#stalls.delete(stall);
    }
  }

  /** A call got no answer for so long: time, which stands still while a function runs, passes when it has ended, by who awaits it. */
  stall(milliseconds: number): void {
    for (const stall of this.#stalls) stall.milliseconds += milliseconds;
  }

  /** Resolves when no function runs any more: a function that outlived its world would go on in the next. */
  async close(): Promise<void> {
    this.#closed = true;
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }
}
