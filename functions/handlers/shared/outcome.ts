import * as z from 'zod/mini';
import type { EndingEvent, EventBus } from '../../aws/events.ts';
import { describe, type ObjectStore } from '../../aws/s3.ts';
import type { Input, Output } from '../../contracts/record-outcome.ts';
import { ClusterName, type Execution } from '../../contracts/shared/input.ts';
import type { OutcomeRecord } from '../../contracts/shared/outcome-record.ts';
import { type ErrorName, failureByOurName } from '../../core/errors.ts';
import { machineOf, recordedName } from '../../core/execution/executions.ts';
import { countsAsFailed, hasBegun } from '../../core/fleet/batch.ts';
import type { Log, Run } from '../../runtime/wrap.ts';
import { type BatchDeps, batchOf, countFailure } from './batch.ts';
import { findEnding, findMissing, outcomeKey } from './evidence.ts';
import { type EvidenceIndex, indexEvidence, indexOfReported } from './evidence-index.ts';
import { sentenceOf } from './sentence-of.ts';
import { reasonOf } from './store-or-carry.ts';

/** A request that names a cluster, be it a migration's or a rollback's. */
const Requested = z.object({ cluster: ClusterName.shape.name });

export interface Deps extends BatchDeps {
  store: ObjectStore;
  bus: EventBus;
}

interface Failure {
  name: ErrorName;
  cause: string;
}

/**
 * Puts the event of an ending on the bus and then writes `outcome.json`: who asked for what, how it ended, what
 * changed, which mode each node runs, and every object of evidence with its hash and counts. If the bus or the bucket
 * does not answer, that is not an error: `announced` and `recorded` show what is still owed, and a repetition with this
 * `announced` does the rest. A failure of a migration in a batch is counted there first.
 */
export function recordOutcome(deps: Deps): Run<Input, Output> {
  return async (given, log) => {
    const input = { ...given, publishedByOther: given.publishedByOther || (await hasRollbackPaged(deps.store, given)) };
    page(input, log);
    const output = await attempt(deps, input, log);
    const { announced, recorded, owed, ending, error } = output;
    log.decision('migration.ended', {
      execution: input.execution.name,
      ending,
      error: error?.name ?? null,
      announced,
      recorded,
      owed,
      missing: output.missing,
    });
    if (owed !== null) log.count('RecordsOwed', 1);
    return output;
  };
}

/** Whether the rollback that this migration started recorded its failure, and so paged, and was stopped only after that. */
async function hasRollbackPaged(store: ObjectStore, { ending, rollback }: Input): Promise<boolean> {
  if (ending !== 'rollback-failed' || !rollback) return false;
  try {
    return (await findEnding(store, rollback)) === 'rollback-failed';
  } catch {
    // If the bucket cannot be read, a person is paged all the same.
    return false;
  }
}

/**
 * The metric whose alarm pages a person for a rollback that failed. It needs neither the bus nor the bucket, and it is
 * counted once: by the first attempt to record the ending.
 */
function page({ ending, publishedByOther, paged }: Input, log: Log): void {
  if (ending === 'rollback-failed' && !publishedByOther && !paged) log.count('nightshift.RollbackFailed', 1);
}

async function attempt(deps: Deps, input: Input, log: Log): Promise<Output> {
  const { execution, ending, announced = false } = input;
  const owing = (owed: string, more: Partial<Output> = {}): Output => {
    const error = errorOf(input, []);
    const unknown = { evidence: [], missing: 0, modes: {} };
    const facts = { ending, ...(error && { error }), ...unknown, announced, ...more };
    return { ...facts, outcome: null, recorded: false, owed };
  };
  const { index, unread } = await readIndex(deps.store, input);
  const { text, detail, output } = describeEnding(input, index, unread === null);
  const uncounted = await countInBatch(deps, input, index, log);
  let detailType: EndingEvent | null;
  try {
    detailType = await eventOf(deps.store, input);
  } catch (error) {
    return owing(`The evidence bucket cannot be read: ${reasonOf(error)}`, output);
  }
  try {
    if (detailType !== null && !announced) await deps.bus.put({ detailType, resources: [execution.arn], detail });
  } catch (error) {
    return owing(`The event bus did not take the event: ${reasonOf(error)}`, output);
  }
  if (unread !== null) return owing(`The evidence bucket cannot be read: ${unread}`, { ...output, announced: true });
  if (uncounted !== null)
    return owing(`The failure is not counted in its batch: ${uncounted}`, { ...output, announced: true });
  try {
    await deps.store.put(outcomeKey(execution), text);
  } catch (error) {
    const owed = `The evidence bucket did not take the record: ${reasonOf(error)}`;
    return owing(owed, { ...output, announced: true });
  }
  return { ...output, announced: true, recorded: true, owed: null };
}

/**
 * Counts a failure in the batch of this migration, before the bus is asked: the next migration of the batch begins as
 * soon as this one has ended. Returns the reason if the bucket, SSM or the bus did not answer. The record is then owed,
 * so that a repetition counts the failure.
 */
async function countInBatch(deps: Deps, input: Input, index: EvidenceIndex, log: Log): Promise<string | null> {
  const { request, execution, ending, changed, stored, now } = input;
  const batched = batchOf(request);
  if (batched === null || machineOf(execution.arn) === 'rollback') return null;
  const begun = hasBegun([...stored, ...index.entries].map(({ key }) => key));
  const rollbackFailed = ending === 'rollback-failed';
  const error = failureOf(input)?.name ?? null;
  if (!countsAsFailed({ proven: isSuccess(ending), begun, changed, rollbackFailed, error })) return null;
  const failure = { error: error ?? ending, execution, at: now.toISOString() };
  try {
    await countFailure(deps, batched, failure, log);
    return null;
  } catch (thrown) {
    return reasonOf(thrown);
  }
}

