import { createServer } from 'node:http';
import { DescribeClusterCommand, EKSClient } from '@aws-sdk/client-eks';
import { expect, test } from 'vitest';
import { clientOptions, settleLimited } from '../../../functions/aws/clients.ts';

/** Answers ThrottlingException to the first calls, then a cluster; answers how often it was called. */
async function throttledCalls(times: number): Promise<number> {
  let calls = 0;
  const server = createServer((_request, response) => {
    calls += 1;
    const throttled = calls <= times;
    response.writeHead(throttled ? 429 : 200, throttled ? { 'x-amzn-errortype': 'ThrottlingException' } : {});
    response.end(throttled ? '{"message":"Rate exceeded"}' : '{"cluster":{"name":"demo"}}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  const client = new EKSClient({
    ...clientOptions({ NIGHTSHIFT_RETRY_BASE_MS: '0' }),
    endpoint: `http://127.0.0.1:${address.port}`,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  try {
    await client.send(new DescribeClusterCommand({ name: 'demo' }));
    return calls;
  } finally {
    client.destroy();
    server.close();
  }
}

test('AWS is called with adaptive retries, ten attempts at most', () => {
  expect(clientOptions({})).toEqual({
    maxAttempts: 10,
    retryMode: 'adaptive',
    requestHandler: { connectionTimeout: 5000, requestTimeout: 30_000, throwOnRequestTimeout: true },
  });
});

test('a retry base changes how long a retry waits, not how often a throttled call is tried again', async () => {
  expect(await throttledCalls(9)).toBe(10);
  await expect(throttledCalls(10)).rejects.toThrow('Rate exceeded');
});

test.each(['-1', 'soon', '20001'])('a retry base of %s is refused by the name of its variable', (base) => {
  expect(() => clientOptions({ NIGHTSHIFT_RETRY_BASE_MS: base })).toThrow(
    'The environment variable NIGHTSHIFT_RETRY_BASE_MS is no number from 0 to 20000.',
  );
});

test('work on many items at once goes on after a failure, which is told with its item', async () => {
  let running = 0;
  let most = 0;
  const settled = await settleLimited([1, 2, 3, 4, 5], 2, async (item) => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running -= 1;
    if (item === 2) throw new Error('two');
    return item * 10;
  });
  expect(settled.done.toSorted()).toEqual([10, 30, 40, 50]);
  expect(settled.failed).toEqual([{ item: 2, error: new Error('two') }]);
  expect(most).toBe(2);
});
