/** What every AWS client of the functions is made with. */
export interface ClientOptions {
  maxAttempts: number;
  retryMode: 'adaptive';
  requestHandler: { connectionTimeout: number; requestTimeout: number; throwOnRequestTimeout: boolean };
}

/**
 * Adaptive retries, because polling SSM for thousands of nodes is throttled sooner or later; timeouts in
 * milliseconds. Connections are kept alive by the SDK's own agent. Region and credentials come from the function's
 * environment, as the SDK finds them.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export const clientOptions: ClientOptions = {
  maxAttempts: 10,
  retryMode: 'adaptive',
  requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
};

/** One client a process, made at its first use, so that a call after the first finds its connections open. */
export function memoised<Client>(create: (options: ClientOptions) => Client): () => Client {
  let client: Client | undefined;
  return () => {
    client ??= create(clientOptions);
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
