import type * as Sdk from '@aws-sdk/client-eks';
import type { Cluster, NodeOs, Region, WorkerNode } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import type { Handlers } from '../../wire/operations.ts';
import { page } from '../paging.ts';
import { findCluster } from './lookup.ts';

/** The operations on clusters, what runs their pods, and tags. */
export function clusterHandlers(region: Region): Handlers<typeof Sdk> {
  return {
    DescribeCluster: ({ name }) => ({ cluster: describeCluster(region, findCluster(region, name)) }),
    ListClusters: ({ nextToken, maxResults }) => {
      const { items, nextToken: next } = page([...region.clusters.keys()], {
        token: nextToken,
        size: maxResults ?? 100,
      });
      return { clusters: items, nextToken: next };
    },
    ListNodegroups: ({ clusterName, nextToken, maxResults }) => {
      const names = [...nodeGroups(findCluster(region, clusterName)).keys()];
      const { items, nextToken: next } = page(names, { token: nextToken, size: maxResults ?? 100 });
      return { nodegroups: items, nextToken: next };
    },
    DescribeNodegroup: ({ clusterName, nodegroupName }) => {
      const cluster = findCluster(region, clusterName);
      const nodes = nodeGroups(cluster).get(nodegroupName);
      if (!nodes)
        throw new ServiceError('ResourceNotFoundException', `No node group found for name: ${nodegroupName}.`, 404, {
          clusterName,
          nodegroupName,
        });
      return { nodegroup: describeNodegroup(region, cluster, nodegroupName, nodes) };
    },
    ListFargateProfiles: ({ clusterName, nextToken, maxResults }) => {
      const names = findCluster(region, clusterName).nodes.some(({ os }) => os === 'fargate') ? ['fargate'] : [];
      const { items, nextToken: next } = page(names, { token: nextToken, size: maxResults ?? 100 });
      return { fargateProfileNames: items, nextToken: next };
    },
    ListCapabilities: ({ clusterName, nextToken, maxResults }) => {
      const cluster = findCluster(region, clusterName);
      const { items, nextToken: next } = page(cluster.capabilities ?? [], {
        token: nextToken,
        size: maxResults ?? 100,
      });
      const capabilities = items.map((type) => ({
        capabilityName: type.toLowerCase(),
        arn: `${cluster.arn.replace(':cluster/', ':capability/')}/${type.toLowerCase()}/sandbox`,
        type,
        status: 'ACTIVE' as const,
        createdAt: cluster.createdAt,
        modifiedAt: cluster.createdAt,
      }));
      return { capabilities, nextToken: next };
    },
    TagResource: ({ resourceArn, tags }) => {
      Object.assign(findByArn(region, resourceArn).tags, tags);
      return {};
    },
    UntagResource: ({ resourceArn, tagKeys }) => {
      const { tags } = findByArn(region, resourceArn);
      for (const key of tagKeys) delete tags[key];
      return {};
    },
    ListTagsForResource: ({ resourceArn }) => ({ tags: { ...findByArn(region, resourceArn).tags } }),
  };
}

function findByArn(region: Region, arn: string): Cluster {
  for (const cluster of region.clusters.values()) if (cluster.arn === arn) return cluster;
  throw new ServiceError('NotFoundException', `Resource ${arn} was not found`, 404);
}

/**
 * A private endpoint's name leads to addresses in the cluster's VPC, where neither the functions nor the person are:
 * here no server listens. The sandbox's kubeconfig, which stands for a host in the VPC, names the real one.
 */
const OUT_OF_REACH = 'https://127.0.0.1:2';

