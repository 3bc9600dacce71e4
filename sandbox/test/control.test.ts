import { connect } from 'node:net';
import { EKS } from '@aws-sdk/client-eks';
import { CoreV1Api, KubeConfig, PatchStrategy, setHeaderOptions } from '@kubernetes/client-node';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Sandbox, startSandbox } from '../sandbox.ts';
import { worldOf } from './world.ts';

let sandbox: Sandbox;
const bugs: unknown[] = [];
beforeAll(async () => {
  sandbox = await startSandbox({ world: worldOf([{}]), onBug: (bug) => bugs.push(bug) });
});
afterAll(async () => {
  await sandbox.stop();
  expect(bugs).toEqual([]);
});
beforeEach(() => sandbox.load(worldOf([{}])));

interface Answer {
  status: number;
  allow: string | null;
  body: unknown;
}

async function ask(method: string, path: string, body?: string): Promise<Answer> {
  const response = await fetch(`${sandbox.endpoint}${path}`, { method, ...(body === undefined ? {} : { body }) });
  return { status: response.status, allow: response.headers.get('allow'), body: await response.json() };
}

const get = (path: string) => ask('GET', path);
const arm = (list: unknown) => ask('POST', '/_sandbox/faults', JSON.stringify(list));

function eks(): EKS {
  const credentials = { accessKeyId: 'anybody', secretAccessKey: 'x' };
  return new EKS({ endpoint: sandbox.endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
}

function kubernetes(): CoreV1Api {
  const config = new KubeConfig();
  config.loadFromFile(sandbox.kubeconfig);
  return config.makeApiClient(CoreV1Api);
}

/** What a person's `kubectl edit cm kube-proxy-config` leaves behind. */
async function writeConfig(config: string): Promise<void> {
  await kubernetes().patchNamespacedConfigMap(
    { namespace: 'kube-system', name: 'kube-proxy-config', body: { data: { config } } },
    setHeaderOptions('Content-Type', PatchStrategy.MergePatch),
  );
}

describe('/_sandbox/state', () => {
  test('has the members of the contract', async () => {
    const { status, body } = await get('/_sandbox/state');
    expect(status).toBe(200);
    const node = {
      os: 'al2023',
      runningMode: 'iptables',
      scheduler: null,
      modules: ['nf_conntrack'],
      ipvsadmInstalled: false,
      agent: 'online',
      leftovers: { virtualServers: 0, rejectRules: 0, nftTables: 0 },
    };
    expect(body).toMatchObject({
      now: '2026-11-20T22:00:00.000Z',
      clusters: [
        {
          name: 'demo',
          addon: { status: 'ACTIVE', version: 'v1.34.1-eksbuild.2', configurationValues: null },
          configMap: { mode: 'iptables', scheduler: '' },
          nodes: [
            { id: expect.stringMatching(/^i-[0-9a-f]{17}$/), name: 'ip-192-168-1-1.ec2.internal', ...node },
            { id: expect.stringMatching(/^i-[0-9a-f]{17}$/), name: 'ip-192-168-1-2.ec2.internal', ...node },
          ],
        },
      ],
      executions: [],
      schedules: [],
    });
  });

  test.each([
    ['mode: [ipvs', 'failed to decode'],
    ['kind: KubeProxyConfiguration\nmode: turbo\n', 'KubeProxyConfiguration.mode'],
  ])('tells of a ConfigMap that somebody broke (%j), and the next update writes it anew', async (config, problem) => {
    await writeConfig(config);
    expect((await get('/_sandbox/state')).body).toMatchObject({
      clusters: [{ configMap: { mode: null, scheduler: null, problem: expect.stringContaining(problem) } }],
    });
    const client = eks();
    const addon = { clusterName: 'demo', addonName: 'kube-proxy' };
    const change = { ...addon, configurationValues: '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}' };
    const none = await client.updateAddon({ ...change, resolveConflicts: 'NONE' });
    await sandbox.live.region.clock.sleep(60_000);
    expect(await client.describeUpdate({ name: 'demo', addonName: 'kube-proxy', updateId: none.update?.id })) //
      .toMatchObject({ update: { status: 'Failed', errors: [{ errorCode: 'ConfigurationConflict' }] } });
    await client.updateAddon({ ...change, resolveConflicts: 'OVERWRITE' });
    await sandbox.live.region.clock.sleep(60_000);
    expect((await get('/_sandbox/state')).body).toMatchObject({
      clusters: [{ addon: { status: 'ACTIVE' }, configMap: { mode: 'ipvs', scheduler: 'lc' } }],
    });
  });

  test('shows that a ConfigMap was deleted, and an update with OVERWRITE restores it', async () => {
    await kubernetes().deleteNamespacedConfigMap({ namespace: 'kube-system', name: 'kube-proxy-config' });
    expect((await get('/_sandbox/state')).body).toMatchObject({ clusters: [{ configMap: { mode: null } }] });
    const addon = { clusterName: 'demo', addonName: 'kube-proxy' };
    await eks().updateAddon({ ...addon, configurationValues: '{"mode":"ipvs"}', resolveConflicts: 'OVERWRITE' });
    await sandbox.live.region.clock.sleep(60_000);
    expect((await get('/_sandbox/state')).body).toMatchObject({ clusters: [{ configMap: { mode: 'ipvs' } }] });
  });
});

describe('/_sandbox/calls', () => {
  test('has every call in order, of AWS’s APIs and of Kubernetes’, with its error', async () => {
    await eks().listClusters({});
    await expect(eks().describeCluster({ name: 'none' })).rejects.toThrow();
    await kubernetes().listNode();
    await expect(kubernetes().readNamespacedConfigMap({ namespace: 'default', name: 'none' })).rejects.toThrow();
    const at = '2026-11-20T22:00:00.000Z';
    const person = { at, principal: 'person' };
    expect((await get('/_sandbox/calls')).body).toEqual([
      { ...person, service: 'eks', operation: 'ListClusters', input: {} },
      {
        ...person,
        service: 'eks',
        operation: 'DescribeCluster',
        input: { name: 'none' },
        error: 'ResourceNotFoundException',
      },
      { ...person, service: 'kubernetes', operation: 'list nodes', input: { cluster: 'demo' } },
      {
        ...person,
        service: 'kubernetes',
        operation: 'get configmaps',
        input: { cluster: 'demo', namespace: 'default', name: 'none' },
        error: 'NotFound',
      },
    ]);
  });
});

describe('/_sandbox/faults', () => {
  test('an AWS API fails as often as the fault asks', async () => {
    const on = { service: 'eks', operation: 'ListClusters' };
    expect(await arm([{ on, error: 'ThrottlingException', times: 2 }])).toMatchObject({ status: 200 });
    await expect(eks().listClusters({})).rejects.toMatchObject({ $metadata: { httpStatusCode: 429 } });
    await expect(eks().listClusters({})).rejects.toThrow();
    expect((await eks().listClusters({})).clusters).toEqual(['demo']);
  });

  test.each([
    ['ThrottlingException', 429, 'TooManyRequests'],
    ['ServiceUnavailable', 503, 'ServiceUnavailable'],
    ['Conflict', 409, 'Conflict'],
    ['InternalError', 500, 'InternalError'],
  ])('Kubernetes answers a scripted %s with %i and a Status, once', async (error, code, reason) => {
    await arm([{ on: { service: 'kubernetes', operation: 'list nodes' }, error }]);
    const refused = await kubernetes()
      .listNode()
      .then(
        () => undefined,
        (caught: { code: number; body: string }) => caught,
      );
    expect(refused?.code).toBe(code);
    expect(JSON.parse(refused?.body ?? '')).toMatchObject({ kind: 'Status', status: 'Failure', reason, code });
    expect((await kubernetes().listNode()).items).toHaveLength(2);
    expect(sandbox.calls.filter(({ operation }) => operation === 'list nodes').map((call) => call.error)).toEqual([
      reason,
      undefined,
    ]);
  });

  test('a node’s agent goes offline', async () => {
    await arm([{ node: 'ip-192-168-1-2.ec2.internal', fault: 'agent-offline' }]);
    expect((await get('/_sandbox/state')).body).toMatchObject({
      clusters: [{ nodes: [{ agent: 'online' }, { agent: 'offline' }] }],
    });
  });

  const on = { service: 'eks', operation: 'UpdateAddon' };
  test.each([
    ['{', /^faults: must be JSON: /],
    [
      JSON.stringify([
        { on, error: 'X' },
        { node: 'i-none', fault: 'agent-offline' },
      ]),
      /^faults\[1\]\.node: .*i-none$/,
    ],
    [
      JSON.stringify([{ on: { service: 'kubernetes', operation: 'list droplets' }, error: 'Conflict' }]),
      /^faults\[0\]\.on\.operation: the sandbox's Kubernetes API has no droplets/,
    ],
    [
      JSON.stringify([{ on: { service: 'kubernetes', operation: 'reboot' }, error: 'Conflict' }]),
      /^faults\[0\]\.on\.operation: must be a verb and a resource/,
    ],
    [
      JSON.stringify([{ on: { service: 'kubernetes', operation: 'list nodes' }, error: 'Tired' }]),
      /^faults\[0\]\.error: must be one of Kubernetes' reasons: BadRequest, Unauthorized, /,
    ],
  ])('of %s answers 400 with path and rule', async (body, rule) => {
    expect(await ask('POST', '/_sandbox/faults', body)).toEqual({
      status: 400,
      allow: null,
      body: { error: expect.stringMatching(rule) },
    });
  });
});

describe('other requests below /_sandbox', () => {
  test.each(['/_sandbox', '/_sandbox/', '/_sandbox/states', '/_sandbox/state/', '/_sandbox/%ff'])(
    'GET %s answers 404 and names what there is',
    async (path) => {
      const list =
        '/_sandbox/state, /_sandbox/calls, /_sandbox/faults, /_sandbox/events, /_sandbox/schedules, /_sandbox/alarms';
      expect(await get(path)).toEqual({
        status: 404,
        allow: null,
        body: { error: `there is no ${path}; there are ${list}` },
      });
    },
  );

  test.each([
    ['POST', '/_sandbox/state', 'GET'],
    ['DELETE', '/_sandbox/calls', 'GET'],
    ['GET', '/_sandbox/faults', 'POST'],
    ['GET', '/_sandbox/events', 'POST'],
    ['PUT', '/_sandbox/schedules', 'POST'],
    ['GET', '/_sandbox/alarms', 'POST'],
  ])('%s %s answers 405', async (method, path, allow) => {
    expect(await ask(method, path)).toEqual({
      status: 405,
      allow,
      body: { error: `${path} takes ${allow}, not ${method}` },
    });
  });

  test('a query does not hide a path', async () => {
    expect((await get('/_sandbox/calls?pretty=1')).status).toBe(200);
  });

  test('a client that hangs up within its list of faults arms no fault, and is not an error of the sandbox', async () => {
    const { hostname, port } = new URL(sandbox.endpoint);
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () =>
        socket.write('POST /_sandbox/faults HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n[', () =>
          socket.destroy(),
        ),
      );
      socket.on('close', () => resolve());
    });
    expect((await get('/_sandbox/state')).status).toBe(200);
    expect(bugs).toEqual([]);
  });
});
