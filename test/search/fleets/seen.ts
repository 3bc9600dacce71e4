import {
  asJson,
  type Deed,
  deedsOf,
  type ExecutionSeen,
  isChange,
  isDisruptive,
  isMigration,
  outcomeOf,
  type Seen,
  textOf,
} from '../seen.ts';
import { type FleetCase, stageOf } from './case.ts';

/** What was seen of a fleet's case. */
export interface FleetSeen {
  readonly of: FleetCase;
  /** As the rules for single migrations take it: a request is what a migration was started with. */
  readonly seen: Seen;
}

export const HOLDS = '/nightshift/holds/';

/** The executions of the rollout, oldest first. */
export const rolloutsIn = ({ seen }: FleetSeen): ExecutionSeen[] =>
  seen.executions.filter(({ machine }) => machine === 'nightshift-migrate-fleet');

/** The name of the rollout that an execution works on. */
export const rolloutOf = ({ input, name }: ExecutionSeen): string => textOf(input['rollout']) || name;

/** A migration or a proof of one cluster. */
export interface PartSeen {
  readonly execution: ExecutionSeen;
  readonly cluster: string;
  readonly stage: string;
  /** The batch that it was started in; each resumption has batches of its own. */
  readonly batch: string;
  readonly startedBy: string;
  readonly isProof: boolean;
  readonly ending: string;
  readonly error: string;
  readonly isProven: boolean;
  /** What it set about that changes nodes or the cluster, oldest first. */
  readonly changes: readonly Deed[];
  /** ISO; the moment of its last event. */
  readonly endedAt: string;
}

const PROVEN = new Set(['migrated', 'already-compliant', 'finished']);
export const iso = (date: Date): string => date.toISOString();

/** The executions that migrated or proved clusters, oldest first. */
export function partsOf({ of, seen }: FleetSeen): PartSeen[] {
  return seen.executions.filter(isMigration).map((execution) => {
    const { input, cluster } = execution;
    const outcome = outcomeOf(seen, execution);
    const ending = textOf(outcome?.['ending']);
    const member = of.world.clusters.find(({ name }) => name === cluster);
    return {
      ...{ execution, cluster, ending },
      stage: member ? stageOf(member) : '',
      batch: textOf(asJson(input['batch'])['name']),
      startedBy: textOf(input['AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID']),
      isProof: input['proofOnly'] === true,
      error: textOf(asJson(outcome?.['error'])['name']) || (execution.error ?? execution.status),
      isProven: PROVEN.has(ending),
      changes: deedsOf(execution).filter(isChange),
      endedAt: iso(execution.history.at(-1)?.timestamp ?? execution.startedAt),
    };
  });
}

/** The moment of the first deed that changed what kube-proxy runs, or is to run; null if there was none. */
export function disruptedAt({ changes }: PartSeen): string | null {
  const first = changes.find(isDisruptive);
  return first ? iso(first.at) : null;
}

/** The moment of the first deed that changed anything; null if there was none. */
export function begunAt({ changes: [first] }: PartSeen): string | null {
  return first ? iso(first.at) : null;
}

/** How a rollout has recorded a cluster at a moment. */
export function recordedAt({ seen }: FleetSeen, rollout: string, cluster: string, at: string): string | null {
  const name = new RegExp(`^rollouts/${rollout}/stages/[^/]+/clusters/${cluster}\\.json$`);
  const put = seen.calls.findLast(
    ({ operation, error, input, at: when }) =>
      operation === 'PutObject' && error === undefined && when < at && name.test(textOf(asJson(input)['Key'])),
  );
  if (!put) return null;
  const body = Buffer.from(textOf(asJson(put.input)['Body']), 'base64').toString('utf8');
  return textOf(asJson(JSON.parse(body))['ending']);
}
