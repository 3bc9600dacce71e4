import type * as Sdk from '@aws-sdk/client-eks';
import { operations, ServiceError } from '@nightshift/sandbox/wire';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { eks } from '../../../functions/aws/eks.ts';
import { startWire, type Wire } from './wire.ts';

const CLUSTER: Sdk.Cluster = {
  name: 'demo',
  arn: 'arn:aws:eks:us-east-1:111122223333:cluster/demo',
  version: '1.34',
  status: 'ACTIVE',
  endpoint: 'https://demo.example',
  certificateAuthority: { data: 'Q0E=' },
  kubernetesNetworkConfig: { ipFamily: 'ipv4', serviceIpv4Cidr: '10.100.0.0/16' },
  resourcesVpcConfig: { endpointPublicAccess: true, endpointPrivateAccess: false },
  accessConfig: { authenticationMode: 'API' },
  tags: { team: 'checkout' },
};
const ADDON: Sdk.Addon = {
  addonName: 'kube-proxy',
  addonVersion: 'v1.34.1-eksbuild.2',
  status: 'ACTIVE',
  configurationValues: 'mode: iptables # mine\n',
  health: { issues: [] },
  tags: { owner: 'platform' },
};
let cluster: Sdk.Cluster;
let addon: Sdk.Addon | null;
let updates: Record<string, Sdk.UpdateStatus>;
let refuse: string | null;
let offers: boolean;
let wire: Wire;

beforeAll(async () => {
  wire = await startWire({
    eks: operations<typeof Sdk>({
      DescribeCluster({ name }) {
        if (name !== 'demo')
          throw new ServiceError('ResourceNotFoundException', `No cluster found for name: ${name}.`, 404);
        return { cluster };
      },
      DescribeAddon() {
        if (!addon) throw new ServiceError('ResourceNotFoundException', 'No addon: kube-proxy found', 404);
        return { addon };
      },
      DescribeAddonConfiguration: ({ addonName, addonVersion }) => ({
        addonName,
        addonVersion,
        configurationSchema: `{"$comment":"${addonVersion}"}`,
      }),
      DescribeAddonVersions: () => ({
        addons: [
          {
            addonName: 'kube-proxy',
            addonVersions: [
              { addonVersion: 'v1.34.3-eksbuild.9', compatibilities: [{ clusterVersion: '1.34' }] },
              {
                addonVersion: 'v1.34.1-eksbuild.2',
                compatibilities: [{ clusterVersion: '1.34', defaultVersion: offers }],
              },
            ],
          },
        ],
      }),
      ListClusters: ({ nextToken }) => (nextToken ? { clusters: ['c'] } : { clusters: ['a', 'b'], nextToken: 'more' }),
      ListUpdates: ({ addonName }) => ({ updateIds: addonName ? Object.keys(updates) : [] }),
      DescribeUpdate: ({ updateId }) => ({ update: { id: updateId, status: updates[updateId] } }),
      ListCapabilities: ({ nextToken }) => ({
        capabilities: nextToken
          ? [{ type: 'KRO' as const, capabilityName: 'old', status: 'DELETING' as const }]
          : [{ type: 'ARGOCD' as const, capabilityName: 'argocd', status: 'DEGRADED' as const }],
        ...(!nextToken && { nextToken: 'more' }),
      }),
      ListFargateProfiles: ({ nextToken }) =>
        nextToken ? { fargateProfileNames: ['c'] } : { fargateProfileNames: ['a', 'b'], nextToken: 'more' },
      CreateAddon({ configurationValues }) {
        if (addon) throw new ServiceError('ResourceInUseException', 'Addon already exists.', 409);
        if (refuse) throw new ServiceError(refuse, 'ConfigurationValue provided in request is not supported');
        addon = { ...ADDON, configurationValues };
        return { addon };
      },
      DeleteAddon() {
        if (!addon) throw new ServiceError('ResourceNotFoundException', 'No addon: kube-proxy found', 404);
        addon = null;
        return { addon: { ...ADDON, status: 'DELETING' } };
      },
      UpdateAddon() {
        if (refuse) throw new ServiceError(refuse, 'ConfigurationValue provided in request is not supported');
        return { update: { id: 'u-1', status: 'InProgress' } };
      },
    }),
  });
});
afterAll(() => wire.close());
beforeEach(() => {
  cluster = CLUSTER;
  addon = ADDON;
  updates = {};
  refuse = null;
  offers = true;
  wire.calls.length = 0;
});

