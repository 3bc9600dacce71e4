import * as z from 'zod/mini';
import { assertNever, EvidenceMissing, InvalidConfiguration } from '../errors.ts';
import { configuredProxying, parseConfiguration } from '../modes/addon-config.ts';
import { configMapProxying, isConfiguredFor } from '../modes/configured.ts';
import { ModeWithOptions, sameProxying } from '../modes/index.ts';
import type { Proxying, Target } from '../modes/proxy-mode.ts';
import { overwrittenFields } from '../preflight/config-map.ts';
import { type ClusterSnapshot, RestartStrategy, Way } from '../preflight/snapshot.ts';
import { serviceAddresses } from '../values/cluster-ip.ts';
import { parseRequest } from './request.ts';
import { restoredValues, textOf } from './restore.ts';

const text = z.string().check(z.minLength(1));
/** What the state SaveFormer of migrate-cluster writes: `former.json`. */
export const SavedFormer = z.object({
  request: z.unknown(),
  cluster: z.object({ name: text, serviceCidr: text }),
  addon: z.nullable(z.object({ version: text, configuration: z.nullable(z.string()) })),
  plan: z.object({
    strategy: RestartStrategy,
    way: Way,
    /** The configuration values that were to be sent; null for a way that does not send values. */
    configuration: z._default(z.nullable(z.string()), null),
    /** The version of the add-on that was to be created; null if EKS chose it, or no add-on was to be created. */
    createVersion: z._default(z.nullable(z.string()), null),
  }),
  inventory: z.object({ key: text }),
  configMap: z.nullable(z.string()),
  execution: z.object({ name: text, arn: text }),
});

/** What an execution saved before it changed anything: `former.json`. */
export type Former = Omit<z.output<typeof SavedFormer>, 'request'> & { target: Target };

/**
 * Reads `former.json`. Throws EvidenceMissing if it is not what an execution saves, or lacks what a rollback of this
 * kind of change needs.
 */
export function parseFormer(json: string): Former {
  try {
    const { request, ...former } = SavedFormer.parse(JSON.parse(json));
    const lacking = lacks(former);
    if (lacking === null) return { ...former, target: parseRequest(request).target };
    throw new Error(lacking);
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : '';
    throw new EvidenceMissing(`The former state that was saved before the change cannot be read: ${why}`, { cause });
  }
}

function lacks({ plan, addon, configMap }: Omit<Former, 'target'>): string | null {
  if (plan.way === 'addon') return addon ? null : 'it has no add-on, yet the change was one of the add-on';
  return configMap === null ? `it has no ConfigMap text, which the way ${plan.way} needs` : null;
}

/** What a rollback sends and proves. */
export const Restoration = z.object({
  /** Configuration values for UpdateAddon: exactly the former text, or `{}` if the add-on had no values. */
  configuration: z.string(),
  /** The configuration values that the execution was to send; null if it sent no values. */
  sent: z.nullable(z.string()),
  /**
   * The version of the add-on that the execution was to create; null if EKS chose it, or no add-on was to be created.
   */
  created: z.nullable(z.string()),
  /** What every node must run again, and the next pod start with. */
  proxying: ModeWithOptions,
  /**
   * What the former values of the add-on ask for; null for the ways without an add-on before the change. In a drifted
   * cluster it differs from what the nodes ran.
   */
  values: z.nullable(ModeWithOptions),
  /** Exactly the former text of kube-proxy's ConfigMap, if the add-on's values do not restore it. */
  configMap: z.nullable(z.string()),
  addon: z.nullable(z.object({ version: z.string() })),
});
export type Restoration = z.output<typeof Restoration>;

/**
 * Decides what a rollback restores. kube-proxy starts with what its ConfigMap asks for, not with the add-on's values: a
 * person may have edited the ConfigMap since EKS wrote it. In such a cluster the rollback restores the add-on's values,
 * and then the ConfigMap's text. Otherwise EKS writes the text, which may differ for a different version of the add-on.
 * @throws InvalidConfiguration for a former mode or scheduler that this product cannot prove
 */
