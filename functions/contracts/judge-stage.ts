import * as z from 'zod/mini';
import { RolloutStep } from '../core/fleet/rollout.ts';
import { Common } from './shared/input.ts';
import { OpenedStage, StageOfRollout } from './shared/stage.ts';

const { rollout, stage } = StageOfRollout;
const { tolerate, soakSeconds } = OpenedStage.shape;

export const Input = z.object({ ...Common, rollout, stage, tolerate, soakSeconds, step: RolloutStep });
export type Input = z.output<typeof Input>;

/** Moments are ISO 8601 in UTC. */
export const Output = z.discriminatedUnion('kind', [
  /** Every cluster is migrated; its nodes prove the target again after the soak. `proofs`: the list for the Map. */
  z.object({ kind: z.literal('soak'), soakUntil: z.string(), nextLook: z.string(), proofs: z.string() }),
  /** The stage is proven, and the next one may begin. */
  z.object({ kind: z.literal('proven') }),
  z.object({ kind: z.literal('held'), reason: z.string() }),
]);
export type Output = z.output<typeof Output>;
