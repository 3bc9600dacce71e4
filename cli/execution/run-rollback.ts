import { createInterface } from 'node:readline';
import { NightshiftError } from '../../functions/core/errors.ts';
import { formerKey } from '../../functions/core/execution/executions.ts';
import { type Former, parseFormer, restoration } from '../../functions/core/execution/former.ts';
import { describeProxying } from '../../functions/core/modes/index.ts';
import { machineOf } from '../../state-machines/phases.ts';
import { type Connection, connect } from '../aws.ts';
import { type ConfiguredNow, readConfiguredNow } from '../configured-now.ts';
import { EXIT, Failure, oneLine, UsageError } from '../exit.ts';
import { readObject } from '../story/evidence.ts';
import { auditCommand, awsCommand } from '../terminal/paste.ts';
import { noProgress, progressFor } from '../terminal/progress.ts';
import { type Style, styleFor } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Leaving, unlessLeft } from '../terminal/until-signal.ts';
import {
  describeExecution,
  type ExecutionName,
  executionName,
  executionThere,
  findStateMachine,
  possibleExecutions,
} from './executions.ts';
import { followRecoveries } from './follow-recovery.ts';
import { evidenceBucket } from './gather-audit.ts';
import { endingLine, failureOf, partingWords, runExecution, type Watching } from './migration.ts';

interface RunOptions {
  reason: string;
  yes: boolean;
  json: boolean;
  stateMachine?: string;
  evidenceBucket?: string;
  terminal: Terminal;
  leaving: Leaving;
}

/**
 * Shows what the migration that `text` names saved before its change, asks, and starts the rollback.
 *
 * @throws Failure with the error name of the execution, or `StillRunning`, `NothingToRollBack`, `NotConfirmed` if no
 * rollback was started; UsageError if there is no terminal to ask at.
 */
export async function runRollback(text: string, options: RunOptions): Promise<void> {
  const { terminal, leaving } = options;
  const reason = reasonIn(options.reason);
  const connection = await unlessLeft(leaving, () => connect());
  try {
    const { owner, former, present } = await unlessLeft(leaving, () => look(connection, text, options));
    // The saved state is read first: nobody has to confirm a wrong name.
    if (!options.yes && !process.stdin.isTTY)
      throw new UsageError('without a terminal nobody can confirm the rollback', {
        nextStep: 'give --yes',
      });
    // With --json stdout is only the document, so the question goes to stderr.
    const show = options.json ? terminal.err : terminal.out;
    if (!options.json || !options.yes)
      for (const line of describe(former, owner, present, styleFor(terminal))) show(line);
    if (!options.yes) await confirm(leaving, present);
    await putBack(connection, { owner, former, reason }, options);
  } finally {
    connection.close();
  }
}

interface Looked {
  owner: ExecutionName;
  former: Former;
  present: ConfiguredNow;
}

async function look(
  connection: Connection,
  text: string,
  { evidenceBucket: bucket }: Pick<RunOptions, 'evidenceBucket'>,
): Promise<Looked> {
  const [owner, ...rollbacks] = await possibleExecutions(connection, text);
  const former = await savedBy(connection, { owner, rollbacks }, bucket ?? evidenceBucket(owner));
  return { owner, former, present: await readConfiguredNow(connection, former) };
}

function reasonIn(text: string): string {
  const reason = text.trim();
  if (reason === '' || reason.length > 500 || /\p{Cc}/u.test(reason))
    throw new UsageError('--reason must be one line of 1 to 500 characters: it is recorded');
  return reason;
}

/** What the execution saved before its change. @throws Failure when it saved nothing, or still runs */
async function savedBy(
  connection: Connection,
  { owner, rollbacks }: { owner: ExecutionName; rollbacks: readonly ExecutionName[] },
  bucket: string,
): Promise<Former> {
  if (machineOf(owner.stateMachine) === 'rollback-cluster') throw isRollback(owner);
  const known = await refuseRunning(connection, owner);
  const key = formerKey(owner);
  const saved = await readObject(connection, bucket, key);
  if (saved === null && !known) {
    for (const rollback of rollbacks) if (await executionThere(connection, rollback.arn)) throw isRollback(rollback);
    throw new Failure(
      'ExecutionDoesNotExist',
      `there is no execution ${owner.name}: Step Functions does not know ${owner.arn}, and ${bucket} has no ${key}`,
      { nextStep: 'check the name, the Region and the account; nightshift prints the name when it starts a migration' },
    );
  }
  if (saved === null)
    throw new Failure('NothingToRollBack', `${owner.name} saved no former state in ${bucket}: it changed nothing`, {
      nextStep: 'check name and bucket (--evidence-bucket)',
    });
  try {
    return parseFormer(saved.toString('utf8'));
  } catch (error) {
    if (error instanceof NightshiftError) throw new Failure(error.name, error.message, { cause: error });
    throw error;
  }
}

