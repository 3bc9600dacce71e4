import * as z from 'zod/mini';
import { type EndingEvent, type EventBus, eventBus } from '../aws/events.ts';
import { describe, type ObjectStore, objectStore } from '../aws/s3.ts';
import { failureByOurName } from '../core/errors.ts';
import { environment } from './shared/environment.ts';
import { findEnding, outcomeKey } from './shared/evidence.ts';
import { indexEvidence, Told } from './shared/evidence-index.ts';
import { ClusterName, Common, type Execution, Instant } from './shared/input.ts';
import { type Run, wrap } from './shared/wrap.ts';

const ENDINGS = [
  'migrated',
  'already-compliant',
  'refused',
  'failed',
  'rolled-back',
  'rollback-failed',
  'finished',
  'nothing-to-roll-back',
] as const;
const Related = z._default(z.nullable(Common.execution), null);

const ErrorOutput = z.nullable(z.object({ Error: z.string(), Cause: z.optional(z.string()) }));

const Input = z.object({
  ...Common,
  startedAt: Instant,
  /** As far as it was understood: a request that was refused is recorded as it came. */
  request: z.unknown(),
  ending: z.enum(ENDINGS),
  /** Step Functions' error output. */
  failure: ErrorOutput,
  /** Why the access to Kubernetes was not given back; null where it was, or there was none. */
  remains: z._default(ErrorOutput, null),
  /** Configuration values of the add-on before and after; null where there are none. */
  from: z.nullable(z.string()),
  to: z.nullable(z.string()),
  /** Whether the add-on or kube-proxy may have been changed. */
  changed: z.boolean(),
  /** Of an execution of rollback-cluster: whose change it undid or finished. */
  owner: Related,
  /** The execution of rollback-cluster that undid this one's change: its evidence belongs to this record. */
  rollback: Related,
  /** The objects that this execution's functions told of. */
  stored: z.array(Told),
  /** That execution has said this very ending on the bus. */
  told: z._default(z.boolean(), false),
});
type Input = z.output<typeof Input>;

/** A request that names a cluster, be it a migration's or a rollback's. */
const Requested = z.object({ cluster: ClusterName.shape.name });

export interface Deps {
  store: ObjectStore;
  bus: EventBus;
}

interface Failure {
  name: string;
  cause: string;
}

export interface Output {
  ending: Input['ending'];
  error?: Failure;
  outcome: { key: string; sha256: string };
  evidence: { key: string; sha256: string }[];
  /** How many nodes run which mode, as far as their last verdicts tell. */
  modes: Record<string, number>;
}

/**
 * Says the ending on the event bus, and then writes `outcome.json`: who asked for what, how it ended, what changed, what
 * runs where, and every object of evidence with its hash and counts. Throws EvidenceMissing when an object is gone or
 * cannot be understood.
 */
export function recordOutcome(deps: Deps): Run<Input, Output> {
  return async (input, say) => {
    const { execution, ending, request, from, to, changed, owner, rollback } = input;
    const key = outcomeKey(execution);
    const executions: [Execution, ...Execution[]] = rollback ? [execution, rollback] : [execution];
    const { entries, modes } = await indexEvidence(deps.store, executions, input.stored);
    const error = errorOf(input);
    const times = { startedAt: input.startedAt.toISOString(), endedAt: input.now.toISOString() };
    const ended = {
      execution,
      ...times,
      request,
      ending,
      changed,
      ...(owner && { owner }),
      ...(rollback && { rollback }),
    };
    const record = { ...ended, ...(error && { error }), from, to, modes, evidence: entries };
    const text = JSON.stringify(record, null, 2);
    const { sha256 } = describe(key, text);
    const outcome = { key, sha256 };
    const counts = Object.fromEntries(modes.map(({ mode, nodes }) => [mode, nodes]));
    const detailType = await eventOf(deps.store, input);
    if (detailType !== null) {
      const cluster = Requested.safeParse(request).data?.cluster ?? null;
      const told = SUCCESSES.includes(ending) ? undefined : error;
      const detail = { cluster, ...ended, ...(told && { error: shortened(told) }), modes: counts, outcome };
      await deps.bus.put({ detailType, resources: [execution.arn], detail });
      say.count(detailType, 1);
    }
    // Last: whoever finds the record takes it for said. An ending may be said twice, and never not at all.
    await deps.store.put(key, text);
    say.decision('migration.ended', { execution: execution.name, ending, error: error?.name ?? null });
    const evidence = entries.map(({ key, sha256 }) => ({ key, sha256 }));
    return { ending, ...(error && { error }), outcome, evidence, modes: counts };
  };
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

/** An execution that ended without a word and without a change has failed; one that told its end itself is not told again. */
async function eventOf(store: ObjectStore, { ending, owner, told }: Input): Promise<EndingEvent | null> {
  if (told) return null;
  if (ending !== 'nothing-to-roll-back') return EVENTS[ending];
  return owner && (await findEnding(store, owner)) === null ? 'nightshift.MigrationFailed' : null;
}

/** What a failed function leaves as its cause. */
const LambdaCause = z.object({ errorMessage: z.string() });

const SUCCESSES: readonly Input['ending'][] = ['migrated', 'already-compliant', 'finished', 'nothing-to-roll-back'];

/** What failed: what was to be done, or else that access was not given back, which is told of in either case. */
function errorOf(input: Input): Failure | undefined {
  const [error, { remains }] = [failureOf(input), input];
  if (!remains) return error;
  const left = `Its access to Kubernetes was not given back (${remains.Error}): the switch tries again.`;
  if (error) return { ...error, cause: `${error.cause} ${left}` };
  return { name: 'AccessRemains', cause: `The execution ended ${input.ending}. ${left}` };
}

/** An ending without success has a name; `cause` is the sentence of the function that failed, not Lambda's envelope. */
function failureOf({ ending, failure }: Input): Failure | undefined {
  if (SUCCESSES.includes(ending)) return undefined;
  // A person may roll back a migration that went well.
  if (!failure && ending === 'rolled-back') return undefined;
  if (!failure) return { name: 'NoReason', cause: `The execution ended ${ending} without an error.` };
  return failureByOurName({ name: failure.Error, cause: sentenceOf(failure.Cause ?? '') });
}

function sentenceOf(cause: string): string {
  try {
    const parsed = LambdaCause.safeParse(JSON.parse(cause));
    return parsed.success ? parsed.data.errorMessage : cause;
  } catch {
    return cause;
  }
}

/** An event may have 256 KiB; its reader gets the sentence, the record has everything. */
function shortened({ name, cause }: Failure): Failure {
  return { name, cause: cause.slice(0, 2_000) };
}

const live: Deps = { store: objectStore(environment.evidenceBucket), bus: eventBus(environment.eventBus) };

export const handler = wrap(Input, recordOutcome(live));
