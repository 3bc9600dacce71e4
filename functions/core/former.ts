import * as z from 'zod/mini';
import { configuredProxying, parseConfiguration } from './addon-config.ts';
import { configMapProxying, isConfiguredFor } from './configured.ts';
import { assertNever, EvidenceMissing, InvalidConfiguration } from './errors.ts';
import { type Proxying, sameProxying, type Target } from './proxy-mode.ts';
import { parseRequest } from './request.ts';
import { restoredValues, textOf } from './restore.ts';
import type { ClusterSnapshot } from './snapshot.ts';

const text = z.string().check(z.minLength(1));
const Shape = z.object({
  request: z.unknown(),
  cluster: z.object({ name: text }),
  addon: z.nullable(z.object({ version: text, configuration: z.nullable(z.string()) })),
  plan: z.object({
    strategy: z.enum(['kubernetes-api', 'pod-annotations']),
    way: z.enum(['addon', 'create-addon', 'config-map']),
    /** The configuration values that were to be sent; null with a way that sends none. */
    configuration: z._default(z.nullable(z.string()), null),
    /** The version of the add-on that was to be created; null if EKS chose it, or none was to be. */
    createVersion: z._default(z.nullable(z.string()), null),
  }),
  inventory: z.object({ key: text }),
  configMap: z.nullable(z.string()),
  execution: z.object({ name: text, arn: text }),
});

/** What an execution saved before it changed anything: `former.json`. */
export type Former = Omit<z.output<typeof Shape>, 'request'> & { target: Target };

/**
 * Reads `former.json`. Throws EvidenceMissing when it is not what an execution saves, or lacks what the way of its
 * change needs to go back.
 */
export function parseFormer(json: string): Former {
  try {
    const { request, ...former } = Shape.parse(JSON.parse(json));
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
export interface Restoration {
  /** Configuration values for UpdateAddon: exactly the former text, or `{}` where there was none. */
  configuration: string;
  /** The configuration values that the execution was to send; null where it sent none. */
  sent: string | null;
  /** The version of the add-on that the execution was to create; null if EKS chose it, or none was to be created. */
  created: string | null;
  /** What every node must run again. */
  proxying: Proxying;
  /** Exactly the former text of kube-proxy's ConfigMap, where the way of the change went through it. */
  configMap: string | null;
  addon: { version: string } | null;
}

/**
 * What a rollback rests on.
 * @throws InvalidConfiguration for a former mode or scheduler that this product cannot prove
 */
export function restoration(former: Former): Restoration {
  return {
    configuration: textOf(former.addon?.configuration ?? null),
    sent: former.plan.configuration,
    created: former.plan.createVersion,
    proxying: formerProxying(former),
    configMap: former.plan.way === 'addon' ? null : former.configMap,
    addon: former.addon && { version: former.addon.version },
  };
}

function formerProxying({ plan: { way }, addon, configMap }: Former): Proxying {
  if (way === 'addon') return configuredProxying(parseConfiguration(addon?.configuration));
  const proxying = configMap === null ? null : configMapProxying(configMap);
  if (proxying) return proxying;
  throw new InvalidConfiguration('The saved ConfigMap text names no mode that nightshift can prove.');
}

/** Where a cluster's configuration stands; what its nodes run is another question. */
export interface Standing {
  atTarget: boolean;
  atFormer: boolean;
}

/**
 * Compares what a cluster is configured for with the target and with what was saved. `configMap` is the text as it is
 * now, null where nobody read it: then nothing that depends on it is taken for true.
 */
export function standing(former: Former, snapshot: ClusterSnapshot, configMap: string | null): Standing {
  const settled = !snapshot.updateInFlight;
  const sameMap = configMap !== null && configMap === former.configMap;
  const { addon } = snapshot;
  const { way } = former.plan;
  switch (way) {
    case 'addon':
    case 'create-addon': {
      const configured = settled && addon?.status === 'ACTIVE' && isConfiguredFor(addon.configuration, former.target);
      const atTarget = configured && says(configMap, former.target);
      if (way === 'create-addon') return { atTarget, atFormer: settled && addon === null && sameMap };
      const before = former.configMap === null ? null : configMapProxying(former.configMap);
      return { atTarget, atFormer: settled && isFormer(addon, former) && says(configMap, before) };
    }
    case 'config-map': {
      const now = configMap === null ? null : configMapProxying(configMap);
      return { atTarget: now !== null && sameProxying(now, former.target), atFormer: sameMap };
    }
    default:
      return assertNever(way);
  }
}

/** An update that failed may have been applied in part: kube-proxy reads the ConfigMap. True where nobody read it. */
function says(configMap: string | null, proxying: Proxying | null): boolean {
  if (configMap === null || proxying === null) return true;
  const now = configMapProxying(configMap);
  return now !== null && sameProxying(now, proxying);
}

/** True when a rollback would write what is there: nothing of the change is left, whatever others changed. */
function isFormer(now: { configuration: string | null } | null, { addon, plan }: Former): boolean {
  if (now === null || addon === null) return false;
  const values = { former: addon.configuration, sent: plan.configuration, now: now.configuration };
  const restored = restoredValues(values);
  return restored.kind === 'write' && restored.text === textOf(now.configuration);
}

/** Whether going back, or proving the target, needs the Kubernetes API. */
export function needsKubernetes({ plan }: Former, nodes: { proxyMode: number }): boolean {
  return plan.strategy === 'kubernetes-api' || plan.way !== 'addon' || nodes.proxyMode > 0;
}
