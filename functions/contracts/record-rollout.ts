import * as z from 'zod/mini';
import { Common, Instant } from './shared/input.ts';

export const Input = z.object({
  ...Common,
  /** As the open-stage function named it; null if the input could not be read. */
  rollout: z.nullable(z.string()),
  startedAt: Instant,
  /** Step Functions' error output; null if every stage is proven. */
  failure: z.nullable(z.object({ Error: z.string(), Cause: z.optional(z.string()) })),
});
export type Input = z.output<typeof Input>;

export const Output = z.object({
  status: z.enum(['succeeded', 'held', 'denied', 'failed']),
  error: z.nullable(z.object({ name: z.string(), cause: z.string() })),
  /** The key of the summary. */
  summary: z.nullable(z.string()),
});
export type Output = z.output<typeof Output>;
