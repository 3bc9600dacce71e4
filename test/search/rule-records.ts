import { createHash } from 'node:crypto';
import { claimsOf, eventsOf, requestOf } from './claims.ts';
import { canRecord, isOutForEver } from './misfortunes.ts';
import { addonChanges, senderOf } from './others.ts';
import {
  asJson,
  type ClusterSeen,
  clustersOf,
  deedsOf,
  type ExecutionSeen,
  evidenceOf,
  isChange,
  isDisruptive,
  isMigration,
  type Json,
  objectText,
  outcomeOf,
  ownerOf,
  type Seen,
  textOf,
} from './seen.ts';

/** Rule 8: history and evidence alone tell who asked, what changed from what to what, when, and what nodes said. */
export function evidenceAndHistoryTellAll(seen: Seen): string[] {
  return clustersOf(seen).flatMap((cluster) =>
    cluster.executions.flatMap((execution) =>
      [...recordOf(seen, cluster, execution), ...formerOf(seen, cluster, execution), ...unsaid(seen, execution)].map(
        (violation) => `${execution.name} of ${cluster.before.name} ${violation}`,
      ),
    ),
  );
}

/** The record of an end: the execution's own, or that of the recovery which ended it. */
function recordOf(seen: Seen, cluster: ClusterSeen, execution: ExecutionSeen): string[] {
  if (execution.status === 'RUNNING') return [];
  const own = outcomeOf(seen, execution);
  if (own) return [...contradictions(seen, cluster, execution, own), ...brokenIndex(seen, own)];
  if (!canRecord(seen)) return [];
  const deeds = deedsOf(execution);
  const began = deeds.some((deed) => isChange(deed) || /createSchedule|createAccessEntry/.test(deed.what));
  if (!isMigration(execution) || !began) return [];
  const recovered = cluster.executions.some(
    (other) => !isMigration(other) && ownerOf(other) === execution.name && outcomeOf(seen, other) !== null,
  );
  const told = recovered || eventsOf(seen, cluster).includes('nightshift.RollbackFailed');
  return told ? [] : ['began, ended, and left no record'];
}

/** Who asked for what, from what to what. */
function contradictions(seen: Seen, cluster: ClusterSeen, execution: ExecutionSeen, outcome: Json): string[] {
  const request = asJson(outcome['request']);
  const asked = requestOf(cluster, execution);
  const changed = deedsOf(execution).some(isDisruptive);
  const ending = textOf(outcome['ending']);
  const succeeded = ['migrated', 'already-compliant'].includes(ending);
  // What is proven is recorded, whatever is still held; the execution fails for what is held.
  const error = textOf(asJson(outcome['error'])['name']);
  const keepsAccess = error === 'AccessRemains';
  const complete = !keepsAccess && error !== 'EvidenceMissing';
  const shouldSucceed = complete && (isMigration(execution) ? succeeded : ending !== 'rollback-failed');
  const refused = seen.calls.some(({ operation, error }) => operation === 'DeleteAccessEntry' && error !== undefined);
  return [
    ...(request['cluster'] === cluster.before.name ? [] : ['recorded another cluster']),
    ...(isMigration(execution) && asked?.requestedBy !== request['requestedBy'] ? ['recorded someone else'] : []),
    ...(changed && outcome['changed'] !== true ? ['changed something and recorded that it did not'] : []),
    ...(execution.status === 'ABORTED' ||
    isOwed(seen, execution, outcome) ||
    (execution.status === 'SUCCEEDED') === shouldSucceed
      ? []
      : [`recorded ${ending} and ended ${execution.status}`]),
    ...(keepsAccess && !(refused && execution.error === 'AccessRemains')
      ? ['recorded that access remains, and history says otherwise']
      : []),
    ...(eventMissing(seen, cluster, ending) ? [`recorded ${ending}, and no event says so`] : []),
    ...claimsOf(seen, cluster)
      .filter((claim) => claim.execution === execution && changed && cluster.before.addon !== null)
      .filter(() => typeof outcome['from'] === 'undefined' || typeof outcome['to'] === 'undefined')
      .map(() => 'does not say from what to what'),
  ];
}

/** An ending that was proven, and whose record or evidence was refused for a while: the execution fails for that alone. */
function isOwed(seen: Seen, { error }: ExecutionSeen, outcome: Json): boolean {
  const refused = (...operations: string[]) =>
    seen.calls.some((call) => call.error !== undefined && operations.includes(call.operation));
  if (error === 'OutcomeNotRecorded') return refused('PutEvents', 'PutObject', 'GetObject', 'ListObjectsV2', 'Invoke');
  return error === 'EvidenceMissing' && Array.isArray(outcome['missing']) && refused('PutObject');
}

const EVENTS: Readonly<Record<string, string>> = {
  migrated: 'MigrationSucceeded',
  'already-compliant': 'MigrationSucceeded',
  finished: 'MigrationSucceeded',
  refused: 'MigrationRefused',
  failed: 'MigrationFailed',
  'rolled-back': 'MigrationRolledBack',
  'rollback-failed': 'RollbackFailed',
};

function eventMissing(seen: Seen, cluster: ClusterSeen, ending: string): boolean {
  const event = EVENTS[ending];
  if (isOutForEver(seen, 'events', 'PutEvents')) return false;
  return event !== undefined && !eventsOf(seen, cluster).includes(`nightshift.${event}`);
}

/** The index names objects that are there, with the hash that they have. */
function brokenIndex(seen: Seen, outcome: Json): string[] {
  const entries = Array.isArray(outcome['evidence']) ? outcome['evidence'].map(asJson) : [];
  return entries.flatMap(({ key, sha256 }) => {
    const bytes = seen.objects.get(textOf(key));
    if (!bytes) return [`names ${textOf(key)}, which is not there`];
    const hash = createHash('sha256').update(bytes).digest('hex');
    return hash === sha256 ? [] : [`names ${textOf(key)} with another hash`];
  });
}

/** What was there before the first change lies in S3. */
function formerOf(seen: Seen, cluster: ClusterSeen, execution: ExecutionSeen): string[] {
  if (!isMigration(execution) || !deedsOf(execution).some(isDisruptive)) return [];
  const text = objectText(seen, `executions/${execution.name}/former.json`);
  if (text === null) return ['changed something and did not save what was there'];
  const first = addonChanges(cluster).find(
    (change) => change.kind === 'update' && change.by === 'product' && senderOf(cluster, change) === execution,
  );
  if (!first?.before) return [];
  const { configuration, version } = first.before;
  const saved = asJson(asJson(JSON.parse(text))['addon']);
  return [
    ...(saved['configuration'] === configuration
      ? []
      : [`saved ${JSON.stringify(saved['configuration'])} where ${JSON.stringify(configuration)} was`]),
    ...(saved['version'] === version ? [] : [`saved version ${saved['version']} where ${version} was`]),
  ];
}

/** Every node that a judged step asked has its line in the evidence. */
function unsaid(seen: Seen, execution: ExecutionSeen): string[] {
  return evidenceOf(seen, execution).flatMap(({ step, commandIds, verdicts }) => {
    const said = new Set(verdicts.map(({ node }) => node));
    return seen.outputs
      .filter(({ commandId, node }) => commandIds.includes(commandId) && !said.has(node))
      .map(({ node }) => `asked ${node} in ${step}, and the evidence does not say what it answered`);
  });
}
