import { Aws } from 'aws-cdk-lib';
import { arns, names } from '../names.ts';
import { onlyValues, type Permission } from './permission.ts';

// Action, resource types and condition keys:
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html
const ANY_CLUSTER = 'Clusters are enrolled by their tags after the deployment, so the policy cannot name them.';
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
  why: "Reads whether an update is in flight, and how nightshift's own ended.",
  actions: ['eks:DescribeUpdate'],
  resources: [clusters, kubeProxyAddons],
  wildcard: 'Updates belong to a cluster or to its kube-proxy add-on, of any cluster.',
};

export const listUpdates: Permission = {
  sid: 'ListUpdates',
  why: 'Lists the updates of the cluster and of its kube-proxy.',
  actions: ['eks:ListUpdates'],
  resources: [clusters, kubeProxyAddons],
  wildcard: 'Updates belong to a cluster or to its kube-proxy add-on, of any cluster.',
};

export const listFargateProfiles: Permission = {
  sid: 'ListFargateProfiles',
  why: 'Counts Fargate profiles: their nodes have no kube-proxy that nightshift changes.',
  actions: ['eks:ListFargateProfiles'],
  resources: [clusters],
  wildcard: ANY_CLUSTER,
};

export const listCapabilities: Permission = {
  sid: 'ListCapabilities',
  why: 'Finds Argo CD, ACK or kro in the cluster, which would revert a change of the mode.',
  actions: ['eks:ListCapabilities'],
  resources: [clusters],
  wildcard: ANY_CLUSTER,
};

export const readAddonCatalogue: Permission = {
  sid: 'ReadAddonCatalogue',
  why: 'Reads which versions of kube-proxy EKS offers and which configuration each takes.',
  actions: ['eks:DescribeAddonVersions', 'eks:DescribeAddonConfiguration'],
  resources: ['*'],
  wildcard: "EKS has no resource type for these two: they read AWS's public catalogue.",
};

export const listClusters: Permission = {
  sid: 'ListClusters',
  why: 'Finds the clusters of the Region.',
  actions: ['eks:ListClusters'],
  resources: ['*'],
  wildcard: 'EKS has no resource type for a list of clusters.',
};

export const changeAddon: Permission = {
  sid: 'ChangeAddon',
  why: "Updates kube-proxy's configuration. Deletes the add-on if nightshift had created it, so that kube-proxy is self-managed again.",
  actions: ['eks:UpdateAddon', 'eks:DeleteAddon'],
  resources: [kubeProxyAddons],
  wildcard: "The add-on kube-proxy of any cluster; its ARN ends in an id of EKS's own.",
};

export const createAddon: Permission = {
  sid: 'CreateAddon',
  why: 'Adopts a self-managed kube-proxy if the request asks for it.',
  actions: ['eks:CreateAddon'],
  resources: [clusters],
  wildcard: ANY_CLUSTER,
};

/** `kubernetesGroup`: the group that the entry must have, and no other; null: the entry must have none. */
export const createAccessEntry = (kubernetesGroup: string | null): Permission => ({
  sid: 'CreateAccessEntry',
  why: "Gives nightshift's own role, and no other, access to a cluster while an execution needs it.",
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
  why: "Reads which execution made the access entry of nightshift's own role, so that only that execution deletes it.",
  actions: ['eks:DescribeAccessEntry'],
  resources: [ownAccessEntries],
  wildcard: "The entry of nightshift's own role in any cluster; its ARN ends in an id of EKS's own.",
};

export const deleteAccessEntry: Permission = {
  sid: 'DeleteAccessEntry',
  why: "Removes the access of nightshift's own role from the cluster.",
  actions: ['eks:DeleteAccessEntry'],
  resources: [ownAccessEntries],
  wildcard: "The entry of nightshift's own role in any cluster; its ARN ends in an id of EKS's own.",
};
