import * as z from 'zod/mini';
import { Sweep } from './shared/input.ts';

export const Input = z.strictObject(Sweep);
export type Input = z.output<typeof Input>;

/**
 * Executions that were looked after, histories that were kept only now, recoveries that were started only now, records
 * that were written only now, and records that are still owed.
 */
export const Output = z.object({
  executions: z.number(),
  kept: z.number(),
  recovered: z.number(),
  recorded: z.number(),
  owed: z.number(),
});
export type Output = z.output<typeof Output>;