test('a snapshot has the exact configuration text and the schema of the installed version', async () => {
  expect(await eks.snapshot('demo')).toEqual({
    name: 'demo',
    arn: 'arn:aws:eks:us-east-1:111122223333:cluster/demo',
    version: '1.34',
    status: 'ACTIVE',
    api: { url: 'https://demo.example', certificateAuthority: 'Q0E=' },
    endpoint: { public: true, private: false, publicCidrs: [] },
    authenticationMode: 'API',
    serviceCidr: '10.100.0.0/16',
    autoMode: false,
    hybridNetworks: false,
    addon: {
      version: 'v1.34.1-eksbuild.2',
      status: 'ACTIVE',
      configuration: 'mode: iptables # mine\n',
      issues: [],
      schema: '{"$comment":"v1.34.1-eksbuild.2"}',
      tags: { owner: 'platform' },
    },
    offered: null,
    updateInFlight: false,
    capabilities: [{ type: 'ARGOCD', name: 'argocd' }],
    tags: { team: 'checkout' },
  });
});

test('clusters come from all pages, and the state of one takes two calls', async () => {
  expect(await eks.clusters()).toEqual(['a', 'b', 'c']);
  wire.calls.length = 0;
  expect(await eks.standing('demo')).toEqual({
    name: 'demo',
    status: 'ACTIVE',
    autoMode: false,
    tags: { team: 'checkout' },
    addon: { configuration: 'mode: iptables # mine\n' },
  });
  expect(wire.calls.map(({ operation }) => operation)).toEqual(['DescribeCluster', 'DescribeAddon']);
});

test('a cluster that is gone has no state, and a cluster without the add-on has none', async () => {
  expect(await eks.standing('other')).toBeNull();
  addon = null;
  expect(await eks.standing('demo')).toMatchObject({ addon: null });
});

test('a cluster with a self-managed kube-proxy has no add-on, and EKS offers a version that could adopt it', async () => {
  addon = null;
  expect(await eks.snapshot('demo')).toMatchObject({
    addon: null,
    offered: {
      version: 'v1.34.1-eksbuild.2',
      versions: expect.arrayContaining(['v1.34.1-eksbuild.2']),
      schema: '{"$comment":"v1.34.1-eksbuild.2"}',
    },
  });
  offers = false;
  expect(await eks.snapshot('demo')).toMatchObject({ addon: null, offered: null });
});

test('an IPv6 cluster has its IPv6 service range', async () => {
  cluster = { ...CLUSTER, kubernetesNetworkConfig: { ipFamily: 'ipv6', serviceIpv6Cidr: 'fd12:3456:789a::/108' } };
  expect((await eks.snapshot('demo')).serviceCidr).toBe('fd12:3456:789a::/108');
});

test('an update that is in progress among finished ones is found', async () => {
  updates = { 'u-1': 'Successful', 'u-2': 'InProgress', 'u-3': 'Failed' };
  expect((await eks.snapshot('demo')).updateInFlight).toBe(true);
});

test.each([
  ['cluster', { status: 'UPDATING' as const }, {}],
  ['add-on', {}, { status: 'UPDATING' as const }],
])(
  'with a status UPDATING of the %s an update is in flight, and no update is described',
  async (_, ofCluster, ofAddon) => {
    cluster = { ...CLUSTER, ...ofCluster };
    addon = { ...ADDON, ...ofAddon };
    updates = { 'u-1': 'Successful' };
    expect((await eks.snapshot('demo')).updateInFlight).toBe(true);
    expect(wire.calls.filter(({ operation }) => /Update/.test(operation))).toEqual([]);
  },
);