/**
 * The evidence of this ending. `unread`: why the bucket cannot be read; then the index holds only what the functions
 * reported.
 */
async function readIndex(store: ObjectStore, { execution, rollback, stored }: Input) {
  const executions: [Execution, ...Execution[]] = rollback ? [execution, rollback] : [execution];
  try {
    const index = await indexEvidence(store, executions, stored);
    // An object of the rollback that the bucket refused is missing here, too: the rollback's evidence belongs to this
    // record.
    if (rollback) index.missing.push(...(await findMissing(store, rollback)));
    return { index, unread: null };
  } catch (error) {
    return { index: indexOfReported(stored), unread: reasonOf(error) };
  }
}

/**
 * The record, the detail of the event, and what the state machine gets. The event does not name a record that is to be
 * `complete`d from what the bucket holds: its hash is not known yet.
 */
function describeEnding(input: Input, { entries, missing, modes }: EvidenceIndex, complete: boolean) {
  const { execution, ending, request, from, to, changed, owner, rollback, addon, configMap, guard } = input;
  const error = errorOf(input, missing);
  const times = { startedAt: input.startedAt.toISOString(), endedAt: input.now.toISOString() };
  const ended = {
    execution: { name: recordedName(execution), arn: execution.arn },
    ...times,
    request,
    ending,
    changed,
    ...(addon && { addon }),
    ...(guard && { guard }),
    ...(owner && { owner }),
    ...(rollback && { rollback }),
  };
  const lacking = missing.length > 0 ? { missing } : {};
  const record: OutcomeRecord = {
    ...ended,
    ...(configMap && { configMap }),
    ...(error && { error }),
    from,
    to,
    modes,
    evidence: entries,
    ...lacking,
  };
  const text = JSON.stringify(record, null, 2);
  const { key, sha256 } = describe(outcomeKey(execution), text);
  const outcome = { key, sha256 };
  const counts = Object.fromEntries(modes.map(({ mode, nodes }) => [mode, nodes]));
  const cluster = Requested.safeParse(request).data?.cluster ?? null;
  const shown = isSuccess(ending) && missing.length === 0 ? undefined : error;
  const detail = {
    cluster,
    ...ended,
    ...(shown && { error: shortened(shown) }),
    modes: counts,
    outcome: complete ? outcome : null,
  };
  const evidence = entries.map(({ key, sha256 }) => ({ key, sha256 }));
  const facts = { evidence, missing: missing.length, modes: counts, ...(addon && { addon }), ...(guard && { guard }) };
  return { text, detail, output: { ending, ...(error && { error }), outcome, ...facts } };
}

const EVENTS: Record<Exclude<Input['ending'], 'nothing-to-roll-back'>, EndingEvent> = {
  migrated: 'nightshift.MigrationSucceeded',
  'already-compliant': 'nightshift.MigrationSucceeded',
  finished: 'nightshift.MigrationSucceeded',
  refused: 'nightshift.MigrationRefused',
  failed: 'nightshift.MigrationFailed',
  'rolled-back': 'nightshift.MigrationRolledBack',
  'rollback-failed': 'nightshift.RollbackFailed',
};

/** The event of an ending; null if there is no event to publish. */
async function eventOf(
  store: ObjectStore,
  { ending, owner, publishedByOther, execution }: Input,
): Promise<EndingEvent | null> {
  if (publishedByOther) return null;
  // The input of a rollback could not be read: the person who started it sees that, and no migration failed.
  if (ending === 'failed' && machineOf(execution.arn) === 'rollback') return null;
  if (ending !== 'nothing-to-roll-back') return EVENTS[ending];
  // A migration that ended without a record and without a change has failed.
  return owner && (await findEnding(store, owner)) === null ? 'nightshift.MigrationFailed' : null;
}

const SUCCESSES: readonly Input['ending'][] = ['migrated', 'already-compliant', 'finished', 'nothing-to-roll-back'];

const isSuccess = (ending: Input['ending']) => SUCCESSES.includes(ending);

/**
 * The error of an ending: the execution's own failure, or else that access was not revoked, or that evidence is
 * missing. Without its evidence, a person who reads the record later cannot check a proof.
 */
function errorOf(input: Input, missing: readonly { key: string }[]): Failure | undefined {
  const [error, { remains, ending }] = [failureOf(input), input];
  if (!remains && missing.length > 0 && !error) {
    const [first] = missing;
    const cause = `The execution ended ${ending}, and ${missing.length} objects of its evidence are missing, first ${first?.key}.`;
    return { name: 'EvidenceMissing', cause };
  }
  if (!remains) return error;
  const left = `Its access to Kubernetes was not revoked (${remains.Error}): the recovery that the lease starts tries again.`;
  if (error) return { ...error, cause: `${error.cause} ${left}` };
  return { name: 'AccessRemains', cause: `The execution ended ${input.ending}. ${left}` };
}

/**
 * The error of an ending without success has a name; `cause` is the sentence of the function that failed, not Lambda's
 * envelope.
 */
function failureOf({ ending, failure }: Input): Failure | undefined {
  if (SUCCESSES.includes(ending)) return undefined;
  // A person may roll back a migration that went well.
  if (!failure && ending === 'rolled-back') return undefined;
  if (!failure) return { name: 'NoReason', cause: `The execution ended ${ending} without an error.` };
  return failureByOurName({ name: failure.Error, cause: sentenceOf(failure.Cause ?? '') });
}

/** An event may have 256 KiB: it carries the sentence, and the record everything. */
function shortened({ name, cause }: Failure): Failure {
  return { name, cause: cause.slice(0, 2_000) };
}
