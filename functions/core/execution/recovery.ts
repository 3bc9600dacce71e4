import * as z from 'zod/mini';
import { failureByOurName, InvalidRequest } from '../errors.ts';
import { clusterName } from '../values/cluster-name.ts';
import { cutName, shortDigest } from '../values/digest.ts';
import { parseInput } from '../values/parse-input.ts';
import { type ExecutionRef, LONGEST_EXECUTION_NAME, type Machine, readExecutionArn } from './executions.ts';

/** A cluster that three executions could not bring into one mode needs a person. */
export const MOST_ATTEMPTS = 3;
/**
 * The execution after the last attempt changes nothing: it pages a person, revokes the access and records that. Step
 * Functions starts an execution of one name once, so an incident pages once, also without the evidence bucket.
 */
export const GIVING_UP = MOST_ATTEMPTS + 1;

/**
 * The name of the execution of rollback-cluster that recovers the execution `left`. The lease's schedule, the event and
 * the sweep all use this name, so Step Functions starts the recovery once. The attempt stands in front of the dash:
 * behind the name it would make the second attempt for `demo` the first one for `demo-2`.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function recoveryName(left: string, attempt: number): string {
  return cutName(`recover${attempt === 1 ? '' : attempt}-${left}`, { of: left, longest: LONGEST_EXECUTION_NAME });
}

/**
 * The name of the execution that recovers this execution. A migration and a rollback may have the same name: the name
 * of a recovery of a rollback also carries a digest of the rollback's ARN.
 */
export function recoveryOf({ name, arn }: ExecutionRef, attempt: number): string {
  const isRollback = readExecutionArn(arn)?.machine === 'rollback';
  return recoveryName(isRollback ? `${name}-${shortDigest(arn)}` : name, attempt);
}

const text = z.string().check(z.minLength(1));
const ClusterName = clusterName();
const Reference = z.object({ name: text, arn: text });
/** An execution that exists: its ARN is one of nightshift's and ends in its name. */
const Execution = (machine: Machine, rule: string) =>
  Reference.check(z.refine(({ name, arn }) => isExecution(machine, name, arn), rule));
const Rollback = Execution('rollback', 'must be an execution of rollback-cluster, with the name that ends its ARN');

function isExecution(machine: Machine, name: string, arn: string): boolean {
  const read = readExecutionArn(arn);
  return read?.machine === machine && read.name === name;
}

/**
 * Why a rollback was started: a person's sentence, or the name of the error that a migration failed with. An error name
 * of Step Functions is replaced by nightshift's, since the reason is part of records and events.
 */
export const RollbackReason = z.pipe(
  z.string().check(z.maxLength(4_000)),
  z.transform((reason) => (/^States\.\w+$/.test(reason) ? failureByOurName({ name: reason, cause: '' }).name : reason)),
);

/** What rollback-cluster is started with. */
export const RollbackInput = z.object({
  mode: z.enum(['rollback', 'recover']),
  cluster: ClusterName,
  /** The execution whose change is undone: the owner. */
  execution: Execution('migrate', 'must be an execution of migrate-cluster, with the name that ends its ARN'),
  attempt: z.number().check(z.int(), z.gte(1), z.lte(GIVING_UP)),
  /** The name of the execution that the owner starts and waits for. */
  leasedTo: z.nullish(text),
  /** The execution that ended without a record, if that is not the owner but a rollback that no migration waits for. */
  after: z.nullish(Rollback),
  /** The attempt before this one. */
  previous: z.nullish(Rollback),
  reason: RollbackReason,
  /** Nodes on which the owner had restarted kube-proxy: no node, the nodes of `canary`, or perhaps all. */
  restarted: z.nullish(z.enum(['none', 'canary', 'all'])),
  canary: z.nullish(z.object({ inventory: z.object({ key: text }) })),
  /** In a lease: the ARN of the execution that holds it. */
  holder: z.nullish(text),
});
export type RollbackInput = z.output<typeof RollbackInput>;

/**
 * Reads the input of an execution of rollback-cluster.
 * @throws InvalidRequest naming field and rule
 */
export function readRollbackInput(input: unknown): RollbackInput {
  const read = parseInput(RollbackInput, input, 'The input');
  if (read.attempt > 1 && read.mode === 'recover' && !read.previous)
    throw new InvalidRequest(`The input has no previous, but attempt ${read.attempt} follows on another.`);
  return read;
}

