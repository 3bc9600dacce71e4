import type * as Sdk from '@aws-sdk/client-eks';
import { startSettling } from '../../kubernetes/settling.ts';
import type { AccessEntry, Cluster, Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import type { Handlers } from '../../wire/operations.ts';
import { page } from '../paging.ts';
import { findCluster } from './lookup.ts';

type Policy = AccessEntry['policies'][number];

/** https://docs.aws.amazon.com/eks/latest/userguide/access-policy-permissions.html */
const POLICY =
  /^arn:aws:eks::aws:cluster-access-policy\/AmazonEKS(Admin|AdminView|ClusterAdmin|Edit|SecretReader|View)Policy$/;

/** The operations on access entries and on the policies associated with them. */
export function accessEntryHandlers(region: Region): Handlers<typeof Sdk> {
  const clusterWithEntries = (name: string) => requireAccessEntries(findCluster(region, name));
  return {
    CreateAccessEntry: ({ clusterName, principalArn, kubernetesGroups, tags }) => {
      const cluster = clusterWithEntries(clusterName);
      if (!/^arn:aws[\w-]*:iam::\d{12}:(role|user)\/.+$/.test(principalArn))
        throw new ServiceError(
          'InvalidParameterException',
          'The specified principalArn is invalid: invalid principal.',
        );
      if (kubernetesGroups?.some((group) => group.startsWith('system:')))
        throw new ServiceError('InvalidParameterException', 'The kubernetes group name system: is reserved.');
      if (cluster.accessEntries.has(principalArn))
        throw new ServiceError(
          'ResourceInUseException',
          'The specified access entry resource is already in use on this cluster.',
          409,
        );
      const entry: AccessEntry = {
        principalArn,
        createdAt: region.clock.now(),
        kubernetesGroups: kubernetesGroups ?? [],
        tags: tags ?? {},
        policies: [],
        settling: startSettling(region),
      };
      cluster.accessEntries.set(principalArn, entry);
      return { accessEntry: describeEntry(region, cluster, entry) };
    },
    DescribeAccessEntry: ({ clusterName, principalArn }) => {
      const cluster = clusterWithEntries(clusterName);
      return { accessEntry: describeEntry(region, cluster, findEntry(cluster, principalArn)) };
    },
    ListAccessEntries: ({ clusterName, associatedPolicyArn, nextToken, maxResults }) => {
      const entries = [...clusterWithEntries(clusterName).accessEntries.values()];
      const chosen = entries.filter(
        (entry) => associatedPolicyArn === undefined || findPolicy(entry, associatedPolicyArn),
      );
      const { items, nextToken: next } = page(chosen, { token: nextToken, size: maxResults ?? 100 });
      return { accessEntries: items.map(({ principalArn }) => principalArn), nextToken: next };
    },
    DeleteAccessEntry: ({ clusterName, principalArn }) => {
      const cluster = clusterWithEntries(clusterName);
      findEntry(cluster, principalArn);
      cluster.accessEntries.delete(principalArn);
      return {};
    },
    AssociateAccessPolicy: ({ clusterName, principalArn, policyArn, accessScope }) => {
      const entry = findEntry(clusterWithEntries(clusterName), principalArn);
      if (!POLICY.test(policyArn))
        throw new ServiceError('InvalidParameterException', 'The policyArn parameter format is not valid');
      const policy: Policy = { policyArn, accessScope: readScope(accessScope) };
      remove(entry, policyArn);
      entry.policies.push(policy);
      entry.settling = startSettling(region);
      return { clusterName, principalArn, associatedAccessPolicy: describePolicy(policy) };
    },
    DisassociateAccessPolicy: ({ clusterName, principalArn, policyArn }) => {
      const entry = findEntry(clusterWithEntries(clusterName), principalArn);
      if (!findPolicy(entry, policyArn))
        throw new ServiceError(
          'ResourceNotFoundException',
          'The specified access policy is not associated with the access entry.',
          404,
        );
      remove(entry, policyArn);
      return {};
    },
    ListAssociatedAccessPolicies: ({ clusterName, principalArn, nextToken, maxResults }) => {
      const entry = findEntry(clusterWithEntries(clusterName), principalArn);
      const { items, nextToken: next } = page(entry.policies, { token: nextToken, size: maxResults ?? 100 });
      return {
        clusterName,
        principalArn,
        associatedAccessPolicies: items.map((policy) => describePolicy(policy)),
        nextToken: next,
      };
    },
  };
}

function requireAccessEntries(cluster: Cluster): Cluster {
  if (cluster.authenticationMode !== 'CONFIG_MAP') return cluster;
  const message =
    "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.";
  throw new ServiceError('InvalidRequestException', message, 400, { clusterName: cluster.name });
}

function findEntry(cluster: Cluster, principalArn: string): AccessEntry {
  const entry = cluster.accessEntries.get(principalArn);
  if (entry) return entry;
  throw new ServiceError(
    'ResourceNotFoundException',
    'The specified principalArn could not be found. You can view your available access entries with list-access-entries.',
    404,
  );
}

function findPolicy(entry: AccessEntry, policyArn: string): Policy | undefined {
  return entry.policies.find((policy) => policy.policyArn === policyArn);
}

function remove(entry: AccessEntry, policyArn: string): void {
  const index = entry.policies.findIndex((policy) => policy.policyArn === policyArn);
  if (index >= 0) entry.policies.splice(index, 1);
}

function readScope({
  type,
  namespaces = [],
}: {
  type?: string | undefined;
  namespaces?: string[] | undefined;
}): Policy['accessScope'] {
  if (type === 'cluster' && namespaces.length === 0) return { type, namespaces };
  if (type === 'namespace' && namespaces.length > 0) return { type, namespaces };
  throw new ServiceError(
    'InvalidParameterException',
    'accessScope must be of type cluster without namespaces, or of type namespace with at least one',
  );
}

function describePolicy({ policyArn, accessScope }: Policy): Sdk.AssociatedAccessPolicy {
  return { policyArn, accessScope };
}

function describeEntry(region: Region, cluster: Cluster, entry: AccessEntry): Sdk.AccessEntry {
  const [, kind = 'role', name = ''] = /:(role|user)\/(?:.*\/)?([^/]+)$/.exec(entry.principalArn) ?? [];
  const account = entry.principalArn.split(':')[4] ?? region.account;
  const username =
    kind === 'role' ? `arn:aws:sts::${account}:assumed-role/${name}/{{SessionName}}` : entry.principalArn;
  return {
    clusterName: cluster.name,
    principalArn: entry.principalArn,
    kubernetesGroups: entry.kubernetesGroups,
    accessEntryArn: `arn:aws:eks:${region.name}:${region.account}:access-entry/${cluster.name}/${kind}/${account}/${name}`,
    createdAt: entry.createdAt,
    modifiedAt: entry.createdAt,
    tags: entry.tags,
    username,
    type: 'STANDARD',
  };
}
