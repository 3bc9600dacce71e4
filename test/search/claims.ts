import type { CaseRequest } from './case.ts';
import { addonAt, addonChanges, senderOf } from './others.ts';
import {
  asJson,
  type ClusterSeen,
  deedsOf,
  type Evidence,
  type ExecutionSeen,
  evidenceOf,
  isDisruptive,
  isMigration,
  objectText,
  outcomeOf,
  ownerOf,
  type Seen,
  textOf,
} from './seen.ts';
import { configured, formerly, type Running, sameValues, wanted } from './truth.ts';

/** What an execution says of a cluster in its record: all nodes run this, and proved it. */
export interface Claim {
  readonly execution: ExecutionSeen;
  readonly ending: string;
  readonly running: Running;
  /** What the add-on's values ask for: something else in a cluster that had drifted, and drifted again with the way back. */
  readonly values: Running;
  readonly endedAt: string;
  /** Whose evidence the proof lies in. */
  readonly provenBy: string;
}

const TARGET = new Set(['migrated', 'already-compliant', 'finished']);

/** The request that a migration, or the owner of a rollback, came from. */
export function requestOf(cluster: ClusterSeen, execution: ExecutionSeen): CaseRequest | undefined {
  const migration = isMigration(execution)
    ? execution
    : cluster.executions.find(({ name }) => name === ownerOf(execution));
  return cluster.requests.find((request) => sameValues(request, migration?.input));
}

/** Every claim about a cluster, oldest first. */
export function claimsOf(seen: Seen, cluster: ClusterSeen): Claim[] {
  const claims = cluster.executions.flatMap((execution): Claim[] => {
    const outcome = outcomeOf(seen, execution);
    const request = requestOf(cluster, execution);
    if (!outcome || !request) return [];
    const ending = textOf(outcome['ending']);
    const undoneBy = textOf(asJson(outcome['rollback'])['name']);
    const endedAt = textOf(outcome['endedAt']);
    if (TARGET.has(ending)) {
      const running = wanted(request);
      return [{ execution, ending, running, values: running, endedAt, provenBy: execution.name }];
    }
    if (ending !== 'rolled-back') return [];
    const owner = isMigration(execution) ? execution.name : ownerOf(execution);
    const values = valuesBefore(seen, cluster, owner);
    const running = configMapBefore(seen, owner) ?? values;
    return [{ execution, ending, running, values, endedAt, provenBy: undoneBy || execution.name }];
  });
  return claims.sort((a, b) => (a.endedAt < b.endedAt ? -1 : 1));
}

/** What the ConfigMap asked for before an execution's change, as far as it could be read. */
function configMapBefore(seen: Seen, owner: string): Running | null {
  const { configMap } = asJson(JSON.parse(objectText(seen, `executions/${owner}/former.json`) ?? '{}'));
  return typeof configMap === 'string' ? configured(configMap) : null;
}

/**
 * What the add-on's values asked for before an execution's change: what it found when it first sent one. What it saved
 * says so where it went through the ConfigMap.
 */
function valuesBefore(seen: Seen, cluster: ClusterSeen, owner: string): Running {
  const first = addonChanges(cluster).find(
    (change) => change.by === 'product' && senderOf(cluster, change)?.name === owner,
  );
  if (first?.before) return configured(first.before.configuration);
  const found = addonWhenSaved(seen, cluster, owner);
  if (found) return configured(found.configuration);
  const changing = cluster.executions.filter((each) => isMigration(each) && deedsOf(each).some(isDisruptive));
  if (changing.length < 2) return formerly(cluster.before);
  const former = asJson(JSON.parse(objectText(seen, `executions/${owner}/former.json`) ?? '{}'));
  const configuration = asJson(former['addon'])['configuration'];
  return configured(typeof configuration === 'string' ? configuration : null);
}

/** The add-on as EKS had it when an execution saved what it found; null if it saved nothing, or there was no add-on. */
function addonWhenSaved(seen: Seen, cluster: ClusterSeen, owner: string) {
  const saved = seen.calls.findLast(
    ({ operation, error, input }) =>
      operation === 'PutObject' && error === undefined && asJson(input)['Key'] === `executions/${owner}/former.json`,
  );
  return saved ? addonAt(cluster, saved.at) : null;
}

/** Whether somebody was told that this cluster could not be brought into one mode. */
export function isLoud(seen: Seen, cluster: ClusterSeen): boolean {
  const recorded = cluster.executions.some((execution) => outcomeOf(seen, execution)?.['ending'] === 'rollback-failed');
  return recorded || eventsOf(seen, cluster).some((type) => type === 'nightshift.RollbackFailed');
}

/** Types of the events on the bus whose resources are executions of this cluster. */
export function eventsOf(seen: Seen, cluster: ClusterSeen): string[] {
  const arns = new Set(cluster.executions.map(({ arn }) => arn));
  return seen.calls
    .filter(({ service, operation, error }) => service === 'events' && operation === 'PutEvents' && !error)
    .flatMap(({ input }) => {
      const entries = asJson(input)['Entries'];
      return Array.isArray(entries) ? entries.map(asJson) : [];
    })
    .filter(({ Resources }) => Array.isArray(Resources) && Resources.some((arn) => arns.has(textOf(arn))))
    .map(({ DetailType }) => textOf(DetailType));
}

/** The proof of a claim: validations that were asked for after the last disruptive deed of the execution that proves. */
export function proofOf(seen: Seen, cluster: ClusterSeen, claim: Claim): Evidence[] {
  const prover = cluster.executions.find(({ name }) => name === claim.provenBy);
  if (!prover) return [];
  const last = deedsOf(prover).filter(isDisruptive).at(-1)?.at.toISOString() ?? '';
  return evidenceOf(seen, prover).filter(({ phase, sentAt }) => phase === 'validate' && sentAt >= last);
}