/** An execution of rollback-cluster that is to be started. */
export interface Recovery {
  name: string;
  input: RollbackInput;
}

/**
 * The execution that follows an execution of rollback-cluster that does not record its ending. The lease's schedule
 * starts it, and so do the function that handles the event of the end, and the sweep: all call this function, so all
 * start the same execution. The last attempt is followed by the execution that gives up, which has no lease and no
 * successor.
 */
export function recoveryAfter(rollback: ExecutionRef, input: RollbackInput, reason: string): Recovery {
  const { mode, cluster, execution } = input;
  const isRecovery = mode === 'recover';
  // An owner that waits for its rollback is stopped with it, and then its own event asks for the same recovery.
  const waitedFor = isRecovery || input.leasedTo === rollback.name;
  const after = input.after ?? (waitedFor ? execution : rollback);
  const attempt = isRecovery ? Math.min(input.attempt + 1, GIVING_UP) : 1;
  return {
    name: recoveryOf(after, attempt),
    input: {
      mode: 'recover',
      cluster,
      execution,
      reason,
      attempt,
      ...(after.arn !== execution.arn && { after }),
      ...(isRecovery && { previous: rollback }),
    },
  };
}

const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE'] as const;
const Event = z.object({
  source: z.literal('aws.states'),
  'detail-type': z.literal('Step Functions Execution Status Change'),
  detail: z.object({
    executionArn: text,
    stateMachineArn: text,
    name: text,
    status: z.enum(STATUSES),
    /** Absent or null if the input was too large for the event. */
    input: z.nullish(z.string()),
    error: z.nullish(z.string()),
    /** Milliseconds since 1970. */
    stopDate: z.nullish(z.number()),
  }),
});
export type ExecutionEnded = z.output<typeof Event>['detail'];

/**
 * Reads a status change of an execution from EventBridge's envelope.
 * https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 * @throws InvalidRequest naming field and rule
 */
export function parseExecutionEvent(event: unknown): ExecutionEnded {
  return parseInput(Event, event, 'The event').detail;
}

export type RecoveryDecision =
  | { kind: 'ignore'; reason: string }
  | ({ kind: 'recover' } & Recovery)
  /** The execution that gives up ended without a record: its record is written from this input. */
  | { kind: 'record'; input: RollbackInput; reason: string };

const MigrateInput = z.object({ cluster: ClusterName });

/** True for an ending after which an execution may have left something behind. */
export function endedBadly({ status }: Pick<ExecutionEnded, 'status'>): boolean {
  return status === 'FAILED' || status === 'TIMED_OUT' || status === 'ABORTED';
}

/**
 * Decides what to do about an execution that ended badly without recording its ending. `input` is the input that it was
 * started with. An input that this state machine would refuse cannot have led to a change: the first state refuses it.
 */
export function decideRecovery(machine: Machine, event: ExecutionEnded, input: string): RecoveryDecision {
  const reason = `Execution ${event.name} ended ${event.status}${event.error ? ` (${event.error})` : ''}.`;
  const value = json(input);
  const self = { name: event.name, arn: event.executionArn };
  if (machine === 'migrate') {
    const parsed = MigrateInput.safeParse(value);
    if (!parsed.success) return { kind: 'ignore', reason: `${reason} Its input names no cluster.` };
    const { cluster } = parsed.data;
    const recovery: RollbackInput = { mode: 'recover', cluster, execution: self, reason, attempt: 1 };
    return { kind: 'recover', name: recoveryOf(self, 1), input: recovery };
  }
  const parsed = RollbackInput.safeParse(value);
  if (!parsed.success) return { kind: 'ignore', reason: `${reason} Its input names no cluster and owner.` };
  const { mode, attempt } = parsed.data;
  if (mode === 'rollback' || attempt < GIVING_UP)
    return { kind: 'recover', ...recoveryAfter(self, parsed.data, reason) };
  return { kind: 'record', input: parsed.data, reason };
}

function json(input: string): unknown {
  try {
    return JSON.parse(input);
  } catch {
    // Step Functions accepts JSON only: a text that is not JSON cannot be an execution's input.
    return undefined;
  }
}
