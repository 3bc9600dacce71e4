import * as z from 'zod/mini';
import { MigrationRequest } from '../core/execution/request.ts';
import { Common } from './shared/input.ts';

export const Input = z.object({ ...Common, request: z.unknown() });
export type Input = z.output<typeof Input>;

/** `at` is ISO 8601 in UTC, as the state machine's Wait takes it. */
export const Output = z.object({
  request: MigrationRequest,
  beginning: z.discriminatedUnion('kind', [
    z.object({ kind: z.literal('now') }),
    z.object({ kind: z.literal('at'), at: z.string() }),
    z.object({ kind: z.literal('cluster') }),
  ]),
});
export type Output = z.output<typeof Output>;
