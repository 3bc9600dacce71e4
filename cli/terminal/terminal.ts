import { EventEmitter } from 'node:events';
import { EXIT } from '../exit.ts';

/** Emits `gone` at each write to stdout or stderr whose reader has closed it. */
export const readers = new EventEmitter();

/** The output of a command: the real streams in the program. */
export interface Terminal {
  /** Data and reports. */
  out(text: string): void;
  /** Errors and messages for people beside the data. */
  err(text: string): void;
  /** stdout is a terminal that a person watches, and NO_COLOR is not set: commands use colour and redraw lines. */
  readonly lively: boolean;
}

/** In a smaller terminal redrawn lines cannot be read; build machines have terminals without rows and columns. */
const SMALLEST = { columns: 40, rows: 12 };

/** The process's own streams. NO_COLOR: https://no-color.org */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  return {
    out: (text) => void stdout.write(`${text}\n`),
    err: (text) => void stderr.write(`${text}\n`),
    lively:
      stdout.isTTY === true &&
      stdout.columns >= SMALLEST.columns &&
      stdout.rows >= SMALLEST.rows &&
      !env['NO_COLOR'] &&
      env['TERM'] !== 'dumb',
  };
}

/**
 * Ends the process when the reader of a pipe has closed it (`nightshift audit … | head`), with SIGPIPE's status 128 +
 * 13. It prints nothing, unless a command listens because its execution continues. It does not listen to SIGPIPE: once
 * such a listener is removed, the signal ends the process.
 */
export function endWhenReaderLeaves(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (!readers.emit('gone')) process.exit(process.exitCode ?? EXIT.readerGone);
    });
}

/** Resolves when everything written has been flushed: a pipe can be slow. */
export async function flush(): Promise<void> {
  const taken = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write('', () => resolve()));
  await Promise.all([taken(process.stdout), taken(process.stderr)]);
}
