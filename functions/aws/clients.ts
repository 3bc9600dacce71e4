/** The options of every AWS client of the functions. */
export interface ClientOptions {
  requestHandler: { connectionTimeout: number; requestTimeout: number; throwOnRequestTimeout: boolean };
}

/**
 * Timeouts in milliseconds. Connections are kept alive by the SDK's own agent. Region, credentials and retries come from
 * the function's environment, as the SDK finds them.
 */
const OPTIONS: ClientOptions = {
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
};

/** One client per process, made at its first use, so that later calls reuse its connections. */
export function memoised<Client>(create: (options: ClientOptions) => Client): () => Client {
  let client: Client | undefined;
  return () => {
    client ??= create(OPTIONS);
    return client;
  };
}

/** Whether an error has one of these names. For an error of the SDK the name is the AWS error code. */
export function isNamed(error: unknown, ...names: string[]): error is Error {
  return error instanceof Error && names.includes(error.name);
}

/**
 * Runs `work` on `items`, at most `limit` at a time. Results are in the order of the items; the first failure ends it.
 */
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

/** The results of work on items, and the failures: a failed item does not stop the others. */
export interface Settled<Item, Result> {
  done: Result[];
  failed: { item: Item; error: unknown }[];
}

/** Like `mapLimited`, but works on every item even if others fail. The order of both lists is not defined. */
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
