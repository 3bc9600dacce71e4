import { CommanderError } from 'commander';
import { isEntry } from '../scripts/is-entry.ts';
import { describeError, EXIT } from './exit.ts';
import { buildProgram } from './program.ts';
import { endWhenReaderLeaves, flush, processTerminal, type Terminal } from './terminal/terminal.ts';

/** Runs the command line and ends the process with its exit code, after all output is flushed. */
export async function main(argv: readonly string[]): Promise<never> {
  endWhenReaderLeaves();
  await runCommand(argv, processTerminal());
  await flush();
  // Kept-alive connections would keep the process alive for seconds after the work is done.
  process.exit();
}

/** Runs the command line and leaves its exit code in `process.exitCode`. */
export async function runCommand(argv: readonly string[], terminal: Terminal): Promise<void> {
  try {
    await buildProgram(terminal).parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.ok : EXIT.usage;
      return;
    }
    const { exitCode, lines } = describeError(error);
    process.exitCode = exitCode;
    for (const line of lines) terminal.err(line);
  }
}

/** A killed launcher cannot end its child process: a sandbox would outlive it and keep its port. */
function endWithLauncher(): void {
  if (!process.channel) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel.unref();
}

if (isEntry(import.meta.filename)) {
  endWithLauncher();
  await main(process.argv.slice(2));
}