test('of the hundreds of updates of an old cluster at most twenty are described', async () => {
  updates = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`u-${index}`, 'Successful' as const]));
  expect((await eks.snapshot('demo')).updateInFlight).toBe(false);
  const asked = wire.calls.map(({ operation }) => operation).filter((operation) => /Update/.test(operation));
  expect(asked.filter((operation) => operation === 'ListUpdates')).toHaveLength(2);
  expect(asked.filter((operation) => operation === 'DescribeUpdate')).toHaveLength(20);
});

test('an unknown cluster is named', async () => {
  await expect(eks.snapshot('nope')).rejects.toMatchObject({
    name: 'UnknownCluster',
    message: 'There is no EKS cluster nope in this account and Region.',
  });
});

test('a cluster that is still being created, without a service range, is refused', async () => {
  cluster = { ...CLUSTER, status: 'CREATING', kubernetesNetworkConfig: {} };
  await expect(eks.snapshot('demo')).rejects.toMatchObject({ name: 'PreflightRefused' });
});

test('Fargate profiles are counted over all pages', async () => {
  expect(await eks.fargateProfiles('demo')).toBe(3);
});

test('an API server is its endpoint and authority; a cluster that is still being created has none', async () => {
  expect((await eks.snapshot('demo')).api).toEqual({ url: 'https://demo.example', certificateAuthority: 'Q0E=' });
  cluster = { ...CLUSTER, endpoint: undefined };
  expect((await eks.snapshot('demo')).api).toBeNull();
});

const update = {
  cluster: 'demo',
  version: 'v1.34.1-eksbuild.2',
  configuration: '{"mode":"ipvs"}',
  token: 'demo-1/update-1',
};

test('an update overwrites, keeps the version, and has the same token if it is repeated', async () => {
  expect(await eks.updateAddon(update)).toEqual({ updateId: 'u-1' });
  await eks.updateAddon(update);
  expect(wire.calls[0]?.input).toEqual({
    clusterName: 'demo',
    addonName: 'kube-proxy',
    addonVersion: 'v1.34.1-eksbuild.2',
    configurationValues: '{"mode":"ipvs"}',
    resolveConflicts: 'OVERWRITE',
    clientRequestToken: expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  });
  expect(wire.calls[1]?.input).toEqual(wire.calls[0]?.input);
});

test.each(['InvalidParameterException', 'InvalidRequestException', 'ResourceNotFoundException'])(
  '%s of an update is AddonUpdateFailed',
  async (code) => {
    refuse = code;
    await expect(eks.updateAddon(update)).rejects.toMatchObject({ name: 'AddonUpdateFailed' });
  },
);

test('an add-on that is being updated keeps its own error name, for the state machine to wait', async () => {
  refuse = 'ResourceInUseException';
  await expect(eks.updateAddon(update)).rejects.toMatchObject({ name: 'ResourceInUseException' });
});

const creation = { ...update, version: null };

test('a self-managed kube-proxy is adopted with OVERWRITE, and a repetition leaves the new add-on as it is', async () => {
  addon = null;
  await eks.createAddon(creation);
  await eks.createAddon(creation);
  expect(wire.calls[0]?.input).toEqual({
    clusterName: 'demo',
    addonName: 'kube-proxy',
    configurationValues: '{"mode":"ipvs"}',
    resolveConflicts: 'OVERWRITE',
    clientRequestToken: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
});

test("an add-on that somebody else made meanwhile is not taken for nightshift's", async () => {
  addon = ADDON;
  await expect(eks.createAddon(creation)).rejects.toMatchObject({ name: 'ResourceInUseException' });
});

test('values that EKS refuses for a new add-on are AddonUpdateFailed', async () => {
  addon = null;
  refuse = 'InvalidParameterException';
  await expect(eks.createAddon(creation)).rejects.toMatchObject({ name: 'AddonUpdateFailed' });
});

test('an add-on is deleted without its objects, and a repeated deletion does not fail', async () => {
  await eks.deleteAddon('demo');
  await eks.deleteAddon('demo');
  expect(wire.calls[0]?.input).toEqual({ clusterName: 'demo', addonName: 'kube-proxy', preserve: true });
});