function describeCluster(region: Region, cluster: Cluster): Sdk.Cluster {
  const isPublic = cluster.endpointAccess === 'public';
  const { ipFamily, serviceCidr } = cluster;
  return {
    name: cluster.name,
    arn: cluster.arn,
    createdAt: cluster.createdAt,
    version: cluster.version,
    endpoint: isPublic ? cluster.kubernetes.endpoint : OUT_OF_REACH,
    roleArn: `arn:aws:iam::${region.account}:role/${cluster.name}-cluster`,
    resourcesVpcConfig: {
      subnetIds: ['subnet-0a1b2c3d4e5f60001', 'subnet-0a1b2c3d4e5f60002'],
      securityGroupIds: [],
      clusterSecurityGroupId: 'sg-0a1b2c3d4e5f60001',
      vpcId: 'vpc-0a1b2c3d4e5f60001',
      endpointPublicAccess: isPublic,
      endpointPrivateAccess: !isPublic,
      publicAccessCidrs: isPublic ? [...(cluster.publicAccessCidrs ?? ['0.0.0.0/0'])] : [],
    },
    kubernetesNetworkConfig:
      ipFamily === 'ipv6' ? { ipFamily, serviceIpv6Cidr: serviceCidr } : { ipFamily, serviceIpv4Cidr: serviceCidr },
    ...(cluster.remoteNodeNetworks && {
      remoteNetworkConfig: { remoteNodeNetworks: [{ cidrs: [...cluster.remoteNodeNetworks] }] },
    }),
    logging: {
      clusterLogging: [{ types: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'], enabled: false }],
    },
    identity: { oidc: { issuer: `https://oidc.eks.${region.name}.amazonaws.com/id/SANDBOX` } },
    status: cluster.status,
    certificateAuthority: { data: cluster.kubernetes.certificateAuthority },
    platformVersion: 'eks.1',
    tags: { ...cluster.tags },
    health: { issues: [] },
    accessConfig: { authenticationMode: cluster.authenticationMode },
    upgradePolicy: { supportType: 'STANDARD' },
    computeConfig: { enabled: cluster.autoMode, nodePools: cluster.autoMode ? ['general-purpose', 'system'] : [] },
  };
}

/** One managed node group for each operating system of the nodes that EKS started, named after it. */
function nodeGroups(cluster: Cluster): Map<string, WorkerNode[]> {
  const groups = new Map<string, WorkerNode[]>();
  for (const node of cluster.nodes) {
    if (node.os === 'fargate' || node.terminated || (node.startedBy ?? 'eks') !== 'eks') continue;
    groups.set(node.os, [...(groups.get(node.os) ?? []), node]);
  }
  return groups;
}

const AMI_TYPES: Readonly<Record<Exclude<NodeOs, 'fargate'>, Sdk.AMITypes>> = {
  al2023: 'AL2023_x86_64_STANDARD',
  al2: 'AL2_x86_64',
  ubuntu: 'CUSTOM',
  rhel: 'CUSTOM',
  rocky: 'CUSTOM',
  almalinux: 'CUSTOM',
  oracle: 'CUSTOM',
  sles: 'CUSTOM',
  bottlerocket: 'BOTTLEROCKET_x86_64',
  windows: 'WINDOWS_CORE_2022_x86_64',
};

function describeNodegroup(
  region: Region,
  cluster: Cluster,
  nodegroupName: string,
  nodes: readonly WorkerNode[],
): Sdk.Nodegroup {
  const os = nodes[0]?.os ?? 'al2023';
  const size = nodes.length;
  return {
    nodegroupName,
    nodegroupArn: `arn:aws:eks:${region.name}:${region.account}:nodegroup/${cluster.name}/${nodegroupName}/sandbox`,
    clusterName: cluster.name,
    version: cluster.version,
    status: 'ACTIVE',
    capacityType: 'ON_DEMAND',
    scalingConfig: { minSize: size, maxSize: size, desiredSize: size },
    amiType: os === 'fargate' ? 'CUSTOM' : AMI_TYPES[os],
    health: { issues: [] },
    tags: {},
    createdAt: cluster.createdAt,
    modifiedAt: cluster.createdAt,
  };
}
