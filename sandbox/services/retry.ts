import type { Region } from '../region.ts';
import { ServiceError } from '../wire/error.ts';
import { after } from './latency.ts';

/** How long EventBridge and Scheduler try. */
export interface RetryPolicy {
  readonly MaximumRetryAttempts?: number | undefined;
  readonly MaximumEventAgeInSeconds?: number | undefined;
}

/** A delivery that is not retried; `exhausted`: the limit that it reached, absent for a final error. */
export interface GivenUp {
  readonly error: ServiceError;
  readonly retries: number;
  readonly exhausted?: 'MaximumRetryAttempts' | 'MaximumEventAgeInSeconds';
}

const RETRIES = 185;
const MAXIMUM_AGE_SECONDS = 86_400;
const LONGEST_WAIT_MS = 3_600_000;
const BUSY = /Thrott|TooMany|SlowDown|LimitExceeded|Concurren/;

/**
 * Tries until it succeeds, on the region's clock: the first time at once. Neither service documents its waits, only
 * that they grow: here from a minute to an hour. An error of the caller is final unless it is throttling.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html
 */
export async function tryUntil(
  region: Region,
  policy: RetryPolicy | undefined,
  attempt: () => Promise<void>,
  giveUp: (end: GivenUp) => Promise<void>,
): Promise<void> {
  const { MaximumRetryAttempts = RETRIES, MaximumEventAgeInSeconds = MAXIMUM_AGE_SECONDS } = policy ?? {};
  const since = region.clock.now().getTime();
  const run = async (retries: number): Promise<void> => {
    try {
      await attempt();
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      if (error.status < 500 && !BUSY.test(error.name)) return giveUp({ error, retries });
      if (retries >= MaximumRetryAttempts) return giveUp({ error, retries, exhausted: 'MaximumRetryAttempts' });
      const next = after(region, Math.min(60_000 * 2 ** retries, LONGEST_WAIT_MS));
      if (next.getTime() - since > MaximumEventAgeInSeconds * 1000)
        return giveUp({ error, retries, exhausted: 'MaximumEventAgeInSeconds' });
      region.clock.at(next, () => run(retries + 1));
    }
  };
  await run(0);
}
