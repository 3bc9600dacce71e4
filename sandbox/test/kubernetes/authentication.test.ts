import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ask as get } from './clients.ts';
import { eksToken } from './token.ts';
import { EDIT_IN_KUBE_SYSTEM, ISSUED, startWorld, VIEW, type World } from './world.ts';

const DAEMONSET = '/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy';
const UNAUTHORIZED = {
  status: 401,
  body: {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: 'Unauthorized',
    reason: 'Unauthorized',
    code: 401,
  },
};

const token = (more: { cluster?: string; secret?: string; keyId?: string; signedAt?: Date; region?: string } = {}) =>
  eksToken({
    cluster: more.cluster ?? 'demo',
    region: more.region ?? 'us-east-1',
    credentials: {
      ...ISSUED,
      accessKeyId: more.keyId ?? ISSUED.accessKeyId,
      secretAccessKey: more.secret ?? ISSUED.secretAccessKey,
    },
    ...(more.signedAt === undefined ? {} : { signingDate: more.signedAt }),
  });

/** A genuine token with one part of its URL changed. */
async function altered(change: (url: string) => string): Promise<string> {
  const url = Buffer.from((await token()).slice('k8s-aws-v1.'.length), 'base64url').toString('utf8');
  return `k8s-aws-v1.${Buffer.from(change(url)).toString('base64url')}`;
}

const minutes = (count: number) => new Date(Date.now() + count * 60_000);

describe('an EKS token', () => {
  let world: World;
  beforeAll(async () => {
    world = await startWorld({ entries: [[VIEW, EDIT_IN_KUBE_SYSTEM]] });
  });
  afterAll(() => world.api.close());

  test('lets the role of an access entry in, and the log names the function', async () => {
    expect((await get(world, DAEMONSET, await token())).status).toBe(200);
    expect(world.calls.at(-1)).toMatchObject({
      service: 'kubernetes',
      operation: 'get daemonsets',
      principal: 'nightshift-check-rollout',
      input: { cluster: 'demo', namespace: 'kube-system', name: 'kube-proxy' },
    });
  });

  test('is good for fifteen minutes from its signing, in real time', async () => {
    expect((await get(world, DAEMONSET, await token({ signedAt: minutes(-14) }))).status).toBe(200);
    expect(await get(world, DAEMONSET, await token({ signedAt: minutes(-16) }))).toEqual(UNAUTHORIZED);
    expect(await get(world, DAEMONSET, await token({ signedAt: minutes(30) }))).toEqual(UNAUTHORIZED);
  });

  test.each([
    ['was signed for another cluster', { cluster: 'other' }],
    ['was signed for another Region', { region: 'eu-west-1' }],
    ['was signed with another secret', { secret: 'forged' }],
    ['has an access key that nobody issued', { keyId: 'AKIAUNKNOWN' }],
  ])('that %s is refused', async (_, more) => {
    expect(await get(world, DAEMONSET, await token(more))).toEqual(UNAUTHORIZED);
  });

  test.each([
    ['another expiry', (url: string) => url.replace('X-Amz-Expires=60', 'X-Amz-Expires=900')],
    ['another action', (url: string) => url.replace('GetCallerIdentity', 'GetSessionToken')],
    ['another host', (url: string) => url.replace('sts.us-east-1.amazonaws.com', 'sts.example.com')],
    ['another session', (url: string) => url.replace('a-session', 'b-session')],
    ['no signed cluster name', (url: string) => url.replace('%3Bx-k8s-aws-id', '')],
    ['no signature', (url: string) => url.replace(/&X-Amz-Signature=[0-9a-f]+/, '')],
    ['a second expiry', (url: string) => `${url}&X-Amz-Expires=60`],
  ])('with %s is refused', async (_, change) => {
    const genuine = await altered((url) => url);
    const changed = await altered(change);
    expect(changed).not.toBe(genuine);
    expect((await get(world, DAEMONSET, genuine)).status).toBe(200);
    expect(await get(world, DAEMONSET, changed)).toEqual(UNAUTHORIZED);
  });

  test.each([undefined, 'nonsense', 'k8s-aws-v1.', 'k8s-aws-v1.!!!', 'k8s-aws-v1.bm90IGEgdXJs'])(
    'that is none (%s) is refused and logged',
    async (text) => {
      expect(await get(world, DAEMONSET, text)).toEqual(UNAUTHORIZED);
      expect(world.calls.at(-1)).toMatchObject({ principal: 'anonymous', error: 'Unauthorized' });
    },
  );
});

