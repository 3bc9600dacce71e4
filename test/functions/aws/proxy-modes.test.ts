import { afterEach, expect, test } from 'vitest';
import { askProxyModes } from '../../../functions/aws/kubernetes/proxy-modes.ts';
import { api } from '../../../functions/aws/kubernetes/request.ts';
import { type ScriptedServer, scriptedServer } from './api-server.ts';

const servers: ScriptedServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** An API server that never answers for the pods whose name begins with `silent`. */
async function start() {
  const server = await scriptedServer((response, { url }) => {
    if (!url.includes('/silent')) response.writeHead(200).end('iptables');
  });
  servers.push(server);
  return { server, api: api(server.endpoint, 'token') };
}

const LIMITS = { atOnce: 8, each: 200, together: 10_000 };
const pods = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`);

test('a node that drops packets does not answer, but the API server counts as reachable', async () => {
  const { server, api } = await start();
  expect([...(await askProxyModes(api, ['kube-proxy-a', 'silent-b'], LIMITS))]).toEqual([
    ['kube-proxy-a', 'iptables'],
    ['silent-b', null],
  ]);
  // The pod that did not answer was asked once more.
  expect(server.asked.map(({ url }) => url.includes('/silent'))).toEqual([false, true, true]);
});

test('hundreds of nodes that answer are all asked', async () => {
  const { api } = await start();
  const modes = await askProxyModes(api, pods('kube-proxy', 600));
  expect([...modes.values()].filter((mode) => mode === 'iptables')).toHaveLength(600);
});

test('hundreds of nodes that do not answer take no longer than the limit for all', async () => {
  const { server, api } = await start();
  const modes = await askProxyModes(api, pods('silent', 400), { ...LIMITS, together: 500 });
  expect([...modes.values()]).toEqual(Array(400).fill(null));
  expect(server.asked.length).toBeLessThan(400);
});

test('an API server that closes the connection is unreachable', async () => {
  const server = await scriptedServer((response) => response.destroy());
  servers.push(server);
  await expect(askProxyModes(api(server.endpoint, 'token'), ['kube-proxy-a'], LIMITS)).rejects.toThrow(
    'does not answer',
  );
});
