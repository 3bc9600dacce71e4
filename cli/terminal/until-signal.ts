import { EXIT, Interrupted } from '../exit.ts';
import { readers, type Terminal } from './terminal.ts';

/** How a person stops a command that watches. */
export interface Leaving {
  /** Aborted with Interrupted at the first Ctrl-C or SIGTERM, or when the reader of stdout has closed it. */
  signal: AbortSignal;
  /** Sets the text that a person reads who stops the command from now on. */
  onLeave(words: readonly string[]): void;
}

export const NOT_STARTED = 'Nothing was started.';

/**
 * Aborts `work` with Interrupted at the first Ctrl-C or SIGTERM, and prints the text that `work` has set, or otherwise
 * `first`; a second signal ends the process at once. The handler stays installed as long as `work` runs.
 */
export async function untilSignal<T>(
  terminal: Terminal,
  work: (leaving: Leaving) => Promise<T>,
  first: readonly string[] = [NOT_STARTED],
): Promise<T> {
  const controller = new AbortController();
  let words = first;
  const onLeave = (next: readonly string[]) => {
    words = next;
  };
  const leave = (exitCode: number) => () => {
    if (controller.signal.aborted) process.exit(exitCode);
    controller.abort(new Interrupted(exitCode));
  };
  const onInterrupt = leave(EXIT.interrupted);
  const onTerminate = leave(EXIT.terminated);
  // Each later write emits `gone`, too.
  const onReaderGone = () => controller.abort(new Interrupted(EXIT.readerGone));
  // Not `once`: log-update's cursor guard kills the process if it finds no other listener while it handles the signal.
  process.on('SIGINT', onInterrupt).on('SIGTERM', onTerminate);
  readers.on('gone', onReaderGone);
  try {
    return await work({ signal: controller.signal, onLeave });
  } catch (error) {
    if (error instanceof Interrupted && words.length > 0) for (const line of ['', ...words]) terminal.err(line);
    throw error;
  } finally {
    process.off('SIGINT', onInterrupt).off('SIGTERM', onTerminate);
    readers.off('gone', onReaderGone);
  }
}

/** The result of `work`, unless the person stops the command first. Only for work that starts nothing. */
export async function unlessLeft<T>({ signal }: Leaving, work: () => Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const left = Promise.withResolvers<never>();
  const onAbort = () => left.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work(), left.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
