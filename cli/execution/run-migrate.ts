import { type Connection, connect, whoAsks } from '../aws.ts';
import { EXIT, Failure } from '../exit.ts';
import { auditCommand } from '../terminal/paste.ts';
import { noProgress, progressFor } from '../terminal/progress.ts';
import { styleFor } from '../terminal/style.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Leaving, unlessLeft } from '../terminal/until-signal.ts';
import { dryRun } from './dry-run.ts';
import { followRecoveries } from './follow-recovery.ts';
import { holderNow } from './lease.ts';
import { endingLine, type Followed, failureOf, migrate, partingWords, type Watching } from './migration.ts';

/** The input of an execution as the command line makes it, validated by core. */
export type WantedRequest = { cluster: string } & Record<string, unknown>;

interface RunOptions {
  dryRun: boolean;
  json: boolean;
  stateMachine: string | undefined;
  terminal: Terminal;
  leaving: Leaving;
}

/** Migrates or, with --dry-run, inspects; sets the exit code. @throws Failure with the error name of the execution */
export async function runMigrate(wanted: WantedRequest, options: RunOptions): Promise<void> {
  const { json, terminal, leaving } = options;
  const connection = await unlessLeft(leaving, () => connect());
  try {
    const request = { ...wanted, requestedBy: await unlessLeft(leaving, () => whoAsks(connection)) };
    if (options.dryRun)
      await unlessLeft(leaving, () => dryRun(connection, { request, json, now: new Date(), terminal }));
    else await run(connection, request, options);
  } finally {
    connection.close();
  }
}

async function run(connection: Connection, request: WantedRequest, options: RunOptions): Promise<void> {
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
  const { result, failure } = recovered ?? { result: own.result, failure: await failureIn(connection, own) };
  const style = styleFor(terminal);
  if (json) terminal.out(JSON.stringify(result));
  else terminal.out(endingLine(result, failure, style));
  process.exitCode = EXIT.ok;
  if (failure) throw failure;
}

/** The failure of an execution. If another execution holds the lease, the next step is the story of that one. */
async function failureIn(connection: Connection, { result, steps }: Followed): Promise<Failure | null> {
  const failure = failureOf(result);
  if (failure?.name !== 'AlreadyMigrating') return failure;
  const holder = await holderNow(connection, steps);
  if (!holder) return failure;
  return new Failure(failure.name, `another execution holds the cluster's lease, ${holder.name}`, {
    nextStep: `follow that one, or wait for its end: ${auditCommand(holder)}`,
  });
}
