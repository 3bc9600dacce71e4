import type { Addon, AddonUpdate, Cluster, ProxyMode, Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import { after, latency, uuid } from '../latency.ts';
import { type JsonSchema, kubeProxyVersions } from './addon-schema.ts';
import { checkConfiguration, type EffectiveConfiguration, effective } from './configuration.ts';
import { requireActive } from './lookup.ts';
import { type AddonEnding, endUpdate, settleHealth } from './scripted-ending.ts';

type ResolveConflicts = 'OVERWRITE' | 'NONE' | 'PRESERVE';
/** What a change is checked against, and how it is to end. */
export interface ChangeRules {
  schemaOf(addonVersion: string): JsonSchema;
  ending: AddonEnding;
}

interface Change {
  readonly clusterName: string;
  readonly addonName: string;
  readonly addonVersion?: string | undefined;
  readonly configurationValues?: string | undefined;
  readonly resolveConflicts?: string | undefined;
  readonly clientRequestToken?: string | undefined;
}

/**
 * UpdateAddon: given values replace all former ones, `{}` resets them, left out they stay. The add-on is UPDATING until
 * the objects in the cluster are written; the pods are not restarted.
 * https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateAddon.html
 */
export function updateAddon(
  region: Region,
  cluster: Cluster,
  addon: Addon,
  change: Change,
  { schemaOf, ending }: ChangeRules,
): AddonUpdate {
  const version = change.addonVersion ?? addon.version;
  const resolve = resolveConflicts(change);
  const params = describeParams(change);
  const earlier = earlierUpdate(cluster, change.clientRequestToken, params);
  if (earlier) return earlier;
  requireActive(cluster);
  if (addon.status === 'UPDATING' || addon.status === 'CREATING' || addon.status === 'DELETING')
    throw inUse(cluster, addon);
  checkVersion(cluster, addon, version);
  const text =
    change.configurationValues === undefined ? addon.configurationValues : storedText(change.configurationValues);
  if (text !== null) checkConfiguration(text, schemaOf(version));
  const wanted = modelled(effective(text));
  const former = effective(addon.configurationValues);

  const update: AddonUpdate = {
    id: uuid(region),
    status: 'InProgress',
    createdAt: region.clock.now(),
    clientRequestToken: change.clientRequestToken,
    params,
    errors: [],
    appliedAt: null,
  };
  cluster.addonUpdates.push(update);
  addon.status = 'UPDATING';
  addon.modifiedAt = region.clock.now();
  const finish = () => finishUpdate(region, cluster, { addon, update, resolve, version, text, wanted, former, ending });
  region.clock.at(after(region, latency(region, region.latencies.addonUpdate)), finish);
  return update;
}

interface Pending {
  readonly addon: Addon;
  readonly update: AddonUpdate;
  readonly resolve: ResolveConflicts;
  readonly version: string;
  readonly text: string | null;
  readonly wanted: Modelled;
  readonly former: EffectiveConfiguration;
  readonly ending: AddonEnding;
}

async function finishUpdate(region: Region, cluster: Cluster, pending: Pending): Promise<void> {
  const { addon, update, wanted } = pending;
  const scripted = pending.ending();
  const cutShort = scripted && scripted.addonUpdate !== 'Degraded' ? scripted : undefined;
  try {
    if (cutShort && !cutShort.applied) {
      endUpdate(addon, update, cutShort);
      return;
    }
    const conflict = pending.resolve === 'OVERWRITE' ? undefined : conflicts(cluster, pending.former);
    const kept = conflict !== undefined && pending.resolve === 'PRESERVE' ? found(cluster) : undefined;
    if (conflict !== undefined && !kept) {
      fail(pending, { errorCode: 'ConfigurationConflict', errorMessage: conflict });
      return;
    }
    await apply(region, cluster, pending.version, { ...wanted, ...kept }, pending.resolve === 'PRESERVE');
    update.appliedAt = region.clock.now();
    addon.version = pending.version;
    addon.configurationValues = pending.text;
    settleHealth(addon, scripted);
    update.status = 'Successful';
    if (cutShort) endUpdate(addon, update, cutShort);
  } catch (error) {
    fail(pending, { errorCode: 'Unknown', errorMessage: String(error) });
    throw error;
  } finally {
    addon.modifiedAt = region.clock.now();
  }
}

function fail({ addon, update }: Pending, error: AddonUpdate['errors'][number]): void {
  update.errors.push(error);
  update.status = 'Failed';
  addon.status = 'UPDATE_FAILED';
}

/**
 * CreateAddon: takes over the kube-proxy that the cluster already runs. What differs from EKS's objects is a conflict:
 * OVERWRITE resolves it, NONE and PRESERVE end in CREATE_FAILED.
 */
export function createAddon(region: Region, cluster: Cluster, change: Change, rules: ChangeRules): void {
  requireActive(cluster);
  if (cluster.addon)
    throw new ServiceError('ResourceInUseException', 'Addon already exists.', 409, {
      clusterName: cluster.name,
      addonName: change.addonName,
    });
  const version = change.addonVersion ?? kubeProxyVersions(cluster.version)[0] ?? '';
  checkVersion(cluster, null, version);
  const resolve = resolveConflicts(change);
  const text = change.configurationValues === undefined ? null : storedText(change.configurationValues);
  if (text !== null) checkConfiguration(text, rules.schemaOf(version));
  const wanted = modelled(effective(text));
  const now = region.clock.now();
  const addon: Addon = { version, status: 'CREATING', configurationValues: text, createdAt: now, modifiedAt: now };
  cluster.addon = addon;
  region.clock.at(after(region, latency(region, region.latencies.addonUpdate)), async () => {
    const scripted = rules.ending();
    const cutShort = scripted !== undefined && scripted.addonUpdate !== 'Degraded';
    const refused = resolve !== 'OVERWRITE' && conflicts(cluster, wanted) !== undefined;
    if (!refused && (!cutShort || scripted.applied)) {
      await apply(region, cluster, version, wanted);
      settleHealth(addon, scripted);
    }
    if (refused || cutShort) addon.status = 'CREATE_FAILED';
    addon.modifiedAt = region.clock.now();
  });
}

/**
 * DeleteAddon with `preserve`: EKS stops managing kube-proxy and leaves its objects in the cluster. Without it the
 * cluster would lose its kube-proxy, which this sandbox does not implement.
 * https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteAddon.html
 */
export function deleteAddon(region: Region, cluster: Cluster, addon: Addon, preserve: boolean): void {
  if (!preserve)
    throw new ServiceError('InvalidRequestException', 'the sandbox deletes kube-proxy only with preserve', 400, {
      clusterName: cluster.name,
    });
  requireActive(cluster);
  if (addon.status === 'UPDATING' || addon.status === 'CREATING') throw inUse(cluster, addon);
  if (addon.status === 'DELETING') return;
  addon.status = 'DELETING';
  addon.modifiedAt = region.clock.now();
  region.clock.at(after(region, latency(region, region.latencies.addonUpdate)), () => {
    cluster.addon = null;
  });
}

type Modelled = EffectiveConfiguration & { mode: ProxyMode };

/** A mode that the sandbox's nodes do not know, though EKS would take it, is refused instead of being simulated wrongly. */
function modelled(configuration: EffectiveConfiguration): Modelled {
  const { mode } = configuration;
  if (mode === 'iptables' || mode === 'ipvs' || mode === 'nftables') return { ...configuration, mode };
  throw new ServiceError('InvalidRequestException', `the sandbox's nodes do not run kube-proxy in ${mode} mode`);
}

function apply(
  region: Region,
  cluster: Cluster,
  version: string,
  { mode, scheduler, podAnnotations }: Modelled,
  preserve = false,
): Promise<void> {
  return region.clock.busy(() => cluster.kubernetes.applyAddon({ mode, scheduler, podAnnotations, version, preserve }));
}

/** The conflict that EKS reports if someone else changed what it wrote last; undefined without a conflict. */
function conflicts(cluster: Cluster, written: EffectiveConfiguration): string | undefined {
  const now = found(cluster);
  if (now?.mode === written.mode && (now.mode !== 'ipvs' || now.scheduler === written.scheduler)) return undefined;
  return 'Conflicts found when trying to apply. Will not continue due to resolve conflicts mode. Conflicts: ConfigMap kube-proxy-config - .data.config';
}

/** The content of the ConfigMap; undefined if it is broken or deleted, so that nothing can be preserved. */
function found(cluster: Cluster): { mode: ProxyMode; scheduler: string } | undefined {
  try {
    const { mode, scheduler } = cluster.kubernetes.kubeProxyConfig();
    return { mode, scheduler };
  } catch {
    return undefined;
  }
}

/** An empty text configures nothing. */
function storedText(text: string): string | null {
  return text.trim() === '' ? null : text;
}

function resolveConflicts(change: Change): ResolveConflicts {
  const { resolveConflicts: value = 'NONE' } = change;
  if (value === 'OVERWRITE' || value === 'NONE' || value === 'PRESERVE') return value;
  throw new ServiceError(
    'InvalidParameterException',
    `resolveConflicts must be one of OVERWRITE, NONE, PRESERVE, not ${value}`,
  );
}

function describeParams(change: Change): AddonUpdate['params'] {
  const params: AddonUpdate['params'] = [];
  if (change.addonVersion !== undefined) params.push({ type: 'AddonVersion', value: change.addonVersion });
  if (change.resolveConflicts !== undefined) params.push({ type: 'ResolveConflicts', value: change.resolveConflicts });
  if (change.configurationValues !== undefined)
    params.push({ type: 'ConfigurationValues', value: change.configurationValues });
  return params;
}

function earlierUpdate(
  cluster: Cluster,
  token: string | undefined,
  params: AddonUpdate['params'],
): AddonUpdate | undefined {
  const earlier =
    token === undefined
      ? undefined
      : cluster.addonUpdates.find(({ clientRequestToken }) => clientRequestToken === token);
  if (earlier && JSON.stringify(earlier.params) !== JSON.stringify(params))
    throw new ServiceError(
      'InvalidRequestException',
      `The client request token ${token} was already used with other parameters`,
      400,
      { clusterName: cluster.name },
    );
  return earlier;
}

function inUse(cluster: Cluster, addon: Addon): ServiceError {
  const message = `Addon kube-proxy cannot be updated as it is currently in ${addon.status} state`;
  return new ServiceError('ResourceInUseException', message, 409, {
    clusterName: cluster.name,
    addonName: 'kube-proxy',
  });
}

/** A world file may run a version that is not in the table: it stays allowed. */
function checkVersion(cluster: Cluster, addon: Addon | null, version: string): void {
  if (version === addon?.version || kubeProxyVersions(cluster.version).includes(version)) return;
  throw new ServiceError('InvalidParameterException', `Addon version specified is not supported: ${version}`, 400, {
    clusterName: cluster.name,
    addonName: 'kube-proxy',
  });
}
