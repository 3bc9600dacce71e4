import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { objectStore } from '../../../functions/aws/s3.ts';

interface Put {
  path: string;
  checksum: string | undefined;
  body: Buffer;
}
const puts: Put[] = [];
const server = createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const path = request.url?.split('?')[0] ?? '';
    if (request.method === 'PUT') {
      puts.push({ path, checksum: request.headers['x-amz-checksum-sha256']?.toString(), body: Buffer.concat(chunks) });
      response.end();
      return;
    }
    const found = puts.find((put) => put.path === path);
    response.statusCode = found ? 200 : 404;
    response.end(found ? found.body : '<Error><Code>NoSuchKey</Code><Message>no such key</Message></Error>');
  });
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
});
afterAll(() => {
  delete process.env['AWS_ENDPOINT_URL'];
  server.closeAllConnections();
  server.close();
});

const store = objectStore(() => 'evidence');

test('with a custom endpoint S3 is addressed by path, and the bytes have their checksum', async () => {
  const key = 'executions/e1/prepare-1/evidence.ndjson.gz';
  const stored = await store.put(key, '{"node":"i-1"}\n{"node":"i-2"}\n');
  expect(puts.map(({ path }) => path)).toEqual(['/evidence/executions/e1/prepare-1/evidence.ndjson.gz']);
  expect(gunzipSync(puts[0]?.body ?? '').toString()).toBe('{"node":"i-1"}\n{"node":"i-2"}\n');
  expect(Buffer.from(puts[0]?.checksum ?? '', 'base64').toString('hex')).toBe(stored.sha256);
  expect(stored.bytes).toBe(puts[0]?.body.length);
});

test('a stored text is read unchanged, with the same hash', async () => {
  const key = 'executions/e1/outcome.json';
  const stored = await store.put(key, '{"ending":"migrated"}');
  expect(await store.get(key)).toEqual({ ...stored, text: '{"ending":"migrated"}' });
  expect(stored.sha256).toBe('36b977b439b5ef3f3dfab1be43c9056721a34fd7cab738598487cb7cfd1f80d7');
});

test('a missing object is null to find and EvidenceMissing to get', async () => {
  expect(await store.find('executions/none')).toBeNull();
  await expect(store.get('executions/none')).rejects.toMatchObject({ name: 'EvidenceMissing' });
});