describe('the token of the person who made the cluster', () => {
  let world: World;
  beforeAll(async () => {
    const creator = { principal: 'person', arn: 'arn:aws:iam::111122223333:user/person' };
    world = await startWorld({ creator, stsHosts: ['127.0.0.1:4566'] });
  });
  afterAll(() => world.api.close());

  test('is good with any key that was never issued, whatever its secret, and makes an administrator', async () => {
    const own = await token({ keyId: 'AKIAUNKNOWN', secret: 'mine' });
    expect((await get(world, '/api/v1/nodes', own)).status).toBe(200);
    expect(world.calls.at(-1)).toMatchObject({ operation: 'list nodes', principal: 'person' });
  });

  test('may be signed for the sandbox’s own endpoint, as the AWS CLI does, and for no other', async () => {
    const signedFor = async (host: string) => {
      const url = Buffer.from((await token({ keyId: 'AKIAUNKNOWN' })).slice('k8s-aws-v1.'.length), 'base64url');
      return `k8s-aws-v1.${Buffer.from(url.toString().replace('sts.us-east-1.amazonaws.com', host)).toString('base64url')}`;
    };
    expect((await get(world, DAEMONSET, await signedFor('127.0.0.1:4566'))).status).toBe(200);
    expect(await get(world, DAEMONSET, await signedFor('127.0.0.1:4567'))).toEqual(UNAUTHORIZED);
  });

  test.each([
    ['is old', { keyId: 'AKIAUNKNOWN', signedAt: minutes(-16) }],
    ['has a key in the sandbox’s own form which this world did not issue', { keyId: 'ASIA0000000000000099' }],
    ['has an issued key with a wrong secret', { secret: 'forged' }],
  ])('is refused if it %s', async (_, more) => {
    expect(await get(world, DAEMONSET, await token(more))).toEqual(UNAUTHORIZED);
  });
});

describe('access policies', () => {
  test('an editor of kube-system may not list nodes, in Kubernetes own words', async () => {
    const world = await startWorld({ entries: [[EDIT_IN_KUBE_SYSTEM]] });
    const answer = await get(world, '/api/v1/nodes', await token());
    expect(answer).toEqual({
      status: 403,
      body: {
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message:
          'nodes is forbidden: User "arn:aws:sts::111122223333:assumed-role/nightshift-kubernetes/run-1" cannot list resource "nodes" in API group "" at the cluster scope',
        reason: 'Forbidden',
        details: { kind: 'nodes' },
        code: 403,
      },
    });
    expect(world.calls.at(-1)?.error).toBe('Forbidden');
    await world.api.close();
  });

  test.each([
    ['view', [VIEW], 'GET', '/api/v1/pods', 200],
    ['view', [VIEW], 'GET', '/api/v1/nodes', 403],
    ['view', [VIEW], 'GET', '/api/v1/namespaces/kube-system/secrets', 403],
    ['view', [VIEW], 'DELETE', '/api/v1/namespaces/kube-system/pods/any', 403],
    ['edit in kube-system', [EDIT_IN_KUBE_SYSTEM], 'GET', '/api/v1/namespaces/kube-system/pods', 200],
    ['edit in kube-system', [EDIT_IN_KUBE_SYSTEM], 'GET', '/api/v1/namespaces/kube-system/secrets', 200],
    ['edit in kube-system', [EDIT_IN_KUBE_SYSTEM], 'DELETE', '/api/v1/namespaces/kube-system/pods/any', 404],
    ['edit in kube-system', [EDIT_IN_KUBE_SYSTEM], 'GET', '/api/v1/namespaces/default/pods', 403],
    ['edit in kube-system', [EDIT_IN_KUBE_SYSTEM], 'GET', '/api/v1/pods', 403],
    ['an entry without policy', [], 'GET', '/api/v1/namespaces/kube-system/pods', 403],
    ['an entry without policy', [], 'GET', '/version', 200],
  ])('%s: %s %s %s answers %i', async (_, policies, method, path, status) => {
    const world = await startWorld({ entries: [policies] });
    expect((await get(world, path, await token(), method)).status).toBe(status);
    await world.api.close();
  });

  test('a role without access entry is nobody', async () => {
    const world = await startWorld();
    expect(await get(world, DAEMONSET, await token())).toEqual(UNAUTHORIZED);
    await world.api.close();
  });

  test('an access entry counts from the moment it is there', async () => {
    const world = await startWorld({ entries: [[VIEW]] });
    const entry = [...world.cluster.accessEntries.values()][0];
    world.cluster.accessEntries.clear();
    expect((await get(world, DAEMONSET, await token())).status).toBe(401);
    if (entry) world.cluster.accessEntries.set(entry.principalArn, entry);
    expect((await get(world, DAEMONSET, await token())).status).toBe(200);
    await world.api.close();
  });

  test('with CONFIG_MAP authentication access entries do not count; the kubeconfig does', async () => {
    const world = await startWorld({ entries: [[VIEW]], authenticationMode: 'CONFIG_MAP' });
    expect((await get(world, DAEMONSET, await token())).status).toBe(401);
    expect((await get(world, DAEMONSET, world.api.adminToken)).status).toBe(200);
    expect(world.calls.at(-1)?.principal).toBe('person');
    await world.api.close();
  });
});
