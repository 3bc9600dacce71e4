import type { Clock } from '../clock.ts';
import type { ServiceId } from '../wire/catalog.ts';
import type { Rate, RateLimit } from './published.ts';

/** A token bucket on the sandbox's clock, full at first. */
export class TokenBucket {
  readonly #rate: Rate;
  readonly #clock: Pick<Clock, 'now'>;
  #tokens: number;
  #filledAt: number;

  constructor(rate: Rate, clock: Pick<Clock, 'now'>) {
    this.#rate = rate;
    this.#clock = clock;
    this.#tokens = rate.size;
    this.#filledAt = clock.now().getTime();
  }

  /** Takes a token if there is one. */
  take(): boolean {
    this.#refill();
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  /** Takes a token in any case; answers the milliseconds until it would have been there. */
  reserve(): number {
    this.#refill();
    this.#tokens -= 1;
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1_000) / this.#rate.perSecond);
  }

  #refill(): void {
    const now = this.#clock.now().getTime();
    const gained = ((now - this.#filledAt) / 1_000) * this.#rate.perSecond;
    this.#tokens = Math.min(this.#rate.size, this.#tokens + gained);
    this.#filledAt = now;
  }
}

/** The rates of calls in a Region, and how many calls met them. */
export class Rates {
  readonly #buckets = new Map<string, TokenBucket>();
  readonly #transitions: TokenBucket | undefined;
  readonly #throttled = new Map<string, number>();

  /** A later limit for an operation takes the place of an earlier one. Without `transitions`, executions never wait. */
  constructor(clock: Pick<Clock, 'now'>, limits: readonly RateLimit[], transitions?: Rate) {
    for (const limit of limits) {
      const bucket = new TokenBucket(limit, clock);
      for (const operation of limit.operations) this.#buckets.set(nameOf(limit.service, operation), bucket);
    }
    this.#transitions = transitions && new TokenBucket(transitions, clock);
  }

  /** Whether this call may go on. */
  admit(service: ServiceId, operation: string): boolean {
    const name = nameOf(service, operation);
    const bucket = this.#buckets.get(name);
    if (!bucket || bucket.take()) return true;
    this.#count(name);
    return false;
  }

  /** Milliseconds until an execution may enter its next state. */
  transition(): number {
    const wait = this.#transitions?.reserve() ?? 0;
    if (wait > 0) this.#count('StateTransition');
    return wait;
  }

  /** Calls that were throttled so far, by `service:Operation`; transitions that waited under `StateTransition`. */
  throttled(): Record<string, number> {
    return Object.fromEntries(this.#throttled);
  }

  #count(name: string): void {
    this.#throttled.set(name, (this.#throttled.get(name) ?? 0) + 1);
  }
}

const nameOf = (service: string, operation: string): string => `${service}:${operation}`;
