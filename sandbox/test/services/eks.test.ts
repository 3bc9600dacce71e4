import { EKS, InvalidParameterException, ResourceInUseException, ResourceNotFoundException } from '@aws-sdk/client-eks';
import { afterEach, expect, test } from 'vitest';
import type { Cluster } from '../../region.ts';
import { eksService } from '../../services/eks.ts';
import { vpcCni } from '../../vpc-cni.ts';
import { makeCluster, makeNode, type RecordingKubernetes, TestRegion } from './region.ts';

const IPVS = '{"mode":"ipvs","ipvs":{"scheduler":"lc"}}';
const addon = { clusterName: 'demo', addonName: 'kube-proxy' };
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function open(overrides: Partial<Cluster> = {}, options: Parameters<typeof eksService>[1] = {}) {
  const cluster: Cluster & { kubernetes: RecordingKubernetes } = makeCluster('demo', overrides);
  const world = new TestRegion([cluster]);
  world.dispatcher.register('eks', eksService(world.region, options));
  const client = new EKS(await world.listen());
  cleanups.push(() => world.close());
  return { world, cluster, client };
}

test('UpdateAddon is UPDATING until the cluster is written and keeps the text exactly as it was sent', async () => {
  const { world, cluster, client } = await open();
  const text = 'mode:   ipvs # as we want it\nipvs: {scheduler: lc}\npodAnnotations: {team: net}\n';
  const during = await world.frozen(async () => {
    const { update } = await client.updateAddon({ ...addon, resolveConflicts: 'OVERWRITE', configurationValues: text });
    const described = await client.describeAddon(addon);
    return { update, status: described.addon?.status };
  });
  expect(during.status).toBe('UPDATING');
  expect(during.update?.status).toBe('InProgress');
  expect(during.update?.params).toEqual([
    { type: 'ResolveConflicts', value: 'OVERWRITE' },
    { type: 'ConfigurationValues', value: text },
  ]);
  await world.clock.sleep(30_000);
  const after = await client.describeAddon(addon);
  expect(after.addon?.status).toBe('ACTIVE');
  expect(after.addon?.configurationValues).toBe(text);
  expect(cluster.kubernetes.applied).toEqual([
    { mode: 'ipvs', scheduler: 'lc', podAnnotations: { team: 'net' }, version: 'v1.34.1-eksbuild.2', preserve: false },
  ]);
  const { update } = await client.describeUpdate({
    name: 'demo',
    addonName: 'kube-proxy',
    updateId: during.update?.id ?? '',
  });
  expect(update?.status).toBe('Successful');
});

test('UpdateAddon without values keeps the former ones, with {} it resets them', async () => {
  const { world, client } = await open();
  const update = async (values: string | undefined) => {
    await client.updateAddon({ ...addon, resolveConflicts: 'OVERWRITE', configurationValues: values });
    await world.clock.sleep(30_000);
    return (await client.describeAddon(addon)).addon?.configurationValues;
  };
  expect(await update(IPVS)).toBe(IPVS);
  expect(await update(undefined)).toBe(IPVS);
  expect(await update('{}')).toBe('{}');
});

test('UpdateAddon refuses what the schema does not allow, in EKS’s words', async () => {
  const { client, cluster } = await open();
  const update = (configurationValues: string) => client.updateAddon({ ...addon, configurationValues });
  await expect(update('{"modee":"ipvs"}')).rejects.toThrow(
    'ConfigurationValue provided in request is not supported: Json schema validation failed with error: [$.modee: is not defined in the schema and the schema does not allow additional properties]',
  );
  await expect(update('{"mode":"userspace"}')).rejects.toThrow(
    '$.mode: does not have a value in the enumeration ["iptables","ipvs","nftables"]',
  );
  await expect(update('{mode: [')).rejects.toThrow(InvalidParameterException);
  await expect(update('just text')).rejects.toThrow('it is not in the proper JSON or YAML format');
  expect(cluster.addonUpdates).toEqual([]);
});

