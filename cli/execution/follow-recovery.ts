import { setTimeout as sleep } from 'node:timers/promises';
import { GIVING_UP, MOST_ATTEMPTS, recoveryOf } from '../../functions/core/execution/recovery.ts';
import type { Connection } from '../aws.ts';
import { Failure } from '../exit.ts';
import type { Step } from '../story/history.ts';
import { answersOf } from '../story/parts.ts';
import { FoundFormer } from '../story/views.ts';
import { showTime } from '../terminal/format.ts';
import { auditCommand } from '../terminal/paste.ts';
import { type ExecutionName, executionThere } from './executions.ts';
import { isFinal, notFollowed, paceFor } from './follow-execution.ts';
import { leaseStarts } from './lease.ts';
import { type Followed, follow, type MigrationResult, stopping, type Watching } from './migration.ts';
import { readNested, siblingOf } from './related.ts';

/**
 * How often a recovery is looked for, seconds apart: two minutes on AWS. A status change reaches its function within
 * seconds, but EventBridge delivers it on a best-effort basis. Looks are counted and not time, so that a sandbox on a
 * busy machine has as many chances.
 * https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
const LOOKS = 24;
const LONGEST_PAUSE = 5_000;

type Asked = 'migrate' | 'rollback';

/** The endings that count as success: of a recovery, or of an execution whose record the recovery found. */
const REACHED: Readonly<Record<Asked, readonly string[]>> = {
  migrate: ['finished', 'migrated', 'already-compliant'],
  rollback: ['rolled-back'],
};

/**
 * Follows the recoveries of an execution that ended without a record of its end, attempt by attempt, to the end of the
 * last one. The last recovery decides how the cluster ends: `failure` is null only if it reached what `asked` asks for.
 *
 * @returns the result of the execution with its recovery; null if the execution needs no recovery.
 * @throws Failure when Step Functions cannot be asked; Interrupted on Ctrl-C.
 */
export async function followRecoveries(
  connection: Connection,
  left: Followed,
  asked: Asked,
  watching: Watching,
): Promise<{ result: MigrationResult; failure: Failure | null } | null> {
  const followed: [Followed, ...Followed[]] = [left];
  for (let attempt = 1; attempt <= GIVING_UP; attempt += 1) {
    const last = followed.at(-1) ?? left;
    const recovery = siblingOf(left.execution, recoveryOf(left.execution, attempt));
    if (recovery === null || last.left !== 'recovery') break;
    const { name, ending } = last.result;
    watching.onLeave(waitingWords(last, recovery));
    if (watching.announce) watching.terminal.out(`${name} ended ${ending}: waits for its recovery ${recovery.name}`);
    if (!(await appears(connection, { recovery, last, signal: watching.signal })))
      return { result: resultOf(followed), failure: await notStarted(connection, followed, recovery) };
    watching.onLeave(recoveryWords(recovery, connection, attempt));
    if (watching.announce) watching.terminal.out(`recovery ${recovery.arn}`);
    followed.push(await follow(connection, recovery, watching));
  }
  const recovered = followed.slice(1).at(-1);
  return recovered ? { result: resultOf(followed), failure: failureAfter(recovered, asked) } : null;
}

/**
 * Whether a recovery is there, now or a little later.
 *
 * @throws Failure when a look cannot succeed, or the last one did not; Interrupted on Ctrl-C.
 */
async function appears(
  connection: Connection,
  { recovery, last, signal }: { recovery: ExecutionName; last: Followed; signal: AbortSignal },
): Promise<boolean> {
  const pause = Math.min(paceFor(connection).longest, LONGEST_PAUSE);
  for (let look = 1; ; look += 1) {
    signal.throwIfAborted();
    try {
      if (await executionThere(connection, recovery.arn)) return true;
    } catch (error) {
      if (isFinal(error) || look >= LOOKS) throw notFollowed(error, last.execution.arn);
    }
    if (look >= LOOKS) return false;
    await sleep(pause, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}

/** For a person who stops waiting: the recovery may not have started yet, so only the ended execution can be read. */
function waitingWords({ result }: Followed, recovery: ExecutionName): string[] {
  return [
    `${result.name} ended ${result.ending}, and its recovery had not started yet. It starts without this terminal: ${recovery.arn}`,
    `  the story so far:  ${auditCommand({ arn: result.execution })}`,
  ];
}

/**
 * For a person who stops watching a recovery. The last recovery only pages a person and revokes access, so nobody needs
 * to stop it.
 */
function recoveryWords(execution: ExecutionName, connection: Connection, attempt: number): string[] {
  const then =
    attempt < MOST_ATTEMPTS ? 'the next recovery then goes on' : 'it is the last one: a person is then paged';
  return [
    `The recovery goes on without this terminal: ${execution.arn}`,
    `  its story so far:  ${auditCommand(execution)}`,
    ...(attempt < GIVING_UP ? stopping(execution, connection, then) : []),
  ];
}

/** The recovery has the last reports of the nodes, if it asked them. */
function resultOf([{ result: left }, ...recoveries]: readonly [Followed, ...Followed[]]): MigrationResult {
  const recovery = recoveries.at(-1)?.result;
  if (!recovery) return left;
  const { execution, name, status, ending } = recovery;
  const modes = recoveries.map(({ result }) => result.modes).findLast((each) => Object.keys(each).length > 0);
  return { ...left, modes: modes ?? left.modes, recovery: { execution, name, status, ending } };
}

const NAMES: Readonly<Record<string, string>> = {
  'rolled-back': 'RolledBack',
  'rollback-failed': 'RollbackFailed',
  finished: 'MigrationFinished',
  'nothing-to-roll-back': 'NothingChanged',
};

function failureAfter({ result, steps }: Followed, asked: Asked): Failure | null {
  const { status, name, error } = result;
  const found = foundRecorded(steps);
  const ending = result.ending === 'nothing-to-roll-back' ? (found ?? result.ending) : result.ending;
  if (status === 'SUCCEEDED' && REACHED[asked].includes(ending)) return null;
  const way = ending === result.ending ? `ended ${ending}` : `found that the ending ${ending} was recorded`;
  const cause = error?.cause || `the recovery ${name} ${way}`;
  return new Failure(error?.name ?? NAMES[ending] ?? 'ExecutionFailed', cause, {
    nextStep: `read what happened: ${auditCommand({ arn: result.execution })}`,
  });
}

/**
 * The recorded ending of an execution that was cut off after it wrote its record. Its recovery only revokes its access
 * and releases its lease.
 */
function foundRecorded(steps: readonly Step[]): string | null {
  return answersOf(steps, 'inspect-rollback', FoundFormer).at(-1)?.ownerEnding ?? null;
}

async function notStarted(
  connection: Connection,
  followed: readonly [Followed, ...Followed[]],
  recovery: ExecutionName,
): Promise<Failure> {
  const [left] = followed;
  const { name, ending } = (followed.at(-1) ?? left).result;
  const nested = await readNested(connection, left.steps);
  const starts = leaseStarts(
    [...followed, ...nested].flatMap(({ steps }) => steps),
    recovery.name,
  );
  const latest =
    starts === null
      ? 'no remaining lease will start it; the daily sweep will'
      : `the cluster's lease starts it at ${showTime(starts)} at the latest`;
  return new Failure(
    'RecoveryNotStarted',
    `${name} ended ${ending}, and its recovery ${recovery.name} has not started yet: ${latest}`,
    { nextStep: `look again: ${auditCommand({ arn: left.result.execution })}` },
  );
}
