import { setTimeout } from 'node:timers/promises';
import { createCertificates } from '@nightshift/sandbox/wire';
import { afterEach, expect, test } from 'vitest';
import { kubernetes } from '../../../functions/aws/kubernetes.ts';
import { always, NO_PODS, type ScriptedServer, scriptedServer } from './api-server.ts';

const servers: ScriptedServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function start(answer = always(NO_PODS)) {
  const server = await scriptedServer(answer);
  servers.push(server);
  return server;
}

test('calls to one API server share one TLS connection, and each has its own token', async () => {
  const server = await start();
  const own = Array.from({ length: 10 }, (_, index) => `token-${index}`);
  for (const token of own) expect(await kubernetes(server.endpoint, token).kubeProxyPods()).toEqual([]);
  expect(server.asked.map(({ headers }) => headers.authorization)).toEqual(own.map((token) => `Bearer ${token}`));
  expect(server.handshakes).toBe(1);
});

test('connections to the last eight API servers are kept', async () => {
  const server = await start();
  const { url } = server.endpoint;
  const ask = (path: string) => kubernetes({ ...server.endpoint, url: `${url}/${path}` }, 'token').kubeProxyPods();
  for (const path of ['1', '2', '3', '4', '5', '6', '7', '8', '9']) await ask(path);
  expect(server.handshakes).toBe(9);
  await ask('9');
  await ask('2');
  expect(server.handshakes).toBe(9);
  await ask('1');
  await ask('2');
  expect(server.handshakes).toBe(10);
  await ask('3');
  expect(server.handshakes).toBe(11);
});

test('a connection that has been idle for four seconds is not used again', async () => {
  const server = await start();
  const ask = () => kubernetes(server.endpoint, 'token').kubeProxyPods();
  let answered = 0;
  let idle = Number.POSITIVE_INFINITY;
  let handshakes = 0;
  // A busy machine may wake this test late, so it retries.
  while (idle >= 3_500) {
    await ask();
    handshakes = server.handshakes;
    answered = performance.now();
    await setTimeout(2_000);
    await ask();
    idle = performance.now() - answered;
  }
  expect(server.handshakes).toBe(handshakes);
  await setTimeout(5_000);
  await ask();
  expect(server.handshakes).toBe(handshakes + 1);
});

test('a server whose certificate another authority signed gets no request', async () => {
  const server = await start();
  const { authority } = await createCertificates();
  const certificateAuthority = Buffer.from(authority).toString('base64');
  await expect(kubernetes({ ...server.endpoint, certificateAuthority }, 'token').kubeProxyPods()).rejects.toMatchObject(
    {
      name: 'KubernetesUnreachable',
      message: expect.stringMatching(/^The API server of demo .* does not answer: .*(certificate|signature)/),
    },
  );
  expect(server.asked).toEqual([]);
});

test('a server whose certificate is for another name gets no request', async () => {
  const server = await start();
  // The machine itself under an address that the certificate does not carry.
  const url = server.endpoint.url.replace('127.0.0.1', '0.0.0.0');
  await expect(kubernetes({ ...server.endpoint, url }, 'token').kubeProxyPods()).rejects.toMatchObject({
    name: 'KubernetesUnreachable',
    message: expect.stringContaining("does not match certificate's altnames"),
  });
  expect(server.asked).toEqual([]);
});

test('if no address of a name answers, the error has the message of each', async () => {
  const server = await start();
  const url = server.endpoint.url.replace('127.0.0.1', 'localhost');
  server.close();
  await expect(kubernetes({ ...server.endpoint, url }, 'token').kubeProxyPods()).rejects.toMatchObject({
    name: 'KubernetesUnreachable',
    message: expect.stringMatching(/ does not answer: connect ECONNREFUSED /),
  });
});

test('a server that does not answer, or not to the end, is waited for 15 seconds', async () => {
  const silent = await start(() => undefined);
  const stalling = await start((response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write('{"items":[');
  });
  const began = performance.now();
  const [first, second] = await Promise.allSettled(
    [silent, stalling].map(({ endpoint }) => kubernetes(endpoint, 'token').kubeProxyPods()),
  );
  const seconds = (performance.now() - began) / 1000;
  const said = {
    name: 'KubernetesUnreachable',
    message: expect.stringMatching(/ does not answer: no answer in 15 s$/),
  };
  expect(first).toMatchObject({ status: 'rejected', reason: said });
  expect(second).toMatchObject({ status: 'rejected', reason: said });
  expect(seconds).toBeGreaterThan(14);
});