export function restoration(former: Former): Restoration {
  const values = former.plan.way === 'addon' ? valuesProxying(former) : null;
  const proxying = liveProxying(former) ?? values;
  if (proxying === null)
    throw new InvalidConfiguration('The saved ConfigMap text names no mode that nightshift can prove.');
  return {
    configuration: textOf(former.addon?.configuration ?? null),
    sent: former.plan.configuration,
    created: former.plan.createVersion,
    proxying,
    values,
    configMap: values === null || !isRenderedFrom(values, former) ? former.configMap : null,
    addon: former.addon && { version: former.addon.version },
  };
}

/**
 * Whether EKS makes the former ConfigMap out of the former values: true if the ConfigMap had not been edited, or was
 * not read.
 */
function isRenderedFrom(values: Proxying, { configMap, cluster }: Former): boolean {
  if (configMap === null) return true;
  const live = configMapProxying(configMap);
  const edits = overwrittenFields(configMap, serviceAddresses(cluster.serviceCidr).family);
  return sameProxying(live, values) && edits !== null && edits.length === 0;
}

const valuesProxying = ({ addon }: Former): Proxying => configuredProxying(parseConfiguration(addon?.configuration));

const liveProxying = ({ configMap }: Former): Proxying | null =>
  configMap === null ? null : configMapProxying(configMap);

/** Where a cluster's configuration stands; what its nodes run is another question. */
export interface Standing {
  atTarget: boolean;
  atFormer: boolean;
}

/** What EKS reports about the add-on; null if there is no add-on. */
interface Configured {
  addon: Pick<NonNullable<ClusterSnapshot['addon']>, 'status' | 'configuration'> | null;
  updateInFlight: boolean;
}

/**
 * Compares what a cluster is configured for with the target and with what was saved. `configMap` is the present text,
 * or null if it was not read: then every answer that depends on it is false.
 */
export function standing(former: Former, snapshot: Configured, configMap: string | null): Standing {
  const settled = !snapshot.updateInFlight;
  const isUnread = configMap === null;
  const sameMap = !isUnread && configMap === former.configMap;
  const { addon } = snapshot;
  const { way } = former.plan;
  switch (way) {
    case 'addon':
    case 'create-addon': {
      const configured = settled && addon?.status === 'ACTIVE' && isConfiguredFor(addon.configuration, former.target);
      const atTarget = configured && says(configMap, former.target);
      if (way === 'create-addon') return { atTarget, atFormer: settled && addon === null && sameMap };
      const same = isRenderedFrom(valuesProxying(former), former)
        ? says(configMap, liveProxying(former))
        : isUnread || sameMap;
      return { atTarget, atFormer: settled && isFormer(addon, former) && same };
    }
    case 'config-map': {
      const now = configMap === null ? null : configMapProxying(configMap);
      return { atTarget: sameProxying(now, former.target), atFormer: sameMap };
    }
    default:
      return assertNever(way);
  }
}

/**
 * A failed update may have been applied in part, and kube-proxy reads the ConfigMap. True if the ConfigMap was not
 * read.
 */
function says(configMap: string | null, proxying: Proxying | null): boolean {
  if (configMap === null || proxying === null) return true;
  return sameProxying(configMapProxying(configMap), proxying);
}

/**
 * True if a rollback would write what is already there: nothing of the change is left, even if other principals changed
 * more.
 */
function isFormer(now: { configuration: string | null } | null, { addon, plan }: Former): boolean {
  if (now === null || addon === null) return false;
  const values = { former: addon.configuration, sent: plan.configuration, now: now.configuration };
  const restored = restoredValues(values);
  return restored.kind === 'write' && restored.text === textOf(now.configuration);
}

/** Whether a rollback, or a proof of the target, needs the Kubernetes API. */
export function needsKubernetes({ plan }: Former, nodes: { proxyMode: number }): boolean {
  return plan.strategy === 'kubernetes-api' || plan.way !== 'addon' || nodes.proxyMode > 0;
}
