import * as z from 'zod/mini';

/** A schema for one line of text that is recorded and shown: 1 to `longest` characters after trimming. */
export const printable = (longest: number) =>
  z.string({ error: `must be a text of 1 to ${longest} characters` }).check(
    z.trim(),
    z.minLength(1, `must be a text of 1 to ${longest} characters`),
    z.maxLength(longest, `must be a text of 1 to ${longest} characters`),
    // A control character in a recorded text could forge a line in a log or on a terminal.
    z.regex(/^[^\p{Cc}]*$/u, 'must be one line without control characters'),
  );
