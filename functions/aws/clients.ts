import { StandardRetryStrategy } from '@smithy/core/retry';
import { InvalidConfiguration } from '../core/errors.ts';

/** What every AWS client of the functions is made with. */
export interface ClientOptions {
  maxAttempts: number;
  retryMode: 'adaptive';
  retryStrategy?: StandardRetryStrategy;
  requestHandler: { connectionTimeout: number; requestTimeout: number; throwOnRequestTimeout: boolean };
}

const MAX_ATTEMPTS = 10;

/**
 * Adaptive retries, because polling SSM for thousands of nodes is throttled sooner or later; timeouts in
 * milliseconds. Connections are kept alive by the SDK's own agent. Region and credentials come from the function's
 * environment, as the SDK finds them.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export function clientOptions(variables: NodeJS.ProcessEnv = process.env): ClientOptions {
  const base = variables['NIGHTSHIFT_RETRY_BASE_MS'];
  return {
    maxAttempts: MAX_ATTEMPTS,
    retryMode: 'adaptive',
    ...(base !== undefined && { retryStrategy: retriesFrom(Number(base)) }),
    requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
  };
}

const LONGEST_DELAY_MS = 20_000;

/**
 * The SDK's retries, as often and after the same errors, with a back-off (full jitter, doubled each time) that starts
 * at `base` milliseconds instead of a second, and without the adaptive mode's send rate, which takes seconds to recover
 * from a throttled call. For where time is virtual: real seconds mean nothing there.
 */
function retriesFrom(base: number): StandardRetryStrategy {
  if (!(base >= 0 && base <= LONGEST_DELAY_MS))
    throw new InvalidConfiguration(
      `The environment variable NIGHTSHIFT_RETRY_BASE_MS is no number from 0 to ${LONGEST_DELAY_MS}.`,
      { nextStep: 'Deploy the function without it: with AWS the base of its own SDK is right.' },
    );
  const computeNextBackoffDelay = (attempt: number) =>
    Math.floor(Math.random() * Math.min(base * 2 ** attempt, LONGEST_DELAY_MS));
  // The strategy names a base of its own before every delay: 1,000 ms after throttling.
  const backoff = { computeNextBackoffDelay, setDelayBase: () => undefined };
  return new StandardRetryStrategy({ maxAttempts: MAX_ATTEMPTS, backoff });
}

/** One client a process, made at its first use, so that a call after the first finds its connections open. */
export function memoised<Client>(create: (options: ClientOptions) => Client): () => Client {
  let client: Client | undefined;
  return () => {
    client ??= create(clientOptions());
    return client;
  };
}

/** Whether an error bears one of these names: the AWS error code, for an error of the SDK. */
export function isNamed(error: unknown, ...names: string[]): error is Error {
  return error instanceof Error && names.includes(error.name);
}

/** Runs `work` over `items`, at most `limit` at a time; results in the order of the items; the first failure ends it. */
export async function mapLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const runner = async () => {
    for (const [index, item] of queue) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, runner));
  return results;
}

/** The results of work on items, and the failures: one item's does not stop the others. */
export interface Settled<Item, Result> {
  done: Result[];
  failed: { item: Item; error: unknown }[];
}

/** As `mapLimited`, except that every item has its turn whatever befalls the others; both lists in no promised order. */
export async function settleLimited<Item, Result>(
  items: readonly Item[],
  limit: number,
  work: (item: Item) => Promise<Result>,
): Promise<Settled<Item, Result>> {
  const settled: Settled<Item, Result> = { done: [], failed: [] };
  await mapLimited(items, limit, async (item) => {
    try {
      settled.done.push(await work(item));
    } catch (error) {
      settled.failed.push({ item, error });
    }
  });
  return settled;
}
