import * as z from 'zod/mini';
import { Sweep } from './shared/input.ts';

export const Input = z.strictObject(Sweep);
export type Input = z.output<typeof Input>;

/**
 * How many executions were checked; how many histories were stored, recoveries started and records written by this
 * sweep; and how many records are still owed.
 */
export const Output = z.object({
  executions: z.number(),
  kept: z.number(),
  recovered: z.number(),
  recorded: z.number(),
  owed: z.number(),
});
export type Output = z.output<typeof Output>;