test('a second update while one runs is refused, the same one with the same token is not a second one', async () => {
  const { world, client } = await open();
  await world.frozen(async () => {
    const request = {
      ...addon,
      resolveConflicts: 'OVERWRITE',
      configurationValues: IPVS,
      clientRequestToken: 'one',
    } as const;
    const first = await client.updateAddon(request);
    const again = await client.updateAddon(request);
    expect(again.update?.id).toBe(first.update?.id);
    await expect(client.updateAddon({ ...request, clientRequestToken: 'two' })).rejects.toThrow(ResourceInUseException);
    await expect(client.updateAddon({ ...request, configurationValues: '{}' })).rejects.toMatchObject({
      name: 'InvalidRequestException',
    });
    expect((await client.listUpdates({ name: 'demo', addonName: 'kube-proxy' })).updateIds).toHaveLength(1);
  });
});

test('a ConfigMap that somebody edited is a conflict for NONE, is kept by PRESERVE and overwritten by OVERWRITE', async () => {
  const { world, client, cluster } = await open();
  const update = async (resolveConflicts: 'NONE' | 'PRESERVE' | 'OVERWRITE') => {
    cluster.kubernetes.config = { mode: 'ipvs', scheduler: 'wrr' };
    const { update: started } = await client.updateAddon({
      ...addon,
      resolveConflicts,
      configurationValues: '{"podAnnotations":{"a":"1"}}',
    });
    await world.clock.sleep(30_000);
    const { update: ended } = await client.describeUpdate({
      name: 'demo',
      addonName: 'kube-proxy',
      updateId: started?.id ?? '',
    });
    return {
      status: ended?.status,
      codes: ended?.errors?.map(({ errorCode }) => errorCode),
      config: cluster.kubernetes.config,
    };
  };
  expect(await update('NONE')).toEqual({
    status: 'Failed',
    codes: ['ConfigurationConflict'],
    config: { mode: 'ipvs', scheduler: 'wrr' },
  });
  expect((await client.describeAddon(addon)).addon?.status).toBe('UPDATE_FAILED');
  expect(await update('PRESERVE')).toEqual({
    status: 'Successful',
    codes: [],
    config: { mode: 'ipvs', scheduler: 'wrr' },
  });
  expect(await update('OVERWRITE')).toEqual({
    status: 'Successful',
    codes: [],
    config: { mode: 'iptables', scheduler: 'rr' },
  });
});

test('the add-on schema has nftables from 1.33 on, and a world can take ipvs out of it', async () => {
  const modes = async (client: EKS, addonVersion: string) => {
    const { configurationSchema } = await client.describeAddonConfiguration({ addonName: 'kube-proxy', addonVersion });
    return /"enum":(\[[^\]]*\])/.exec(configurationSchema ?? '')?.[1];
  };
  const { client } = await open();
  expect(await modes(client, 'v1.32.6-eksbuild.12')).toBe('["iptables","ipvs"]');
  expect(await modes(client, 'v1.33.0-eksbuild.2')).toBe('["iptables","ipvs","nftables"]');
  const schema = { type: 'object', properties: { mode: { enum: ['iptables', 'nftables'] } } };
  const without = await open({}, { addonSchema: () => schema });
  expect(await modes(without.client, 'v1.34.1-eksbuild.2')).toBe('["iptables","nftables"]');
  await expect(without.client.updateAddon({ ...addon, configurationValues: IPVS })).rejects.toThrow(
    '$.mode: does not have a value',
  );
});

test('a private IPv6 cluster is described as one', async () => {
  const { client } = await open({ ipFamily: 'ipv6', serviceCidr: 'fd30:1c53:5f8a::/108', endpointAccess: 'private' });
  const { cluster } = await client.describeCluster({ name: 'demo' });
  expect(cluster?.kubernetesNetworkConfig).toEqual({ ipFamily: 'ipv6', serviceIpv6Cidr: 'fd30:1c53:5f8a::/108' });
  expect(cluster?.resourcesVpcConfig?.endpointPublicAccess).toBe(false);
  expect(cluster?.createdAt).toEqual(new Date('2026-01-15T10:00:00Z'));
  await expect(client.describeCluster({ name: 'other' })).rejects.toThrow(ResourceNotFoundException);
});

