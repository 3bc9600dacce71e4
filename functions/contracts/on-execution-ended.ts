import * as z from 'zod/mini';

/** EventBridge's envelope, which core reads. */
export const Input = z.unknown();

/** `name`: the execution that recovers. */
export const Output = z.object({
  kind: z.enum(['ignored', 'started', 'already-started', 'recorded', 'owed']),
  reason: z.string(),
  name: z.nullable(z.string()),
});
export type Output = z.output<typeof Output>;
