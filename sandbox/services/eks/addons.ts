import type * as Sdk from '@aws-sdk/client-eks';
import { AddonIssueCode, ErrorCode } from '@aws-sdk/client-eks';
import type { Addon, AddonUpdate, Cluster, Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import type { Handlers } from '../../wire/operations.ts';
import { page } from '../paging.ts';
import { createAddon, deleteAddon, updateAddon } from './addon-changes.ts';
import {
  type JsonSchema,
  kubeProxySchema,
  kubeProxyVersions,
  kubernetesVersionOf,
  kubernetesVersions,
} from './addon-schema.ts';
import { ADDON_NAME, findAddon, findCluster } from './lookup.ts';
import { inNoOrder, throttle } from './past-updates.ts';
import type { AddonEnding } from './scripted-ending.ts';

export interface AddonOptions {
  /** A configuration schema in place of the built-in one of the version; undefined keeps the built-in one. */
  readonly addonSchema?: ((addonVersion: string) => JsonSchema | undefined) | undefined;
  /** How the change that ends now is to end; as it would if not given. */
  readonly addonEnding?: AddonEnding | undefined;
}

/** The operations on add-ons and on their updates. */
export function addonHandlers(region: Region, options: AddonOptions): Handlers<typeof Sdk> {
  const schemaOf = (version: string) => schemaFor(version, options);
  const describeCalls = throttle(region.clock);
  const rules = { schemaOf, ending: options.addonEnding ?? (() => undefined) };
  return {
    DescribeAddon: ({ clusterName, addonName }) => ({
      addon: describeAddon(region, findCluster(region, clusterName), addonName),
    }),
    ListAddons: ({ clusterName, nextToken, maxResults }) => {
      const { addon, cni } = findCluster(region, clusterName);
      const names = [...(addon ? [ADDON_NAME] : []), ...(cni?.addon ? [CNI_ADDON_NAME] : [])];
      const { items, nextToken: next } = page(names, { token: nextToken, size: maxResults ?? 100 });
      return { addons: items, nextToken: next };
    },
    DescribeAddonConfiguration: ({ addonName, addonVersion }) => {
      requireKubeProxy(addonName);
      return {
        addonName,
        addonVersion,
        configurationSchema: JSON.stringify(schemaOf(addonVersion)),
        podIdentityConfiguration: [],
      };
    },
    DescribeAddonVersions: ({ addonName, kubernetesVersion }) => ({
      addons: addonName === undefined || addonName === ADDON_NAME ? [describeVersions(kubernetesVersion)] : [],
    }),
    UpdateAddon: (input) => {
      const cluster = findCluster(region, input.clusterName);
      return {
        update: describeUpdate(updateAddon(region, cluster, findAddon(cluster, input.addonName), input, rules)),
      };
    },
    CreateAddon: (input) => {
      requireKubeProxy(input.addonName);
      const cluster = findCluster(region, input.clusterName);
      createAddon(region, cluster, input, rules);
      return { addon: describeAddon(region, cluster, input.addonName) };
    },
    DeleteAddon: ({ clusterName, addonName, preserve = false }) => {
      const cluster = findCluster(region, clusterName);
      deleteAddon(region, cluster, findAddon(cluster, addonName), preserve);
      return { addon: describeAddon(region, cluster, addonName) };
    },
    DescribeUpdate: ({ name, updateId, addonName }) => {
      describeCalls();
      const cluster = findCluster(region, name);
      const found = addonName === ADDON_NAME ? cluster.addonUpdates.find(({ id }) => id === updateId) : undefined;
      if (found) return { update: describeUpdate(found) };
      throw new ServiceError('ResourceNotFoundException', `No update found for ID: ${updateId}`, 404, {
        clusterName: name,
      });
    },
    ListUpdates: ({ name, addonName, nextToken, maxResults }) => {
      const cluster = findCluster(region, name);
      const ids = addonName === ADDON_NAME ? inNoOrder(cluster.addonUpdates.map(({ id }) => id)) : [];
      const { items, nextToken: next } = page(ids, { token: nextToken, size: maxResults ?? 100 });
      return { updateIds: items, nextToken: next };
    },
  };
}

function schemaFor(addonVersion: string, options: AddonOptions): JsonSchema {
  const kubernetesVersion = kubernetesVersionOf(addonVersion);
  if (kubernetesVersion === undefined)
    throw new ServiceError(
      'ResourceNotFoundException',
      `Addon version ${addonVersion} of ${ADDON_NAME} was not found`,
      404,
    );
  return options.addonSchema?.(addonVersion) ?? kubeProxySchema(kubernetesVersion);
}

const CNI_ADDON_NAME = 'vpc-cni';

/** The add-on vpc-cni of a cluster that has it. The sandbox describes it, and changes it for nobody. */
function cniAddon({ cni, createdAt }: Cluster): Addon | null {
  if (!cni?.addon) return null;
  const version = `${cni.version}-eksbuild.1`;
  return { version, status: 'ACTIVE', configurationValues: null, createdAt, modifiedAt: createdAt };
}

function requireKubeProxy(addonName: string): void {
  if (addonName !== ADDON_NAME)
    throw new ServiceError('ResourceNotFoundException', `Addon ${addonName} was not found`, 404, { addonName });
}

function describeAddon(region: Region, cluster: Cluster, addonName: string): Sdk.Addon {
  const addon = (addonName === CNI_ADDON_NAME ? cniAddon(cluster) : null) ?? findAddon(cluster, addonName);
  return {
    addonName,
    clusterName: cluster.name,
    status: addon.status,
    addonVersion: addon.version,
    health: { issues: (addon.issues ?? []).map(({ code, message }) => ({ code: issueCode(code), message })) },
    addonArn: `arn:aws:eks:${region.name}:${region.account}:addon/${cluster.name}/${addonName}/${arnSuffix(cluster.name)}`,
    createdAt: addon.createdAt,
    modifiedAt: addon.modifiedAt,
    tags: { ...addon.tags },
    ...(addon.configurationValues !== null && { configurationValues: addon.configurationValues }),
  };
}

function issueCode(code: string): Sdk.AddonIssueCode {
  return Object.values(AddonIssueCode).find((known) => known === code) ?? 'InternalFailure';
}

/** EKS ends an add-on's ARN with a UUID; this one is made of the cluster's name, so that it stays the same. */
function arnSuffix(clusterName: string): string {
  const hex = Buffer.from(clusterName).toString('hex').padEnd(32, '0').slice(0, 32);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function describeUpdate(update: AddonUpdate): Sdk.Update {
  return {
    id: update.id,
    status: update.status,
    type: 'AddonUpdate',
    params: update.params.map(({ type, value }) => ({ type: updateParam(type), value })),
    createdAt: update.createdAt,
    errors: update.errors.map(({ errorCode, errorMessage }) => ({ errorCode: updateError(errorCode), errorMessage })),
  };
}

function updateParam(type: string): Sdk.UpdateParamType {
  if (type === 'ConfigurationValues' || type === 'ResolveConflicts') return type;
  return 'AddonVersion';
}

function updateError(code: string): Sdk.ErrorCode {
  return Object.values(ErrorCode).find((known) => known === code) ?? 'Unknown';
}

function describeVersions(kubernetesVersion: string | undefined): Sdk.AddonInfo {
  const clusters = kubernetesVersion === undefined ? kubernetesVersions() : [kubernetesVersion];
  return {
    addonName: ADDON_NAME,
    type: 'networking',
    publisher: 'eks',
    owner: 'aws',
    addonVersions: clusters.toReversed().flatMap((clusterVersion) =>
      kubeProxyVersions(clusterVersion).map((addonVersion, index) => ({
        addonVersion,
        architecture: ['amd64', 'arm64'],
        compatibilities: [{ clusterVersion, defaultVersion: index === 0, platformVersions: ['*'] }],
        requiresConfiguration: false,
        requiresIamPermissions: false,
      })),
    ),
  };
}
