import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { kubernetes } from '../../../functions/aws/kubernetes.ts';
import { type Asked, always, type ScriptedServer, scriptedServer } from './api-server.ts';

const servers: ScriptedServer[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

async function start(answer: (response: ServerResponse, asked: Asked) => void) {
  const server = await scriptedServer(answer);
  servers.push(server);
  return { asked: server.asked, api: kubernetes(server.endpoint, 'token') };
}

const pod = (metadata: object) =>
  JSON.stringify({ kind: 'PodList', metadata: {}, items: [{ metadata, spec: {}, status: {} }] });

describe('an answer that cannot be understood is an error', () => {
  test.each([
    ['ends before its length', { 'content-length': 500 }],
    ['ends in the middle of its chunks', { 'transfer-encoding': 'chunked' }],
  ])('when it %s', async (_, headers) => {
    const { api } = await start((response) => {
      response.writeHead(200, headers).write('{"kind":"PodList","metadata":{},"items":[]}', () => response.destroy());
    });
    await expect(api.kubeProxyPods()).rejects.toMatchObject({
      name: 'KubernetesUnreachable',
      message: expect.stringMatching(/^The API server of demo \(https:.*\) does not answer: aborted$/),
    });
  });

  test.each([
    ['a page of a proxy', '<html>Sign in</html>'],
    ['nothing', ''],
    ['bytes that are not UTF-8', Buffer.from('{"metadata":{},"items":[],"x":"\xff"}', 'latin1')],
  ])('when it is %s', async (_, body) => {
    const { api } = await start((response) => void response.writeHead(200).end(body));
    await expect(api.kubeProxyPods()).rejects.toMatchObject({
      name: 'KubernetesUnreachable',
      message: expect.stringMatching(
        / answered GET \/api\/v1\/namespaces\/kube-system\/pods with a body that is not JSON$/,
      ),
    });
  });

  test('when it is a redirect, which is not followed', async () => {
    const { api, asked } = await start((response, { url }) => {
      if (url.startsWith('/elsewhere')) always(pod({ name: 'a', uid: 'b' }))(response);
      else response.writeHead(302, { location: '/elsewhere' }).end();
    });
    await expect(api.kubeProxyPods()).rejects.toMatchObject({
      name: 'KubernetesUnreachable',
      message: expect.stringMatching(/ answered GET .*pods with a redirect \(302\)$/),
    });
    expect(asked).toHaveLength(1);
  });

  test('when it does not end within 64 MiB', async () => {
    const { api } = await start((response) => {
      const mebibyte = Buffer.alloc(1024 * 1024, ' ');
      response.on('error', () => undefined);
      const more = () => {
        while (!response.destroyed) if (!response.write(mebibyte)) return void response.once('drain', more);
      };
      more();
    });
    await expect(api.kubeProxyPods()).rejects.toMatchObject({
      name: 'KubernetesUnreachable',
      message: expect.stringMatching(/ sends more than 64 MiB$/),
    });
  });

  test.each([
    ['a pod without a name', pod({ uid: 'b' }), 'items.0.metadata.name'],
    ['a pod without a uid', pod({ name: 'a' }), 'items.0.metadata.uid'],
    ['a list without items', '{"kind":"PodList","metadata":{}}', 'items'],
    ['a list that does not say whether it goes on', '{"kind":"PodList","items":[]}', 'metadata'],
  ])('when it is %s', async (_, body, field) => {
    const { api } = await start(always(body));
    const said = `the API server answered GET /api/v1/namespaces/kube-system/pods, and ${field} is missing or cannot be understood`;
    await expect(api.kubeProxyPods()).rejects.toThrow(said);
    await expect(api.canaryPods()).rejects.toThrow(said);
  });
});

test.each([
  [401, 'KubernetesForbidden'],
  [403, 'KubernetesForbidden'],
  [404, 'RolloutFailed'],
  [409, 'KubernetesUnreachable'],
  [429, 'KubernetesUnreachable'],
  [500, 'KubernetesUnreachable'],
  [503, 'KubernetesUnreachable'],
  [422, 'StatusError'],
])('%i is %s', async (status, name) => {
  const { api } = await start(always('{}', status));
  await expect(api.rollout()).rejects.toMatchObject({ name });
});

test('a pod that is being deleted is known by its deletion timestamp', async () => {
  const deletionTimestamp = '2026-11-20T22:00:00Z';
  const { api } = await start(always(pod({ name: 'kube-proxy-old', uid: 'b', deletionTimestamp })));
  expect(await api.kubeProxyPods()).toMatchObject([{ name: 'kube-proxy-old', terminating: true }]);
});

test('a refusal keeps the message of the API server', async () => {
  const message = 'daemonsets.apps "kube-proxy" is forbidden: User "nightshift" cannot patch resource "daemonsets"';
  const status = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason: 'Forbidden', code: 403 };
  const { api } = await start(always(JSON.stringify(status), 403));
  await expect(api.restartKubeProxy('2026-11-06T22:00:00.000Z')).rejects.toMatchObject({
    name: 'KubernetesForbidden',
    cause: {
      code: 403,
      message: `PATCH /apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy: 403 Forbidden: ${message}`,
    },
  });
});

