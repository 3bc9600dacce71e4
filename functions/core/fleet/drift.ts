import { InvalidConfiguration } from '../errors.ts';
import { configuredProxying, parseConfiguration } from '../modes/addon-config.ts';
import { isConfiguredFor } from '../modes/configured.ts';
import { describeProxying } from '../modes/index.ts';
import type { AddonCall } from './cloudtrail.ts';
import { enrolmentOf } from './enrolment.ts';
import type { AddonEvent } from './native-events.ts';
import type { ClusterStanding } from './schedule-plan.ts';
import type { Settings } from './settings.ts';

/** What was done to a cluster's kube-proxy add-on; `by` is null where EKS does not say who did it. */
export interface AddonChange {
  cluster: string;
  eventId: string;
  /** Name of the call, or of EKS's event. */
  what: string;
  by: string | null;
  /** What the add-on is to be after the call, where the record tells; EKS may still be at it. */
  next: { kind: 'deleted' } | { kind: 'configured'; configuration: string | null } | { kind: 'as-it-stands' };
}

/**
 * A recorded call as a change. An update without values keeps those that are there; an add-on that is made without any
 * has none. Values that CloudTrail does not show as they are tell less than EKS itself.
 */
export function changeByCall({ cluster, eventId, call, by, configuration }: AddonCall): AddonChange {
  const change = { cluster, eventId, what: call, by };
  switch (call) {
    case 'DeleteAddon':
      return { ...change, next: { kind: 'deleted' } };
    case 'CreateAddon':
      return { ...change, next: configuration === null ? { kind: 'configured', configuration } : shown(configuration) };
    case 'UpdateAddon':
      return { ...change, next: configuration === null ? AS_IT_STANDS : shown(configuration) };
  }
}

const AS_IT_STANDS = { kind: 'as-it-stands' } as const;

/** One of EKS's own events as a change. */
export function changeByEvent({ cluster, eventId, what }: AddonEvent): AddonChange {
  return { cluster, eventId, what, by: null, next: AS_IT_STANDS };
}

function shown(configuration: string): AddonChange['next'] {
  try {
    const readable = parseConfiguration(configuration).format !== 'none';
    return readable ? { kind: 'configured', configuration } : AS_IT_STANDS;
  } catch (error) {
    if (error instanceof InvalidConfiguration) return AS_IT_STANDS;
    throw error;
  }
}

export type DriftDecision =
  | { kind: 'ignore'; reason: string }
  | { kind: 'refuse'; reason: string }
  /** `found` and `wanted` are for people; `standing` is the cluster as it is after the change. */
  | { kind: 'drift'; found: string; wanted: string; standing: ClusterStanding };

/** Whether an enrolled cluster is off its target after a change of its add-on, as far as its configuration tells. */
export function decideDrift(
  { next }: AddonChange,
  standing: ClusterStanding | null,
  settings: Settings,
): DriftDecision {
  if (standing === null) return { kind: 'ignore', reason: 'There is no such cluster.' };
  const enrolment = enrolmentOf(standing.tags, settings);
  if (enrolment.kind === 'not-enrolled') return { kind: 'ignore', reason: enrolment.reason };
  if (enrolment.kind === 'refused') return { kind: 'refuse', reason: enrolment.reason };
  const after = standingAfter(standing, next);
  if (after.addon !== null && isConfiguredFor(after.addon.configuration, enrolment.target))
    return { kind: 'ignore', reason: 'The add-on is configured for the target.' };
  return { kind: 'drift', found: foundIn(after), wanted: describeProxying(enrolment.target), standing: after };
}

function standingAfter(standing: ClusterStanding, next: AddonChange['next']): ClusterStanding {
  switch (next.kind) {
    case 'deleted':
      return { ...standing, addon: null };
    case 'configured':
      return { ...standing, addon: { configuration: next.configuration } };
    case 'as-it-stands':
      return standing;
  }
}

function foundIn({ addon }: ClusterStanding): string {
  if (addon === null) return 'no add-on: kube-proxy is self-managed';
  try {
    return describeProxying(configuredProxying(parseConfiguration(addon.configuration)));
  } catch (error) {
    if (error instanceof InvalidConfiguration) return `a configuration that cannot be read: ${error.message}`;
    throw error;
  }
}
