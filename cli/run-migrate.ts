import { type Connection, connect, whoAsks } from './aws.ts';
import { dryRun } from './dry-run.ts';
import { EXIT } from './exit.ts';
import { followRecoveries } from './follow-recovery.ts';
import { endingLine, failureOf, type Leaving, migrate, partingWords, untilSignal, type Watching } from './migration.ts';
import { noProgress, progressFor } from './progress.ts';
import { styleFor } from './style.ts';
import type { Terminal } from './terminal.ts';

/** The input of an execution as the command line makes it; core has found it good. */
export type WantedRequest = { cluster: string } & Record<string, unknown>;

interface RunOptions {
  dryRun: boolean;
  json: boolean;
  stateMachine: string | undefined;
  terminal: Terminal;
}

/** Migrates, or only looks, and sets the exit code. @throws Failure with the error name of the execution */
export async function runMigrate(wanted: WantedRequest, options: RunOptions): Promise<void> {
  const { json, terminal } = options;
  const connection = await connect();
  try {
    const request = { ...wanted, requestedBy: await whoAsks(connection) };
    if (options.dryRun) await dryRun(connection, { request, json, now: new Date(), terminal });
    else await untilSignal(options.terminal, (leaving) => run(connection, request, { ...options, leaving }));
  } finally {
    connection.close();
  }
}

async function run(
  connection: Connection,
  request: WantedRequest,
  options: RunOptions & { leaving: Leaving },
): Promise<void> {
  const { json, stateMachine, terminal, leaving } = options;
  const watching: Watching = {
    terminal,
    progress: (machine) => (json ? noProgress : progressFor(terminal, machine)),
    announce: !json,
    parting: partingWords,
    ...leaving,
  };
  const own = await migrate(connection, { request, stateMachine, now: new Date(), ...watching });
  const recovered = await followRecoveries(connection, own, 'migrate', watching);
  const { result, failure } = recovered ?? { result: own.result, failure: failureOf(own.result) };
  const style = styleFor(terminal);
  if (json) terminal.out(JSON.stringify(result));
  else terminal.out(endingLine(result, failure, style));
  process.exitCode = EXIT.ok;
  if (failure) throw failure;
}
