import * as z from 'zod/mini';

/** EventBridge's envelope, which core reads. */
export const Input = z.unknown();

export const Output = z.object({ kind: z.enum(['ignored', 'refused', 'notified', 'scheduled']), reason: z.string() });
export type Output = z.output<typeof Output>;
