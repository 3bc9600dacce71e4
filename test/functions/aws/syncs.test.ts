import { afterEach, expect, test } from 'vitest';
import { api } from '../../../functions/aws/kubernetes/request.ts';
import { askSyncs } from '../../../functions/aws/kubernetes/syncs.ts';
import { type ScriptedServer, scriptedServer } from './api-server.ts';

const servers: ScriptedServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

test.each([
  ['a node that stays', [], 'ok'],
  ['a node that is to be removed, whose kube-proxy works', ['healthz'], 'ok'],
  ['a kube-proxy that does not work', ['healthz', 'livez'], 'failed'],
] as const)('the health of %s, when %j answer 503, is %s', async (_, unhealthy, healthz) => {
  const server = await scriptedServer((response, { url }) => {
    const path = url.split('/').at(-1) ?? '';
    response.writeHead(unhealthy.some((each) => each === path) ? 503 : 200).end('{}');
  });
  servers.push(server);
  const syncs = await askSyncs(api(server.endpoint, 'token'), ['kube-proxy-a']);
  expect(syncs.get('kube-proxy-a')?.healthz).toBe(healthz);
});
