import { createHash } from 'node:crypto';
import {
  type Addon,
  type Cluster,
  CreateAddonCommand,
  DeleteAddonCommand,
  DescribeAddonCommand,
  DescribeAddonConfigurationCommand,
  DescribeAddonVersionsCommand,
  DescribeClusterCommand,
  DescribeUpdateCommand,
  EKSClient,
  ListUpdatesCommand,
  paginateListCapabilities,
  paginateListClusters,
  paginateListFargateProfiles,
  UpdateAddonCommand,
} from '@aws-sdk/client-eks';
import { AddonUpdateFailed, PreflightRefused, UnknownCluster } from '../core/errors.ts';
import type { ClusterStanding } from '../core/fleet/schedule-plan.ts';
import type { ClusterSnapshot } from '../core/preflight/snapshot.ts';
import { isNamed, mapLimited, memoised } from './clients.ts';

/** A configuration to send for the kube-proxy add-on. Calls with the same token change the add-on once. */
export interface AddonUpdate {
  cluster: string;
  version: string;
  configuration: string;
  token: string;
}

/** An add-on to create from a self-managed kube-proxy; if `version` is null, EKS's default for the cluster. */
export type AddonCreation = Omit<AddonUpdate, 'version'> & { version: string | null };

/** The EKS calls that nightshift makes. */
export interface Eks {
  /** Throws UnknownCluster; PreflightRefused while EKS does not yet know the cluster's network. */
  snapshot(cluster: string): Promise<ClusterSnapshot>;
  /** The names of all clusters in this account and Region. */
  clusters(): Promise<string[]>;
  /** The tags of a cluster, with one call; null if no cluster has this name. */
  tags(cluster: string): Promise<Record<string, string> | null>;
  /** Takes two calls for one cluster; null if no cluster has this name. */
  standing(cluster: string): Promise<ClusterStanding | null>;
  /** What advice about kube-proxy's mode rests on. Throws UnknownCluster. */
  standingForAdvice(cluster: string): Promise<AdvisedCluster>;
  /** The configuration schema of a version of the add-on, JSON text. */
  schema(version: string): Promise<string>;
  fargateProfiles(cluster: string): Promise<number>;
  /** The kube-proxy add-on as it is now, with one call; null if there is none. */
  addon(cluster: string): Promise<FoundAddon | null>;
  /**
   * Sends the whole configuration with OVERWRITE and returns the update's id. Throws AddonUpdateFailed if EKS refuses
   * it; ResourceInUseException keeps its own name, because waiting helps.
   */
  updateAddon(update: AddonUpdate): Promise<{ updateId: string }>;
  /**
   * Makes kube-proxy an add-on, overwriting its objects with EKS's own and this configuration. A repeated call leaves
   * an add-on with this configuration as it is. Throws AddonUpdateFailed; ResourceInUseException as above.
   */
  createAddon(creation: AddonCreation): Promise<void>;
  /** Makes kube-proxy self-managed again and leaves its objects as they are; does nothing if there is no add-on. */
  deleteAddon(cluster: string): Promise<void>;
}

/** What EKS knows of a cluster's kube-proxy and of its network plugin. */
export interface AdvisedCluster {
  version: string;
  autoMode: boolean;
  /** Null if kube-proxy is self-managed. */
  addon: { version: string; configuration: string | null; schema: string } | null;
  /** The version of the add-on vpc-cni; null if there is none. */
  cni: string | null;
}

/** The add-on as EKS describes it. `configuration` is the exact text of its values. */
export interface FoundAddon {
  version: string;
  status: string;
  configuration: string | null;
  /** Health issues, `code: message`. */
  issues: string[];
  tags: Readonly<Record<string, string>>;
}

const KUBE_PROXY = 'kube-proxy';
const VPC_CNI = 'vpc-cni';
const client = memoised((options) => new EKSClient(options));

