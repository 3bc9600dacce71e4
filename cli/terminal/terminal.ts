import { EventEmitter } from 'node:events';
import { EXIT } from '../exit.ts';

/** Emits `gone` when nobody reads stdout or stderr any more, at each write. */
export const readers = new EventEmitter();

/** Where a command writes; the real streams in the program. */
export interface Terminal {
  /** Data and stories. */
  out(text: string): void;
  /** What went wrong and what a person should know beside the data. */
  err(text: string): void;
  /** stdout is a terminal that a person watches, and NO_COLOR is not set: colour and redrawing are welcome. */
  readonly lively: boolean;
}

/** Below this redrawn lines cannot be read; build machines offer terminals with no rows and columns at all. */
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
 * Ends when the reader of a pipe has gone (`nightshift audit … | head`), as SIGPIPE would: 128 + 13. Quietly, unless a
 * command listens: its execution goes on. No listener of SIGPIPE: once it is removed, the signal ends the process.
 */
export function endWhenReaderLeaves(): void {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (!readers.emit('gone')) process.exit(process.exitCode ?? EXIT.readerGone);
    });
}

/** Resolves when everything written has been taken: a pipe takes its time. */
export async function flush(): Promise<void> {
  const taken = (stream: NodeJS.WriteStream) => new Promise<void>((resolve) => stream.write('', () => resolve()));
  await Promise.all([taken(process.stdout), taken(process.stderr)]);
}
