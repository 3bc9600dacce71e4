import * as z from 'zod/mini';
import { Common, Instant } from './shared/input.ts';
import { StageOfRollout } from './shared/stage.ts';

const { rollout, stage } = StageOfRollout;

export const Input = z.object({ ...Common, rollout, stage, soakUntil: Instant });
export type Input = z.output<typeof Input>;

/** Moments are ISO 8601 in UTC. */
export const Output = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('soaking'), nextLook: z.string() }),
  z.object({ kind: z.literal('over') }),
  /** An alarm rings. `rollbacks`: the executions that restore the clusters that it guards. */
  z.object({ kind: z.literal('held'), reason: z.string(), rollbacks: z.array(z.string()) }),
]);
export type Output = z.output<typeof Output>;
