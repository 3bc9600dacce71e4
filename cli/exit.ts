/** The exit codes: 0 done, 1 it did not end as requested, 2 the command line is wrong. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130, readerGone: 141, terminated: 143 } as const;

/** The command line is wrong: one sentence why, and what to do instead. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly nextStep: string | null;

  constructor(message: string, options: { nextStep?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.nextStep = options.nextStep ?? null;
  }
}

/** The command line was right, but the work failed. `name` is printed last, for scripts. Exit code 1. */
export class Failure extends Error {
  override readonly name: string;
  readonly nextStep: string | null;

  constructor(name: string, message: string, options: { nextStep?: string | null; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.name = name;
    this.nextStep = options.nextStep ?? null;
  }
}

/** A signal ended the command. Its message is already printed. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  readonly exitCode: number;

  constructor(exitCode: number) {
    super('interrupted');
    this.exitCode = exitCode;
  }
}

/**
 * Lines for stderr and the exit code. The last word of the last line is the error's name, except for a bad call. The
 * advice is the line before, although a reader wants the problem first: scripts read both lines by their place.
 */
export function describeError(error: unknown): { exitCode: number; lines: string[] } {
  if (error instanceof Interrupted) return { exitCode: error.exitCode, lines: [] };
  if (error instanceof UsageError)
    return { exitCode: EXIT.usage, lines: withNextStep(`nightshift: ${oneLine(error.message)}`, error.nextStep) };
  const { name, message, nextStep } = named(error);
  return { exitCode: EXIT.failed, lines: withNextStep(`nightshift: ${endWithName(message, name)}`, nextStep) };
}

/** One line that ends in the error's name. A command at the end of the text stays apart from it. */
export function endWithName(text: string, name: string): string {
  const line = oneLine(text);
  if (line === '') return name;
  return /`[.:]?$/.test(line)
    ? `${line.replace(/[.:]$/, '')}. Error: ${name}`
    : `${line.replace(/[.:]$/, '')}: ${name}`;
}

/** Text with control characters made visible and newlines folded: foreign text must not control a terminal. */
export function oneLine(text: string): string {
  return text
    .replace(/\s+/gu, ' ')
    .replace(/[\p{Cc}\p{Cf}]/gu, '�')
    .trim();
}

function withNextStep(line: string, nextStep: string | null): string[] {
  return nextStep === null ? [line] : [`next: ${oneLine(nextStep)}`, line];
}

/** The generic error names of JavaScript. */
const NO_NAMES = new Set(['Error', 'TypeError', 'RangeError', 'AggregateError']);

function named(error: unknown): { name: string; message: string; nextStep: string | null } {
  if (!(error instanceof Error)) return { name: 'UnexpectedError', message: String(error), nextStep: null };
  const nextStep = 'nextStep' in error && typeof error.nextStep === 'string' ? error.nextStep : null;
  return {
    name: NO_NAMES.has(error.name) ? 'UnexpectedError' : error.name,
    message: error.message || 'no message',
    nextStep,
  };
}