test('of a refusal that is not a Status the first 300 characters are kept', async () => {
  const { api } = await start(always(`upstream is down ${'.'.repeat(1_000)}`, 503));
  await expect(api.rollout()).rejects.toMatchObject({
    name: 'KubernetesUnreachable',
    cause: { message: expect.stringMatching(/: 503 upstream is down \.{283}$/) },
  });
});

test('a write keeps all fields of a ConfigMap that nightshift does not know', async () => {
  const read =
    '{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"kube-proxy-config","namespace":"kube-system","uid":"7e",' +
    '"resourceVersion":"41","creationTimestamp":null,"managedFields":[{"manager":"eks","fieldsV1":{"f:data":{".":{}}}}]},' +
    '"data":{"__proto__":"a key like any other","config":"mode: iptables\\n","other":""},"binaryData":{"b":"AAE="},' +
    '"immutable":false,"ofTheFuture":{"list":[1,null,true]}}';
  const { api, asked } = await start(always(read));
  expect(await api.editKubeProxyConfig((text) => text.replace('iptables', 'ipvs'))).toEqual({ changed: true });
  expect(asked.map(({ method, url }) => `${method} ${url}`)).toEqual([
    'GET /api/v1/namespaces/kube-system/configmaps/kube-proxy-config',
    'PUT /api/v1/namespaces/kube-system/configmaps/kube-proxy-config',
  ]);
  expect(asked[1]?.headers['content-type']).toBe('application/json');
  expect(asked[1]?.body).toBe(read.replace('mode: iptables', 'mode: ipvs'));
});

test('a ConfigMap without its version is not written, because the write would overwrite any version', async () => {
  const { api, asked } = await start(always('{"kind":"ConfigMap","metadata":{},"data":{"config":"mode: iptables"}}'));
  await expect(api.editKubeProxyConfig(() => 'mode: ipvs')).rejects.toThrow('is missing or cannot be understood');
  expect(asked.map(({ method }) => method)).toEqual(['GET']);
});

describe('a request', () => {
  test('encodes selectors, names and page marks', async () => {
    const pages = ['{"metadata":{"continue":"a+b/c=&d"},"items":[]}', '{"metadata":{"continue":""},"items":[]}'];
    const { api, asked } = await start((response) => always(pages.shift() ?? 'ipvs')(response));
    expect(await api.canaryPods('a&b#c')).toEqual([]);
    expect(await api.proxyModes(['../x?y'])).toEqual(new Map([['../x?y', 'ipvs']]));
    const pods = '/api/v1/namespaces/kube-system/pods';
    const which = 'labelSelector=k8s-app%3Dkube-proxy&fieldSelector=spec.nodeName%3Da%26b%23c&limit=500';
    expect(asked.map(({ url }) => url)).toEqual([
      `${pods}?${which}`,
      `${pods}?${which}&continue=a%2Bb%2Fc%3D%26d`,
      `${pods}/..%2Fx%3Fy%3A10249/proxy/proxyMode`,
    ]);
  });

  test('to restart is a strategic merge patch of one annotation', async () => {
    const { api, asked } = await start(always('{"metadata":{"generation":7}}'));
    expect(await api.restartKubeProxy('2026-11-06T22:00:00.000Z')).toEqual({ generation: 7 });
    expect(asked[0]?.headers).toMatchObject({
      'content-type': 'application/strategic-merge-patch+json',
      'user-agent': 'ipvs-nightshift',
    });
    expect(asked[0]?.body).toBe(
      '{"spec":{"template":{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"2026-11-06T22:00:00.000Z"}}}}}',
    );
  });

  test('to delete a pod names its uid', async () => {
    const { api, asked } = await start(always('{"metadata":{"name":"a","uid":"u-1"},"spec":{},"status":{}}'));
    await api.deletePod({ name: 'a', uid: 'u-1' });
    expect(asked.map(({ method, body }) => [method, body])).toEqual([
      ['GET', ''],
      ['DELETE', '{"preconditions":{"uid":"u-1"}}'],
    ]);
  });

  test.each(['', '.', '..'])(
    'is not sent for a pod with the name "%s", whose path would be that of all pods',
    async (name) => {
      const { api, asked } = await start(always('{}'));
      await expect(api.deletePod({ name, uid: 'u-1' })).rejects.toThrow('does not name an object');
      expect(asked).toEqual([]);
    },
  );
});
