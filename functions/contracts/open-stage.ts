import * as z from 'zod/mini';
import { Common } from './shared/input.ts';
import { OpenedStage, StageOfRollout } from './shared/stage.ts';

export const Input = z.object({
  ...Common,
  /** The execution's input, which core parses. */
  fleet: z.unknown(),
  /** The number of the stage, from 0. */
  index: z.number().check(z.int(), z.gte(0)),
});
export type Input = z.output<typeof Input>;

const { rollout, attempt } = StageOfRollout;

export const Output = z.discriminatedUnion('kind', [
  /** Every stage is done. */
  z.object({ kind: z.literal('finished'), rollout, attempt }),
  /** Every cluster of the stage was proven, and soaked, before. */
  z.object({ ...StageOfRollout, kind: z.literal('done') }),
  /** The stage was held before, and nobody has resumed the rollout. */
  z.object({ ...StageOfRollout, kind: z.literal('held'), reason: z.string() }),
  OpenedStage,
]);
export type Output = z.output<typeof Output>;
