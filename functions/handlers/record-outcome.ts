import * as z from 'zod/mini';
import { type EndingEvent, type EventBus, eventBus } from '../aws/events.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { environment } from './shared/environment.ts';
import { executionPrefix, indexEvidence } from './shared/evidence.ts';
import { Common, Instant } from './shared/input.ts';
import { type Run, wrap } from './shared/wrap.ts';

const ENDINGS = ['migrated', 'already-compliant', 'refused', 'failed'] as const;

const Input = z.object({
  ...Common,
  startedAt: Instant,
  /** As far as it was understood: a request that was refused is recorded as it came. */
  request: z.unknown(),
  ending: z.enum(ENDINGS),
  /** Step Functions' error output. */
  failure: z.nullable(z.object({ Error: z.string(), Cause: z.optional(z.string()) })),
  /** Configuration values of the add-on before and after; null where there are none. */
  from: z.nullable(z.string()),
  to: z.nullable(z.string()),
  /** Whether the add-on or kube-proxy may have been changed. */
  changed: z.boolean(),
});
type Input = z.output<typeof Input>;

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
}

/**
 * Writes `outcome.json` (who asked for what, how it ended, what changed, and every object of evidence with its hash
 * and counts) and says the ending on the event bus. Throws EvidenceMissing when an object cannot be read again.
 */
export function recordOutcome(deps: Deps): Run<Input, Output> {
  return async (input, say) => {
    const { execution, ending, request, from, to, changed } = input;
    const key = `${executionPrefix(execution)}outcome.json`;
    const evidence = await indexEvidence(deps.store, execution, key);
    const error = errorOf(input);
    const times = { startedAt: input.startedAt.toISOString(), endedAt: input.now.toISOString() };
    const record = { execution, ...times, request, ending, ...(error && { error }), changed, from, to, evidence };
    const { sha256 } = await deps.store.put(key, JSON.stringify(record, null, 2));
    const outcome = { key, sha256 };
    await deps.bus.put({
      detailType: EVENTS[ending],
      resources: [execution.arn],
      detail: { execution, ...times, request, ending, ...(error && { error: shortened(error) }), changed, outcome },
    });
    say.decision('migration.ended', { execution: execution.name, ending, error: error?.name ?? null });
    say.count(EVENTS[ending], 1);
    return { ending, ...(error && { error }), outcome, evidence: evidence.map(({ key, sha256 }) => ({ key, sha256 })) };
  };
}

const EVENTS: Record<Input['ending'], EndingEvent> = {
  migrated: 'nightshift.MigrationSucceeded',
  'already-compliant': 'nightshift.MigrationSucceeded',
  refused: 'nightshift.MigrationRefused',
  failed: 'nightshift.MigrationFailed',
};

/** What a failed function leaves as its cause. */
const LambdaCause = z.object({ errorMessage: z.string() });

/** An ending without success has a name; `cause` is the sentence of the function that failed, not Lambda's envelope. */
function errorOf({ ending, failure }: Input): Failure | undefined {
  if (ending === 'migrated' || ending === 'already-compliant') return undefined;
  if (!failure) return { name: 'NoReason', cause: `The execution ended ${ending} without an error.` };
  return { name: failure.Error, cause: sentenceOf(failure.Cause ?? '') };
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
