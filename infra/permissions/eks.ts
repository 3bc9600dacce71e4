import { Aws } from 'aws-cdk-lib';
import { arns, names } from '../names.ts';
import { onlyValues, type Permission } from './permission.ts';

// Action, resource types and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html
const ANY_CLUSTER = 'Clusters are enrolled by their tags, after the deployment: none is known here.';
const clusters = arns.in('eks', 'cluster/*');
const kubeProxyAddons = arns.in('eks', 'addon/*/kube-proxy/*');
/** The access entries of nightshift's own role, in any cluster. */
const ownAccessEntries = arns.in('eks', `access-entry/*/role/${Aws.ACCOUNT_ID}/${names.role('kubernetes')}/*`);
const accessPolicy = (name: string) => `arn:${Aws.PARTITION}:eks::aws:cluster-access-policy/${name}`;

export const describeClusters: Permission = {
  sid: 'DescribeClusters',
  why: "Reads a cluster's version, state, endpoint, service range and tags.",
  actions: ['eks:DescribeCluster'],
  resources: [clusters],
  wildcard: ANY_CLUSTER,
};

export const describeAddon: Permission = {
  sid: 'DescribeAddon',
  why: "Reads kube-proxy's configuration and state.",
  actions: ['eks:DescribeAddon'],
  resources: [kubeProxyAddons],
  wildcard: "The add-on kube-proxy of any cluster; its ARN ends in an id of EKS's own.",
};

export const describeUpdates: Permission = {
  sid: 'DescribeUpdates',
  why: "Sees whether an update is in flight, and how nightshift's own ended.",
  actions: ['eks:DescribeUpdate'],
  resources: [clusters, kubeProxyAddons],
  wildcard: 'Updates belong to a cluster or to its kube-proxy add-on, of any cluster.',
};

export const listUpdates: Permission = {
  sid: 'ListUpdates',
  why: 'Sees which updates of the cluster and its kube-proxy there are.',
  actions: ['eks:ListUpdates'],
  resources: [clusters, kubeProxyAddons],
  wildcard: 'Updates belong to a cluster or to its kube-proxy add-on, of any cluster.',
};

export const listFargateProfiles: Permission = {
  sid: 'ListFargateProfiles',
  why: 'Counts what runs on Fargate, where there is no kube-proxy of ours.',
  actions: ['eks:ListFargateProfiles'],
  resources: [clusters],
  wildcard: ANY_CLUSTER,
};

export const listCapabilities: Permission = {
  sid: 'ListCapabilities',
  why: 'Sees whether Argo CD, ACK or kro, which would put a mode back, run in the cluster.',
  actions: ['eks:ListCapabilities'],
  resources: [clusters],
  wildcard: ANY_CLUSTER,
};

export const readAddonCatalogue: Permission = {
  sid: 'ReadAddonCatalogue',
  why: 'Reads which versions of kube-proxy EKS offers and which configuration each takes.',
  actions: ['eks:DescribeAddonVersions', 'eks:DescribeAddonConfiguration'],
  resources: ['*'],
  wildcard: "EKS knows no resource for these two: they read AWS's public catalogue.",
};

export const listClusters: Permission = {
  sid: 'ListClusters',
  why: 'Finds the clusters of the Region.',
  actions: ['eks:ListClusters'],
  resources: ['*'],
  wildcard: 'EKS knows no resource for a list of clusters.',
};

export const changeAddon: Permission = {
  sid: 'ChangeAddon',
  why: "Changes kube-proxy's configuration, and gives a kube-proxy back that nightshift had adopted.",
  actions: ['eks:UpdateAddon', 'eks:DeleteAddon'],
  resources: [kubeProxyAddons],
  wildcard: "The add-on kube-proxy of any cluster; its ARN ends in an id of EKS's own.",
};

export const createAddon: Permission = {
  sid: 'CreateAddon',
  why: 'Adopts a self-managed kube-proxy where the request asks for it.',
  actions: ['eks:CreateAddon'],
  resources: [clusters],
  wildcard: ANY_CLUSTER,
};

/** `kubernetesGroup`: the only group that the entry may have, and has to; null: it may have none. */
export const createAccessEntry = (kubernetesGroup: string | null): Permission => ({
  sid: 'CreateAccessEntry',
  why: "Lets nightshift's own role, and no other, into a cluster while an execution needs it.",
  actions: ['eks:CreateAccessEntry'],
  resources: [clusters],
  wildcard: ANY_CLUSTER,
  conditions: {
    ArnEquals: { 'eks:principalArn': arns.role('kubernetes') },
    StringEquals: { 'eks:accessEntryType': 'STANDARD' },
    ...(kubernetesGroup === null
      ? { Null: { 'eks:kubernetesGroups': 'true' } }
      : onlyValues('eks:kubernetesGroups', [kubernetesGroup])),
  },
});

export const tagAccessEntry: Permission = {
  sid: 'TagAccessEntry',
  why: 'Marks that access entry with the execution that made it.',
  actions: ['eks:TagResource'],
  resources: [ownAccessEntries],
  wildcard: "The entry of nightshift's own role in any cluster; its ARN ends in an id of EKS's own.",
  conditions: onlyValues('aws:TagKeys', ['nightshift:execution']),
};

export const grantView: Permission = {
  sid: 'GrantView',
  why: "Lets nightshift's own role see nodes, pods and Services of the cluster.",
  actions: ['eks:AssociateAccessPolicy'],
  resources: [ownAccessEntries],
  wildcard: "The entry of nightshift's own role in any cluster; its ARN ends in an id of EKS's own.",
  conditions: {
    ArnEquals: { 'eks:policyArn': accessPolicy('AmazonEKSViewPolicy') },
    StringEquals: { 'eks:accessScope': 'cluster' },
  },
};

export const grantEdit: Permission = {
  sid: 'GrantEdit',
  why: "Lets nightshift's own role restart kube-proxy and edit its ConfigMap, in kube-system alone.",
  actions: ['eks:AssociateAccessPolicy'],
  resources: [ownAccessEntries],
  wildcard: "The entry of nightshift's own role in any cluster; its ARN ends in an id of EKS's own.",
  conditions: {
    ArnEquals: { 'eks:policyArn': accessPolicy('AmazonEKSEditPolicy') },
    StringEquals: { 'eks:accessScope': 'namespace' },
    ...onlyValues('eks:namespaces', ['kube-system']),
  },
};

export const readAccessEntry: Permission = {
  sid: 'ReadAccessEntry',
  why: "Sees which execution made the access entry of nightshift's own role, so that no other's is deleted.",
  actions: ['eks:DescribeAccessEntry'],
  resources: [ownAccessEntries],
  wildcard: "The entry of nightshift's own role in any cluster; its ARN ends in an id of EKS's own.",
};

export const deleteAccessEntry: Permission = {
  sid: 'DeleteAccessEntry',
  why: "Takes nightshift's own role out of the cluster again.",
  actions: ['eks:DeleteAccessEntry'],
  resources: [ownAccessEntries],
  wildcard: "The entry of nightshift's own role in any cluster; its ARN ends in an id of EKS's own.",
};