function isRollback(execution: ExecutionName): UsageError {
  return new UsageError(`${execution.name} is a rollback itself`, {
    nextStep: `name the migration that it undoes, which its story has: ${auditCommand(execution)}`,
  });
}

/** Whether Step Functions knows the execution. It forgets one after 90 days, but the saved state still counts. */
async function refuseRunning(connection: Connection, owner: ExecutionName): Promise<boolean> {
  try {
    const { status } = await describeExecution(connection, owner.arn);
    if (status !== 'RUNNING') return true;
  } catch (error) {
    if (error instanceof Failure && error.name === 'ExecutionDoesNotExist') return false;
    throw error;
  }
  throw new Failure('StillRunning', `${owner.name} still runs: two must not change one cluster`, {
    nextStep: `wait for its end, or stop it, and its recovery finishes or undoes what it began: ${awsCommand(connection, `stepfunctions stop-execution --execution-arn ${owner.arn}`)}`,
  });
}

/** What will be restored, as it was saved, and what is configured now. */
function describe(former: Former, owner: ExecutionName, present: ConfiguredNow, style: Style): string[] {
  const { configuration, proxying, configMap } = restoration(former);
  const { way, strategy } = former.plan;
  const rows: [string, string | null][] = [
    ['Cluster', former.cluster.name],
    ['Undoes', owner.arn],
    ['Migrated', `from ${describeProxying(proxying)} to ${describeProxying(former.target)}`],
    ['Now', present.text],
    ['Mode', `${present.asBefore ? 'stays' : 'back to'} ${describeProxying(proxying)}`],
    ['Add-on', present.asBefore ? 'stays as it is' : addonOf(way, configuration)],
    ['ConfigMap', configMap === null ? null : `the text that was saved, ${configMap.split('\n').length} lines`],
    ['Restart', strategy],
    ['Then', `every node is cleaned and proves ${describeProxying(proxying)}`],
  ];
  return [
    style.bold(
      present.asBefore ? 'Configured as before already: only restart, cleaning and proof' : 'What will be restored',
    ),
    ...rows.flatMap(([label, value]) =>
      value === null ? [] : [`  ${style.bold(label.padEnd(10))} ${oneLine(value)}`],
    ),
  ];
}

function addonOf(way: Former['plan']['way'], configuration: string): string | null {
  if (way === 'config-map') return null;
  return way === 'create-addon' ? 'removed, its objects stay' : configuration;
}

/** Without line editing, which would write escape sequences. @throws Failure `NotConfirmed`; Interrupted on Ctrl-C */
async function confirm(leaving: Leaving, { asBefore }: ConfiguredNow): Promise<void> {
  const question = asBefore ? 'Restart, clean and prove it once more? Type yes: ' : 'Put this back? Type yes: ';
  const asked = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  try {
    const answer = await unlessLeft(leaving, () => {
      const { promise, resolve } = Promise.withResolvers<string>();
      asked.once('line', resolve).once('close', () => resolve(''));
      process.stderr.write(question);
      return promise;
    });
    if (answer.trim().toLowerCase() === 'yes') return;
  } finally {
    asked.close();
  }
  throw new Failure('NotConfirmed', 'nothing was started', {
    nextStep: 'give the same command again and type yes, or give it with --yes',
  });
}

async function putBack(
  connection: Connection,
  { owner, former, reason }: { owner: ExecutionName; former: Former; reason: string },
  { json, terminal, leaving, ...options }: RunOptions,
): Promise<void> {
  const stateMachine = options.stateMachine ?? (await findStateMachine(connection, 'rollback-cluster'));
  const cluster = former.cluster.name;
  const execution = { name: owner.name, arn: owner.arn };
  const input = { mode: 'rollback', cluster, execution, reason, attempt: 1 };
  const name = `rollback-${executionName(cluster.slice(0, 50), new Date())}`;
  const watching: Watching = {
    terminal,
    progress: (machine) => (json ? noProgress : progressFor(terminal, machine)),
    announce: !json,
    parting: partingWords,
    ...leaving,
  };
  const own = await runExecution(connection, { stateMachine, name, input }, watching);
  const recovered = await followRecoveries(connection, own, 'rollback', watching);
  const { result, failure } = recovered ?? { result: own.result, failure: failureOf(own.result) };
  terminal.out(json ? JSON.stringify(result) : endingLine(result, failure, styleFor(terminal)));
  process.exitCode = EXIT.ok;
  if (failure) throw failure;
}
