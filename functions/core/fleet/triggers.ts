import { LONGEST_EXECUTION_NAME } from '../execution/executions.ts';
import type { MigrationRequest } from '../execution/request.ts';
import { isConfiguredFor } from '../modes/configured.ts';
import { compactMoment } from '../values/compact-moment.ts';
import { cutName, shortDigest } from '../values/digest.ts';
import { type ClusterCreated, type RefusedCall, whyRefused } from './cloudtrail.ts';
import { enrolmentOf } from './enrolment.ts';
import type { InstanceRunning } from './native-events.ts';
import type { ClusterStanding } from './schedule-plan.ts';
import type { Settings } from './settings.ts';

/** What nightshift does about an event: ignore it, report a wrong tag, or start migrate-cluster. */
export type Reaction =
  | { kind: 'ignore'; reason: string }
  | { kind: 'refuse'; reason: string }
  | { kind: 'start'; name: string; request: MigrationRequest };

const ignore = (reason: string): Reaction => ({ kind: 'ignore', reason });

/** `prefix-cluster-suffix`; a name that is too long is cut and told apart by a digest of its cluster. */
export function executionName(prefix: string, cluster: string, suffix: string): string {
  return cutName(`${prefix}-${cluster}`, { of: cluster, longest: LONGEST_EXECUTION_NAME, tail: `-${suffix}` });
}

/** Makes a text fit for `requestedBy`: one line, at most 512 characters. */
const asker = (text: string): string => text.replace(/\p{Cc}/gu, ' ').slice(0, 512);

/**
 * What follows on a cluster that was created. The same record always gives the same name, so a second delivery starts
 * nothing. A new cluster needs no tag to be enforced; one that is tagged out is left alone.
 */
export function reactToCluster(created: ClusterCreated | RefusedCall, settings: Settings): Reaction {
  if (created.kind === 'refused') return ignore(whyRefused(created));
  const { cluster, tags, by, eventId } = created;
  if (settings.newClusters === 'ignore') return ignore('New clusters are left alone, by the settings.');
  const enrolment = enrolmentOf(tags, { ...settings, enrolment: 'all' });
  if (enrolment.kind === 'not-enrolled') return ignore(enrolment.reason);
  if (enrolment.kind === 'refused') return { kind: 'refuse', reason: enrolment.reason };
  const { target, window } = enrolment;
  const requestedBy = asker(`nightshift, because ${by} created the cluster (event ${eventId})`);
  const { acknowledge } = settings;
  return {
    kind: 'start',
    name: executionName('created', cluster, shortDigest(eventId)),
    request: { cluster, target, window, acknowledge, requestedBy, awaitActive: true },
  };
}

const MINUTE = 60_000;
/** Nodes that join within so long are looked at together: a hundred nodes start one execution. */
const TOGETHER = 15 * MINUTE;
/** How long an instance may take from running to a node whose agent answers. */
const SETTLING = 5 * MINUTE;

/**
 * What follows on a node of a cluster that is configured for its target: an execution that begins when all that joined
 * in the same quarter of an hour have settled, proves every node, and repairs in the window what was not prepared.
 * Elsewhere nothing: the migration to come prepares every node.
 */
export function reactToNode(
  { instanceId, at }: InstanceRunning,
  standing: ClusterStanding | null,
  settings: Settings,
): Reaction {
  if (standing === null) return ignore('There is no such cluster.');
  const { name: cluster, tags, addon, status } = standing;
  if (status !== 'ACTIVE' && status !== 'UPDATING') return ignore(`The cluster is ${status}.`);
  const enrolment = enrolmentOf(tags, settings);
  if (enrolment.kind === 'not-enrolled') return ignore(enrolment.reason);
  if (enrolment.kind === 'refused') return { kind: 'refuse', reason: enrolment.reason };
  const { target, window } = enrolment;
  if (addon === null || !isConfiguredFor(addon.configuration, target))
    return ignore('The add-on is not configured for the target: a migration prepares every node.');
  const until = new Date((Math.floor(at.getTime() / TOGETHER) + 1) * TOGETHER);
  const quarter = compactMoment(until);
  const requestedBy = asker(`nightshift, because nodes joined until ${until.toISOString()}, ${instanceId} among them`);
  const notBefore = new Date(until.getTime() + SETTLING).toISOString();
  const { acknowledge } = settings;
  return {
    kind: 'start',
    name: executionName('joined', cluster, quarter),
    request: { cluster, target, window, acknowledge, requestedBy, notBefore },
  };
}
