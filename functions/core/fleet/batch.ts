import * as z from 'zod/mini';
import { isClusterName } from '../values/cluster-name.ts';

/**
 * A batch is a set of migrations that share a tolerance for failures: the clusters of one night, or of one stage. When
 * more of its clusters have failed than it tolerates, a hold stops the ones that have not begun their change.
 *
 * A migration counts as failed if it began (its nodes were asked to prepare, or the cluster may have been changed) and
 * did not prove the target. Not counted, because the cluster has shown nothing about itself:
 * - endings before it began: a refusal, an unknown window, a request that breaks a rule;
 * - a hold stopped it, unless its rollback failed;
 * - before its change: another execution had the cluster, a guard was raised, or a later look refused.
 * An execution that was aborted or timed out after it began counts, also if a recovery finishes its work: a batch does
 * not wait for recoveries.
 */

/** SSM accepts 15 levels in a parameter's name, and three of them are in front of a batch's name. */
const MOST_SEGMENTS = 12;
const nameRule = `must be a batch's name: 1 to 128 letters, digits, dots, -, _ or /, in at most ${MOST_SEGMENTS} parts, none of them empty, . or ..`;

/** The name of a batch, such as `nights/weekend/20261128T2200`. It is part of S3 keys and of an SSM parameter's name. */
export const BatchName = z
  .string({ error: nameRule })
  .check(z.regex(/^[A-Za-z0-9._/-]{1,128}$/, nameRule), z.refine(hasWholeSegments, nameRule));

function hasWholeSegments(name: string): boolean {
  const segments = name.split('/');
  return segments.length <= MOST_SEGMENTS && segments.every((segment) => !['', '.', '..'].includes(segment));
}

const tolerateRule = 'must be a whole number from 0: how many clusters of the batch may fail';

/** The batch of a migration. With `tolerate` 0 the first failure holds the others. */
export const Batch = z.strictObject(
  { name: BatchName, tolerate: z.int({ error: tolerateRule }).check(z.gte(0, tolerateRule)) },
  { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'must be an object {"name", "tolerate"}') },
);
export type Batch = z.output<typeof Batch>;

/** One failed cluster of a batch, as its record in the evidence bucket has it. `at` is ISO 8601 in UTC. */
export const BatchFailure = z.object({
  cluster: z.string(),
  /** The name of the error; the status of Step Functions for an execution that could not record its ending. */
  error: z.string(),
  execution: z.object({ name: z.string(), arn: z.string() }),
  at: z.string(),
});
export type BatchFailure = z.output<typeof BatchFailure>;

/** The first part of the key of every object of a batch. */
export const BATCHES_PREFIX = 'batches/';

/** The first part of the keys of a batch's failure records. */
export const failuresPrefix = (batch: string): string => `${BATCHES_PREFIX}${batch}/failed/`;

/** The key of the record that a cluster failed in a batch. Each cluster counts once. */
export const failureKey = (batch: string, cluster: string): string => `${failuresPrefix(batch)}${cluster}.json`;

/** The key of the object that shows that a batch's hold was published. */
export const heldKey = (batch: string): string => `${BATCHES_PREFIX}${batch}/held.json`;

/** The failed clusters among the keys below `failuresPrefix`. The name of another batch may begin with this prefix. */
export function failedClusters(batch: string, keys: readonly string[]): string[] {
  const prefix = failuresPrefix(batch);
  return keys.flatMap((key) => {
    const cluster = key.startsWith(prefix) && key.endsWith('.json') ? key.slice(prefix.length, -'.json'.length) : '';
    return isClusterName(cluster) ? [cluster] : [];
  });
}

/** Whether more clusters have failed than the batch tolerates. */
export const exceeds = (failed: readonly string[], tolerate: number): boolean => failed.length > tolerate;

const BEGUN = /\/(?:prepare-[0-9-]+\/dispatch\.json\.gz|former\.json)$/;

/** Whether a migration that stored these objects began: it asked nodes to prepare, or saved what it was to change. */
export const hasBegun = (keys: readonly string[]): boolean => keys.some((key) => BEGUN.test(key));

/** What is known of a migration that ended. */
export interface EndedMigration {
  /** Whether every node proved the target. */
  proven: boolean;
  begun: boolean;
  /** Whether the add-on or kube-proxy may have been changed. */
  changed: boolean;
  /** Whether the former state could not be restored. */
  rollbackFailed: boolean;
  /** The name of the error; null if there is none. */
  error: string | null;
}

/** Endings that are not the cluster's own, as long as nothing was changed. */
const NOT_ITS_OWN: readonly string[] = ['AlreadyMigrating', 'GuardRaised', 'PreflightRefused'];

/** Whether this ending is a failure of its batch: the rule stands at the top of this file. */
export function countsAsFailed({ proven, begun, changed, rollbackFailed, error }: EndedMigration): boolean {
  if (proven || !(begun || changed)) return false;
  if (error === 'OnHold') return rollbackFailed;
  return changed || error === null || !NOT_ITS_OWN.includes(error);
}

/** How many failed clusters an event lists; the bucket has a record of each. */
export const MOST_LISTED = 100;
/** A hold's reason has at most 300 characters. */
const LONGEST_REASON = 300;

/** The reason of the hold, which names as many failed clusters as fit. */
export function holdReason(failed: readonly string[], tolerate: number): string {
  const head = `${failed.length} clusters of the batch failed, and ${tolerate} may: `.replace(
    /^1 clusters/,
    '1 cluster',
  );
  for (let named = failed.length; named > 0; named -= 1) {
    const rest = failed.length - named;
    const text = `${head}${failed.slice(0, named).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
    if (text.length <= LONGEST_REASON) return text;
  }
  return head.slice(0, -2);
}

/** What the hold of a batch does, and how it ends, for the person who reads the event. */
export const whatIsHeld = (batch: string): string =>
  `Every migration of the batch ${batch} that has not begun its change ends as OnHold; those that have begun go on. Release: nightshift release --batch ${batch}`;
