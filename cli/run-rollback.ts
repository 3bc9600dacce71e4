import { createInterface } from 'node:readline/promises';
import { NightshiftError } from '../functions/core/errors.ts';
import { formerKey } from '../functions/core/executions.ts';
import { type Former, parseFormer, restoration } from '../functions/core/former.ts';
import { describeProxying } from '../functions/core/proxy-mode.ts';
import { evidenceBucket } from './audit.ts';
import { type Connection, connect } from './aws.ts';
import { readObject } from './evidence.ts';
import {
  describeExecution,
  type ExecutionName,
  executionName,
  findStateMachine,
  possibleExecutions,
} from './executions.ts';
import { EXIT, Failure, oneLine, UsageError } from './exit.ts';
import { followRecoveries } from './follow-recovery.ts';
import {
  endingLine,
  failureOf,
  type Leaving,
  partingWords,
  runExecution,
  untilSignal,
  type Watching,
} from './migration.ts';
import { awsCommand } from './paste.ts';
import { machineOf } from './phases.ts';
import { noProgress, progressFor } from './progress.ts';
import { type Style, styleFor } from './style.ts';
import type { Terminal } from './terminal.ts';

interface RunOptions {
  reason: string;
  yes: boolean;
  json: boolean;
  stateMachine?: string;
  evidenceBucket?: string;
  terminal: Terminal;
}

/**
 * Shows what the migration that `text` names saved before its change, asks, and has it put back.
 *
 * @throws Failure with the error name of the execution, or `StillRunning`, `NothingToRollBack`, `NotConfirmed` when none
 * was started; UsageError when nobody can be asked.
 */
export async function runRollback(text: string, options: RunOptions): Promise<void> {
  const { json, terminal } = options;
  const reason = reasonIn(options.reason);
  if (!options.yes && !process.stdin.isTTY)
    throw new UsageError('without a terminal nobody can be asked whether this is to be put back', {
      nextStep: 'say --yes',
    });
  const connection = await connect();
  try {
    const [owner] = await possibleExecutions(connection, text);
    const former = await savedBy(connection, owner, options.evidenceBucket ?? evidenceBucket(owner));
    const style = styleFor(terminal);
    // With --json stdout is the document; what is asked about is shown beside it.
    const show = json ? terminal.err : terminal.out;
    if (!json || !options.yes) for (const line of describe(former, owner, style)) show(line);
    if (!options.yes) await confirm();
    await untilSignal(terminal, (leaving) => putBack(connection, { owner, former, reason }, { ...options, leaving }));
  } finally {
    connection.close();
  }
}

function reasonIn(text: string): string {
  const reason = text.trim();
  if (reason === '' || reason.length > 500 || /\p{Cc}/u.test(reason))
    throw new UsageError('--reason must be one line of 1 to 500 characters: it is recorded');
  return reason;
}

/** What the execution saved before its change. @throws Failure when it saved nothing, or still runs */
async function savedBy(connection: Connection, owner: ExecutionName, bucket: string): Promise<Former> {
  if (machineOf(owner.stateMachine) === 'rollback-cluster')
    throw new UsageError(`${owner.name} is a rollback itself`, { nextStep: 'name the migration: the audit tells it' });
  const known = await refuseRunning(connection, owner);
  const key = formerKey(owner);
  const saved = await readObject(connection, bucket, key);
  if (saved === null && !known)
    throw new Failure(
      'ExecutionDoesNotExist',
      `there is no execution ${owner.name}: Step Functions does not know ${owner.arn}, and ${bucket} has no ${key}`,
      { nextStep: 'check the name, the Region and the account; nightshift prints the name when it starts a migration' },
    );
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

/** Whether Step Functions knows the execution. It forgets one 90 days after its end; what that one saved still counts. */
async function refuseRunning(connection: Connection, owner: ExecutionName): Promise<boolean> {
  try {
    const { status } = await describeExecution(connection, owner.arn);
    if (status !== 'RUNNING') return true;
  } catch (error) {
    if (error instanceof Failure && error.name === 'ExecutionDoesNotExist') return false;
    throw error;
  }
  throw new Failure('StillRunning', `${owner.name} still runs: two must not change one cluster`, {
    nextStep: `wait for its end, or stop it, and its change is put back: ${awsCommand(connection, `stepfunctions stop-execution --execution-arn ${owner.arn}`)}`,
  });
}

/** What will be put back, as it was saved. */
function describe(former: Former, owner: ExecutionName, style: Style): string[] {
  const { configuration, proxying, configMap } = restoration(former);
  const { way, strategy } = former.plan;
  const rows: [string, string | null][] = [
    ['Cluster', former.cluster.name],
    ['Undoes', owner.arn],
    ['Mode', `${describeProxying(former.target).text} back to ${describeProxying(proxying).text}`],
    ['Add-on', addonOf(way, configuration)],
    ['ConfigMap', configMap === null ? null : `the text that was saved, ${configMap.split('\n').length} lines`],
    ['Restart', strategy],
    ['Then', `every node is cleaned and proves ${describeProxying(proxying).text}`],
  ];
  return [
    style.bold('What will be put back'),
    ...rows.flatMap(([label, value]) =>
      value === null ? [] : [`  ${style.bold(label.padEnd(10))} ${oneLine(value)}`],
    ),
  ];
}

function addonOf(way: Former['plan']['way'], configuration: string): string | null {
  if (way === 'config-map') return null;
  return way === 'create-addon' ? 'given back, its objects stay' : configuration;
}

/** @throws Failure `NotConfirmed` */
async function confirm(): Promise<void> {
  const asked = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await asked.question('Put this back? Type yes: ');
    if (answer.trim().toLowerCase() === 'yes') return;
  } finally {
    asked.close();
  }
  throw new Failure('NotConfirmed', 'nothing was started');
}

async function putBack(
  connection: Connection,
  { owner, former, reason }: { owner: ExecutionName; former: Former; reason: string },
  { json, terminal, leaving, ...options }: RunOptions & { leaving: Leaving },
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