export const eks: Eks = {
  async snapshot(name) {
    const cluster = await describeCluster(name);
    const addon = await describeAddon(name);
    return snapshotOf(cluster, {
      addon: addon && { ...addonOf(addon), schema: await schemaOf(addon.addonVersion) },
      offered: addon ? null : await offeredFor(cluster.version),
      updateInFlight: await updateInFlight(name, cluster, addon),
      capabilities: await capabilitiesOf(name),
    });
  },

  async clusters() {
    const names: string[] = [];
    for await (const page of paginateListClusters({ client: client() }, {})) names.push(...(page.clusters ?? []));
    return names;
  },

  async tags(name) {
    const cluster = await findCluster(name);
    return cluster && (cluster.tags ?? {});
  },

  async standing(name) {
    const cluster = await findCluster(name);
    if (cluster === null) return null;
    const addon = await describeAddon(name);
    return {
      name,
      status: required(cluster.status, 'a status', `DescribeCluster ${name}`),
      autoMode: cluster.computeConfig?.enabled === true,
      tags: cluster.tags ?? {},
      addon: addon && { configuration: addon.configurationValues ?? null },
    };
  },

  async standingForAdvice(name) {
    const cluster = await describeCluster(name);
    const addon = await describeAddon(name);
    const cni = await describeAddon(name, VPC_CNI);
    return {
      version: required(cluster.version, 'a version', `DescribeCluster ${name}`),
      autoMode: cluster.computeConfig?.enabled === true,
      addon: addon && { ...addonOf(addon), schema: await schemaOf(addon.addonVersion) },
      cni: cni?.addonVersion ?? null,
    };
  },

  schema: schemaOf,

  async fargateProfiles(clusterName) {
    let count = 0;
    for await (const page of paginateListFargateProfiles({ client: client() }, { clusterName }))
      count += page.fargateProfileNames?.length ?? 0;
    return count;
  },

  async addon(name) {
    const addon = await describeAddon(name);
    return addon && addonOf(addon);
  },

  async updateAddon({ cluster, version, configuration, token }) {
    try {
      const { update } = await client().send(
        new UpdateAddonCommand({
          clusterName: cluster,
          addonName: KUBE_PROXY,
          addonVersion: version,
          configurationValues: configuration,
          resolveConflicts: 'OVERWRITE',
          clientRequestToken: requestToken(token),
        }),
      );
      return { updateId: required(update?.id, 'an update id', `UpdateAddon of ${cluster}`) };
    } catch (error) {
      throw refused(error, cluster);
    }
  },

  async createAddon({ cluster, version, configuration, token }) {
    try {
      await client().send(
        new CreateAddonCommand({
          clusterName: cluster,
          addonName: KUBE_PROXY,
          ...(version !== null && { addonVersion: version }),
          configurationValues: configuration,
          resolveConflicts: 'OVERWRITE',
          clientRequestToken: requestToken(token),
        }),
      );
    } catch (error) {
      if (!isNamed(error, 'ResourceInUseException')) throw refused(error, cluster);
      // The answer to the first call may have been lost.
      const there = await describeAddon(cluster);
      if (there?.configurationValues !== configuration) throw error;
    }
  },

  async deleteAddon(cluster) {
    try {
      await client().send(new DeleteAddonCommand({ clusterName: cluster, addonName: KUBE_PROXY, preserve: true }));
    } catch (error) {
      if (!isNamed(error, 'ResourceNotFoundException')) throw refused(error, cluster);
    }
  },
};

/** EKS's refusal as AddonUpdateFailed; an error that passes by waiting keeps its name. */
function refused(error: unknown, cluster: string): unknown {
  if (!isNamed(error, 'InvalidParameterException', 'InvalidRequestException', 'ResourceNotFoundException'))
    return error;
  return new AddonUpdateFailed(`EKS refused the new kube-proxy configuration of ${cluster}: ${error.message}`, {
    nextStep: `See the installed version with \`aws eks describe-addon --cluster-name ${cluster} --addon-name kube-proxy\`, and compare the values with that version's schema.`,
    cause: error,
  });
}

async function describeCluster(name: string): Promise<Cluster> {
  const cluster = await findCluster(name);
  if (cluster) return cluster;
  throw new UnknownCluster(`There is no EKS cluster ${name} in this account and Region.`, {
    nextStep: 'See `aws eks list-clusters`.',
  });
}

async function findCluster(name: string): Promise<Cluster | null> {
  try {
    const { cluster } = await client().send(new DescribeClusterCommand({ name }));
    return required(cluster, 'a cluster', `DescribeCluster ${name}`);
  } catch (error) {
    if (isNamed(error, 'ResourceNotFoundException')) return null;
    throw error;
  }
}

async function describeAddon(clusterName: string, addonName = KUBE_PROXY): Promise<Addon | null> {
  try {
    const { addon } = await client().send(new DescribeAddonCommand({ clusterName, addonName }));
    return required(addon, 'an add-on', `DescribeAddon of ${clusterName}`);
  } catch (error) {
    if (isNamed(error, 'ResourceNotFoundException')) return null;
    throw error;
  }
}

/** The default version of the add-on for a Kubernetes version; null if EKS offers none. */
async function offeredFor(kubernetesVersion: string | undefined): Promise<ClusterSnapshot['offered']> {
  const { addons } = await client().send(
    new DescribeAddonVersionsCommand({ addonName: KUBE_PROXY, kubernetesVersion }),
  );
  const versions = addons?.flatMap(({ addonVersions }) => addonVersions ?? []) ?? [];
  const byDefault = versions.find(({ compatibilities }) =>
    compatibilities?.some(({ defaultVersion }) => defaultVersion),
  );
  const version = byDefault?.addonVersion;
  if (version === undefined) return null;
  const names = versions.flatMap(({ addonVersion }) => addonVersion ?? []);
  return { version, schema: await schemaOf(version), versions: names };
}

async function schemaOf(addonVersion: string | undefined): Promise<string> {
  const answer = await client().send(new DescribeAddonConfigurationCommand({ addonName: KUBE_PROXY, addonVersion }));
  return required(answer.configurationSchema, 'a configuration schema', `DescribeAddonConfiguration ${addonVersion}`);
}

