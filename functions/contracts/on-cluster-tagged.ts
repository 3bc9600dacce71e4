import * as z from 'zod/mini';
import { KeptSchedules } from './shared/output.ts';

/** EventBridge's envelope, which core reads. */
export const Input = z.unknown();

export const Output = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ignored'), reason: z.string() }),
  z.extend(KeptSchedules, { kind: z.literal('kept'), cluster: z.string() }),
]);
export type Output = z.output<typeof Output>;
