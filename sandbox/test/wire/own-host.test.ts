import { request as http } from 'node:http';
import { request as https } from 'node:https';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../../sandbox.ts';
import { worldOf } from '../world.ts';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await startSandbox({ world: worldOf([{}]) });
});
afterAll(() => sandbox.stop());

const SIGNED = 'AWS4-HMAC-SHA256 Credential=me/20261120/us-east-1/eks/aws4_request, SignedHeaders=host, Signature=0';

interface Asked {
  method?: string;
  path?: string;
  headers: Record<string, string>;
}

/** Status and text that this server answers; the headers are those of the request, whatever host it goes to. */
function ask(endpoint: string, { method = 'GET', path = '/', headers }: Asked): Promise<[number, string]> {
  const send = endpoint.startsWith('https:') ? https : http;
  return new Promise((resolve, reject) => {
    const outgoing = send(`${endpoint}${path}`, { method, headers, rejectUnauthorized: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
      response.on('end', () => resolve([response.statusCode ?? 0, text]));
    });
    outgoing.on('error', reject).end();
  });
}

const portOf = (endpoint: string) => new URL(endpoint).port;
const api = () => sandbox.live.region.clusters.get('demo')?.kubernetes.endpoint ?? '';

test.each(['127.0.0.1', 'localhost', 'LOCALHOST', '[::1]'])('the host %s is the sandbox’s own', async (host) => {
  for (const port of ['', `:${portOf(sandbox.endpoint)}`]) {
    const headers = { host: `${host}${port}` };
    expect((await ask(sandbox.endpoint, { path: '/_sandbox/state', headers }))[0]).toBe(200);
    const clusters = { path: '/clusters', headers: { ...headers, authorization: SIGNED } };
    expect((await ask(sandbox.endpoint, clusters))[0]).toBe(200);
    expect((await ask(api(), { path: '/version', headers }))[0]).toBe(401);
  }
});

test.each(['bucket.localhost', 'my.bucket.127.0.0.1'])('and so is a bucket in front of it: %s', async (host) => {
  const authorization = SIGNED.replace('/eks/', '/s3/');
  const [status, text] = await ask(sandbox.endpoint, { path: '/?list-type=2', headers: { host, authorization } });
  expect([status, text]).toEqual([404, expect.stringContaining('NoSuchBucket')]);
});

test.each([
  'evil.example',
  'evil.example:4566',
  '127.0.0.1.nip.io',
  'localhost.evil.example',
  '127.0.0.1@evil',
  '0.0.0.0',
])('a request for the host %s is refused, whatever it asks for', async (host) => {
  const requests = [
    [sandbox.endpoint, { path: '/_sandbox/state', headers: { host } }],
    [sandbox.endpoint, { path: '/clusters', headers: { host, authorization: SIGNED } }],
    [api(), { path: '/version', headers: { host } }],
  ] as const;
  for (const [endpoint, request] of requests) {
    const [status, text] = await ask(endpoint, request);
    expect(status).toBe(403);
    expect(JSON.parse(text).message).toBe(
      `the sandbox answers for localhost and 127.0.0.1, not for the host ${JSON.stringify(host)}`,
    );
  }
});

test.each([
  { origin: 'https://evil.example' },
  { origin: 'null' },
  { origin: 'http://127.0.0.1:1' },
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
])('a page of another origin (%j) can neither read nor control', async (page) => {
  const host = `127.0.0.1:${portOf(sandbox.endpoint)}`;
  const before = (await sandbox.state()).faults;
  for (const asked of [
    { path: '/_sandbox/calls', headers: { host, ...page } },
    { method: 'POST', path: '/_sandbox/faults', headers: { host, 'content-type': 'text/plain', ...page } },
    { method: 'POST', path: '/clusters', headers: { host, authorization: SIGNED, ...page } },
  ]) {
    const [status, text] = await ask(sandbox.endpoint, asked);
    expect([status, JSON.parse(text).error]).toEqual([403, expect.stringContaining('no page of another')]);
  }
  expect((await sandbox.state()).faults).toEqual(before);
});

test('the person’s own browser, and a page of the sandbox itself, are answered', async () => {
  const host = `127.0.0.1:${portOf(sandbox.endpoint)}`;
  for (const page of [{ 'sec-fetch-site': 'none' }, { 'sec-fetch-site': 'same-origin', origin: `http://${host}` }])
    expect((await ask(sandbox.endpoint, { path: '/_sandbox/state', headers: { host, ...page } }))[0]).toBe(200);
});