/** The most updates of one kind that a look describes. */
const DESCRIBED = 20;

/**
 * Whether EKS is updating the cluster or the add-on. Usually their statuses show it. An update can also be in progress
 * while the status is still or again ACTIVE; to find it, the function describes at most 20 updates of each kind: an old
 * cluster has hundreds, EKS lists them in no order and throttles a call for each. If it finds none although there is
 * one, EKS refuses the write (ResourceInUseException), and the state machine waits.
 * https://github.com/aws/containers-roadmap/issues/1439
 */
async function updateInFlight(name: string, cluster: Cluster, addon: Addon | null): Promise<boolean> {
  if (cluster.status === 'UPDATING' || addon?.status === 'UPDATING') return true;
  const scopes = [{ name }, ...(addon ? [{ name, addonName: KUBE_PROXY }] : [])];
  for (const scope of scopes) {
    const { updateIds = [] } = await client().send(new ListUpdatesCommand({ ...scope, maxResults: 100 }));
    const updates = await mapLimited(updateIds.slice(0, DESCRIBED), 5, (updateId) =>
      client().send(new DescribeUpdateCommand({ ...scope, updateId })),
    );
    if (updates.some(({ update }) => update?.status === 'InProgress')) return true;
  }
  return false;
}

/**
 * The EKS Capabilities of the cluster; null if this Region has no capabilities, or the account forbids the call.
 * https://docs.aws.amazon.com/eks/latest/userguide/capabilities.html
 */
async function capabilitiesOf(clusterName: string): Promise<ClusterSnapshot['capabilities']> {
  const found: { type: string; name: string }[] = [];
  try {
    for await (const page of paginateListCapabilities({ client: client() }, { clusterName }))
      for (const { type, capabilityName: name, status } of page.capabilities ?? [])
        if (type && name && status !== 'DELETING' && status !== 'CREATE_FAILED') found.push({ type, name });
    return found;
  } catch (error) {
    if (isNamed(error, 'AccessDeniedException', 'UnknownOperationException')) return null;
    throw error;
  }
}

/** EKS's answer as a snapshot. Throws PreflightRefused if it lacks a field that a decision needs. */
export function snapshotOf(
  cluster: Cluster,
  found: Pick<ClusterSnapshot, 'addon' | 'offered' | 'updateInFlight' | 'capabilities'>,
): ClusterSnapshot {
  const network = cluster.kubernetesNetworkConfig;
  const serviceCidr = network?.ipFamily === 'ipv6' ? network.serviceIpv6Cidr : network?.serviceIpv4Cidr;
  const { name, arn, version, status } = cluster;
  if (!name || !arn || !version || !status || !serviceCidr)
    throw new PreflightRefused(`EKS does not yet report the service addresses of cluster ${name} (status ${status}).`, {
      nextStep: `Start again when \`aws eks describe-cluster --name ${name}\` shows the cluster ACTIVE.`,
    });
  return {
    name,
    arn,
    version,
    status,
    serviceCidr,
    api: apiOf(cluster),
    endpoint: {
      public: cluster.resourcesVpcConfig?.endpointPublicAccess === true,
      private: cluster.resourcesVpcConfig?.endpointPrivateAccess === true,
      publicCidrs: restriction(cluster.resourcesVpcConfig?.publicAccessCidrs ?? []),
    },
    // Clusters that are older than access entries do not have the field.
    authenticationMode: cluster.accessConfig?.authenticationMode ?? 'CONFIG_MAP',
    autoMode: cluster.computeConfig?.enabled === true,
    hybridNetworks: (cluster.remoteNetworkConfig?.remoteNodeNetworks ?? []).length > 0,
    tags: cluster.tags ?? {},
    ...found,
  };
}

/** EKS lists 0.0.0.0/0 (and ::/0) for an endpoint that answers everybody. The functions' own calls use IPv4. */
function restriction(publicAccessCidrs: readonly string[]): string[] {
  return publicAccessCidrs.includes('0.0.0.0/0') ? [] : [...publicAccessCidrs];
}

function apiOf({ endpoint: url, certificateAuthority }: Cluster): ClusterSnapshot['api'] {
  return url && certificateAuthority?.data ? { url, certificateAuthority: certificateAuthority.data } : null;
}

function addonOf(addon: Addon) {
  return {
    version: required(addon.addonVersion, 'a version', 'DescribeAddon'),
    status: required(addon.status, 'a status', 'DescribeAddon'),
    configuration: addon.configurationValues ?? null,
    issues: (addon.health?.issues ?? []).map(({ code, message }) => `${code}: ${message}`),
    tags: addon.tags ?? {},
  };
}

function required<Value>(value: Value | undefined, what: string, where: string): Value {
  if (value === undefined) throw new Error(`EKS answered ${where} without ${what}`);
  return value;
}

/** EKS remembers tokens. A digest in the form of a UUID satisfies every limit on length and alphabet. */
function requestToken(token: string): string {
  const digest = createHash('sha256').update(token).digest('hex');
  return digest.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}
