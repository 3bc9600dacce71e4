import type { Need } from '@nightshift/sandbox/iam';
import { arn, asRecord, type Call, type Needs, need, type Surroundings, text, textsOf } from './surroundings.ts';

type Input = Call['input'];

/** EKS gives add-ons, access entries and the like an id of their own, which calls do not name. */
const ID = '00000000-0000-0000-0000-000000000000';

const clusterArn = (around: Surroundings, name: string) => arn('eks', around, `cluster/${name}`);

const addonArn = (around: Surroundings, cluster: string, addon: string) =>
  arn('eks', around, `addon/${cluster}/${addon}/${ID}`);

function accessEntryArn(around: Surroundings, input: Input): string {
  const [, , , , account, path = ''] = text(input, 'principalArn').split(':');
  const [kind = '', ...name] = path.split('/');
  return arn('eks', around, `access-entry/${text(input, 'clusterName')}/${kind}/${account}/${name.join('/')}/${ID}`);
}

const anywhere =
  (action: string): Needs =>
  () => [need(`eks:${action}`, '*')];

const onCluster =
  (action: string, member: string): Needs =>
  ({ input }, around) => [need(`eks:${action}`, clusterArn(around, text(input, member)))];

const onAddon =
  (action: string): Needs =>
  ({ input }, around) => [
    need(`eks:${action}`, addonArn(around, text(input, 'clusterName'), text(input, 'addonName'))),
  ];

const onAccessEntry =
  (action: string, context: (input: Input) => Need['context'] = () => ({})): Needs =>
  ({ input }, around) => {
    const { principalArn, clusterName } = input;
    const keys = { 'eks:principalArn': String(principalArn), 'eks:clusterName': String(clusterName) };
    return [need(`eks:${action}`, accessEntryArn(around, input), { ...keys, ...context(input) })];
  };

/** Updates are of a cluster, and with an add-on's name of that. */
const onUpdates =
  (action: string): Needs =>
  ({ input }, around) => {
    const name = text(input, 'name');
    const { addonName } = input;
    const cluster = need(`eks:${action}`, clusterArn(around, name));
    return addonName === undefined
      ? [cluster]
      : [cluster, need(`eks:${action}`, addonArn(around, name, String(addonName)))];
  };

function tagContext(tags: unknown): Need['context'] {
  const entries = Object.entries(asRecord(tags));
  if (entries.length === 0) return {};
  return {
    'aws:TagKeys': entries.map(([key]) => key),
    ...Object.fromEntries(entries.map(([key, value]) => [`aws:RequestTag/${key}`, String(value)])),
  };
}

const createAccessEntry: Needs = ({ input }, around) => {
  const groups = textsOf(input['kubernetesGroups']);
  const tags = tagContext(input['tags']);
  const context = {
    'eks:principalArn': text(input, 'principalArn'),
    'eks:accessEntryType': String(input['type'] ?? 'STANDARD'),
    ...(groups.length > 0 && { 'eks:kubernetesGroups': groups }),
    ...tags,
  };
  const create = need('eks:CreateAccessEntry', clusterArn(around, text(input, 'clusterName')), context);
  if (Object.keys(tags).length === 0) return [create];
  return [create, need('eks:TagResource', accessEntryArn(around, input), tags)];
};

function policyContext(input: Input): Need['context'] {
  const { type, namespaces } = asRecord(input['accessScope']);
  const named = textsOf(namespaces);
  return {
    'eks:policyArn': text(input, 'policyArn'),
    ...(type === undefined ? {} : { 'eks:accessScope': String(type) }),
    ...(named.length > 0 && { 'eks:namespaces': named }),
  };
}

/** https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html */
export const EKS_NEEDS: Readonly<Record<string, Needs>> = {
  ListClusters: anywhere('ListClusters'),
  DescribeCluster: onCluster('DescribeCluster', 'name'),
  DescribeAddonVersions: anywhere('DescribeAddonVersions'),
  DescribeAddonConfiguration: anywhere('DescribeAddonConfiguration'),
  ListAddons: onCluster('ListAddons', 'clusterName'),
  ListCapabilities: onCluster('ListCapabilities', 'clusterName'),
  ListFargateProfiles: onCluster('ListFargateProfiles', 'clusterName'),
  DescribeAddon: onAddon('DescribeAddon'),
  UpdateAddon: onAddon('UpdateAddon'),
  DeleteAddon: onAddon('DeleteAddon'),
  CreateAddon: onCluster('CreateAddon', 'clusterName'),
  ListUpdates: onUpdates('ListUpdates'),
  DescribeUpdate: onUpdates('DescribeUpdate'),
  CreateAccessEntry: createAccessEntry,
  DescribeAccessEntry: onAccessEntry('DescribeAccessEntry'),
  DeleteAccessEntry: onAccessEntry('DeleteAccessEntry'),
  AssociateAccessPolicy: onAccessEntry('AssociateAccessPolicy', policyContext),
  ListAssociatedAccessPolicies: onAccessEntry('ListAssociatedAccessPolicies'),
  DisassociateAccessPolicy: onAccessEntry('DisassociateAccessPolicy', (input) => ({
    'eks:policyArn': text(input, 'policyArn'),
  })),
  TagResource: ({ input }) => [need('eks:TagResource', text(input, 'resourceArn'), tagContext(input['tags']))],
  UntagResource: ({ input }) => [
    need('eks:UntagResource', text(input, 'resourceArn'), { 'aws:TagKeys': textsOf(input['tagKeys']) }),
  ],
};