test('the Amazon VPC CNI is an add-on beside kube-proxy, unless the cluster has it otherwise', async () => {
  const { client } = await open({ cni: vpcCni('1.36') });
  expect((await client.listAddons({ clusterName: 'demo' })).addons).toEqual(['kube-proxy', 'vpc-cni']);
  expect((await client.describeAddon({ clusterName: 'demo', addonName: 'vpc-cni' })).addon).toMatchObject({
    addonVersion: 'v1.23.0-eksbuild.1',
    status: 'ACTIVE',
  });
  const { client: other } = await open({ cni: vpcCni('1.36', { addon: false }) });
  expect((await other.listAddons({ clusterName: 'demo' })).addons).toEqual(['kube-proxy']);
  await expect(other.describeAddon({ clusterName: 'demo', addonName: 'vpc-cni' })).rejects.toThrow(
    'No addon: vpc-cni found in cluster: demo',
  );
});

test('CreateAddon adopts a self-managed kube-proxy with OVERWRITE and fails on a difference without', async () => {
  const { world, client, cluster } = await open({ addon: null });
  await expect(client.describeAddon(addon)).rejects.toThrow('No addon: kube-proxy found in cluster: demo');
  expect((await client.listAddons({ clusterName: 'demo' })).addons).toEqual([]);
  await client.createAddon({ ...addon, configurationValues: IPVS });
  await world.clock.sleep(30_000);
  expect((await client.describeAddon(addon)).addon?.status).toBe('CREATE_FAILED');
  cluster.addon = null;
  await client.createAddon({ ...addon, configurationValues: IPVS, resolveConflicts: 'OVERWRITE' });
  await world.clock.sleep(30_000);
  expect((await client.describeAddon(addon)).addon?.status).toBe('ACTIVE');
  expect(cluster.kubernetes.config).toEqual({ mode: 'ipvs', scheduler: 'lc' });
});

test('an access entry comes with its policy and goes again', async () => {
  const { client } = await open();
  const entry = { clusterName: 'demo', principalArn: 'arn:aws:iam::111122223333:role/nightshift-kubernetes' };
  const policyArn = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy';
  await client.createAccessEntry(entry);
  await expect(client.createAccessEntry(entry)).rejects.toThrow(ResourceInUseException);
  await client.associateAccessPolicy({
    ...entry,
    policyArn,
    accessScope: { type: 'namespace', namespaces: ['kube-system'] },
  });
  const { associatedAccessPolicies } = await client.listAssociatedAccessPolicies(entry);
  expect(associatedAccessPolicies).toEqual([
    { policyArn, accessScope: { type: 'namespace', namespaces: ['kube-system'] } },
  ]);
  expect((await client.describeAccessEntry(entry)).accessEntry?.username).toBe(
    'arn:aws:sts::111122223333:assumed-role/nightshift-kubernetes/{{SessionName}}',
  );
  await client.disassociateAccessPolicy({ ...entry, policyArn });
  await client.deleteAccessEntry(entry);
  expect((await client.listAccessEntries({ clusterName: 'demo' })).accessEntries).toEqual([]);
  await expect(client.deleteAccessEntry(entry)).rejects.toThrow(ResourceNotFoundException);
});

test('a cluster with aws-auth alone has no access entries', async () => {
  const { client } = await open({ authenticationMode: 'CONFIG_MAP' });
  await expect(client.listAccessEntries({ clusterName: 'demo' })).rejects.toThrow(
    "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
  );
});

test('node groups, Fargate profiles and tags are those of the cluster', async () => {
  const { client, cluster } = await open({
    nodes: [makeNode(0), makeNode(1, { os: 'windows' }), makeNode(2, { os: 'fargate' })],
  });
  expect((await client.listNodegroups({ clusterName: 'demo' })).nodegroups).toEqual(['al2023', 'windows']);
  const { nodegroup } = await client.describeNodegroup({ clusterName: 'demo', nodegroupName: 'windows' });
  expect(nodegroup?.amiType).toBe('WINDOWS_CORE_2022_x86_64');
  expect((await client.listFargateProfiles({ clusterName: 'demo' })).fargateProfileNames).toEqual(['fargate']);
  await client.tagResource({ resourceArn: cluster.arn, tags: { 'nightshift:enroll': 'auto' } });
  expect((await client.listTagsForResource({ resourceArn: cluster.arn })).tags).toEqual({
    team: 'platform',
    'nightshift:enroll': 'auto',
  });
});
