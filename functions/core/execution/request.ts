import * as z from 'zod/mini';
import { InvalidRequest } from '../errors.ts';
import { Batch } from '../fleet/batch.ts';
import { StageName } from '../fleet/stages.ts';
import { MODES } from '../modes/index.ts';
import { DEFAULT_MODE, TARGET_MODES } from '../modes/proxy-mode.ts';
import { CHECK_NAMES } from '../preflight/names.ts';
import { RestartStrategy } from '../preflight/snapshot.ts';
import { clusterName } from '../values/cluster-name.ts';
import { parseInput } from '../values/parse-input.ts';
import { printable } from '../values/printable.ts';

const windowRule = "must be a window's name: 1 to 64 letters, digits, dots, - or _";
const acknowledgeRule = `must be a list of names of preflight checks such as "ipvs-deprecated"`;
const checkRule = `must be the name of a preflight check: ${CHECK_NAMES.join(', ')}`;
const momentRule = 'must be a moment in UTC such as 2026-11-21T07:00:00Z';
const targetRule = 'must be an object {"mode": "nftables"} or {"mode": "ipvs", "scheduler": "rr"}';
const SELF_MANAGED = ['create-addon', 'config-map'] as const;

const { [DEFAULT_MODE]: _former, ...targets } = MODES;
const targetModes = Object.keys(targets).map((mode) => `"${mode}"`);
// The default is for the compiler: the list is never empty.
const [first = z.strictObject(MODES.ipvs.schema.shape), ...others] = Object.values(targets).map(({ schema }) =>
  z.strictObject(schema.shape),
);
/**
 * The target of a cluster, as people and settings write it: every mode except the one that clusters are migrated from.
 */
export const TargetInput = z.discriminatedUnion('mode', [first, ...others], {
  error: (issue) => (issue.code === 'invalid_union' ? `must be ${targetModes.join(' or ')}` : targetRule),
});

/** The mode of a target, where it stands alone: in a tag. */
export const TargetMode = z.enum(TARGET_MODES, { error: `must be ${TARGET_MODES.join(' or ')}` });

/** The name of a configured window. */
export const WindowName = z.string({ error: windowRule }).check(z.regex(/^[A-Za-z0-9][\w.-]{0,63}$/, windowRule));

/** Accepted risks; empty unless the request names some. */
export const Acknowledged = z._default(
  z
    .array(z.enum(CHECK_NAMES, { error: checkRule }), { error: acknowledgeRule })
    .check(z.maxLength(CHECK_NAMES.length, acknowledgeRule)),
  [],
);

/** A request of a person or of an event: one cluster, what it should run, and when the change may disrupt it. */
export const MigrationRequest = z
  .strictObject(
    {
      cluster: clusterName(),
      target: TargetInput,
      /** Name of a configured window. */
      window: z.exactOptional(WindowName),
      /** Start without waiting for a window; wins over `window`, and the reason is recorded. */
      now: z.exactOptional(
        z.strictObject({ reason: printable(500) }, { error: 'must be an object {"reason": "..."}' }),
      ),
      /** Risks that the requester accepts, by the names of the preflight checks that find them. */
      acknowledge: Acknowledged,
      /** How kube-proxy is restarted; if left out, the inspection chooses. */
      strategy: z.exactOptional(
        z.enum(RestartStrategy.options, { error: `must be one of ${RestartStrategy.options.join(', ')}` }),
      ),
      /** How a self-managed kube-proxy is changed; if left out, a cluster with a self-managed kube-proxy is refused. */
      selfManaged: z.exactOptional(z.enum(SELF_MANAGED, { error: `must be one of ${SELF_MANAGED.join(', ')}` })),
      requestedBy: z.exactOptional(printable(512)),
      /** The stage of the rollout that started the migration: a hold of the stage holds it, too. */
      stage: z.exactOptional(StageName),
      /** Prove the target on every node, and end as TargetLost instead of changing anything. */
      proofOnly: z.exactOptional(z.literal(true, { error: 'must be true, or be left out' })),
      /**
       * ARN of the execution that started this one: the console of Step Functions links the two.
       * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-nested-workflows.html
       */
      AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID: z.exactOptional(printable(1_000)),
      /** Wait until EKS has made the cluster, and kube-proxy an add-on of it. */
      awaitActive: z.exactOptional(z.literal(true, { error: 'must be true, or be left out' })),
      /** Do not begin before this moment, ISO 8601 in UTC. */
      notBefore: z.exactOptional(z.iso.datetime({ error: momentRule })),
      /** The migrations with which this one shares a tolerance for failures. */
      batch: z.exactOptional(Batch),
    },
    { error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'must be a JSON object') },
  )
  .check(
    z.refine(({ awaitActive, notBefore }) => !awaitActive || notBefore === undefined, {
      path: ['notBefore'],
      error: 'must be left out beside awaitActive, which decides when to begin',
    }),
  );
export type MigrationRequest = z.output<typeof MigrationRequest>;

/**
 * Parses an execution's raw input. Fields that are not part of a request are refused: a misspelt `windw` must not
 * become a request without a window.
 * @throws InvalidRequest naming field and rule
 */
export function parseRequest(input: unknown): MigrationRequest {
  return parseInput(MigrationRequest, input, 'The request');
}

/** When an execution begins. `cluster`: as soon as EKS has made the cluster. */
export type Beginning = { kind: 'now' } | { kind: 'at'; at: Date } | { kind: 'cluster' };

const DAY_MS = 86_400_000;
/** An execution lives a year; one that waits for longer than this has no time left for the window and the work. */
export const LONGEST_WAIT_DAYS = 300;

/**
 * Decides when the work of a request begins. The state machine obeys this decision and does not read these fields
 * itself.
 * @throws InvalidRequest for a moment that comes after an execution's longest life
 */
export function beginningOf({ awaitActive, notBefore }: MigrationRequest, now: Date): Beginning {
  if (awaitActive) return { kind: 'cluster' };
  if (notBefore === undefined) return { kind: 'now' };
  const at = new Date(notBefore);
  if (at.getTime() - now.getTime() > LONGEST_WAIT_DAYS * DAY_MS)
    throw new InvalidRequest(
      `notBefore must be at most ${LONGEST_WAIT_DAYS} days after the start, but it is "${notBefore}".`,
    );
  return at > now ? { kind: 'at', at } : { kind: 'now' };
}
