import { setTimeout as sleep } from 'node:timers/promises';
import { GIVING_UP, recoveryOf } from '../functions/core/recovery.ts';
import type { Connection } from './aws.ts';
import { type ExecutionName, executionThere } from './executions.ts';
import { Failure } from './exit.ts';
import { paceFor } from './follow-execution.ts';
import { type Followed, follow, type MigrationResult, untilSignal, type Watching } from './migration.ts';
import { nightshiftCommand } from './paste.ts';
import { siblingOf } from './related.ts';

/** The execution of rollback-cluster that took over, as `--json` prints it. */
export interface FollowedRecovery {
  execution: string;
  name: string;
  status: string;
  ending: string;
}

/**
 * Milliseconds. A status change reaches its function within seconds, but EventBridge delivers it on a best-effort basis:
 * https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
const PATIENCE = 120_000;

/** Which endings of a recovery are what the command was asked for. */
const REACHED: Readonly<Record<'migrate' | 'rollback', readonly string[]>> = {
  migrate: ['finished'],
  rollback: ['rolled-back'],
};

/**
 * Follows the recoveries of an execution that ended without a record of its end, attempt by attempt, to the end of the
 * last one. The cluster's way then is that recovery's: `failure` is null only if it reached what `asked` asks for.
 *
 * @returns the result of the execution with its recovery, unchanged if it left nothing to others.
 * @throws Failure when Step Functions cannot be asked; Interrupted on Ctrl-C.
 */
export async function followRecoveries(
  connection: Connection,
  left: Followed & { execution: ExecutionName },
  asked: keyof typeof REACHED,
  watching: Watching,
): Promise<{ result: MigrationResult; failure: Failure | null } | null> {
  if (isRecorded(left.result)) return null;
  let last: MigrationResult | null = null;
  let leaseEnds = left.leaseEnds;
  for (let attempt = 1; attempt <= GIVING_UP; attempt += 1) {
    const recovery = siblingOf(left.execution, recoveryOf(left.execution, attempt));
    if (recovery === null) return null;
    if (watching.announce) watching.terminal.out(`recovery ${recovery.arn}`);
    if (!(await appears(connection, recovery, watching)))
      return { result: withRecovery(left.result, last), failure: notStarted(left.result, recovery, leaseEnds) };
    const followed = await follow(connection, recovery, watching);
    last = followed.result;
    leaseEnds = followed.leaseEnds;
    if (isRecorded(last)) break;
  }
  return { result: withRecovery(left.result, last), failure: last && failureAfter(last, asked) };
}

/** Whether an execution ended with its record: then it left nothing for a recovery to do. */
function isRecorded({ status, outcome }: MigrationResult): boolean {
  return status === 'SUCCEEDED' || (status === 'FAILED' && outcome !== null);
}

async function appears(connection: Connection, recovery: ExecutionName, watching: Watching): Promise<boolean> {
  const until = Date.now() + PATIENCE;
  const { longest } = paceFor(connection);
  const pause = Math.min(longest, 5000);
  return untilSignal(async (signal) => {
    for (;;) {
      signal.throwIfAborted();
      if (await executionThere(connection, recovery.arn)) return true;
      if (Date.now() >= until) return false;
      await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }).catch((error: unknown) => {
    for (const line of watching.parting(recovery, connection)) watching.terminal.err(line);
    throw error;
  });
}

function withRecovery(result: MigrationResult, recovery: MigrationResult | null): MigrationResult {
  if (recovery === null) return result;
  const { execution, name, status, ending } = recovery;
  return { ...result, recovery: { execution, name, status, ending } };
}

const NAMES: Readonly<Record<string, string>> = {
  'rolled-back': 'RolledBack',
  'rollback-failed': 'RollbackFailed',
  finished: 'MigrationFinished',
  'nothing-to-roll-back': 'NothingChanged',
};

function failureAfter(recovery: MigrationResult, asked: keyof typeof REACHED): Failure | null {
  const { status, ending, name, error } = recovery;
  if (status === 'SUCCEEDED' && REACHED[asked].includes(ending)) return null;
  const cause = error?.cause || `the recovery ${name} ended ${ending}`;
  return new Failure(error?.name ?? NAMES[ending] ?? 'ExecutionFailed', cause, {
    nextStep: `read what happened: ${nightshiftCommand(`audit ${name}`)}`,
  });
}

function notStarted(left: MigrationResult, recovery: ExecutionName, leaseEnds: string | null): Failure {
  const latest =
    leaseEnds === null
      ? 'no lease of it was seen, so the next sweep looks for it'
      : `the cluster's lease starts it at ${leaseEnds} at the latest`;
  return new Failure(
    'RecoveryNotStarted',
    `${left.name} ended ${left.ending}, and its recovery ${recovery.name} has not started yet: ${latest}`,
    { nextStep: `look again: ${nightshiftCommand(`audit ${left.execution}`)}` },
  );
}
