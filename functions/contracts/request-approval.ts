import * as z from 'zod/mini';
import { Common } from './shared/input.ts';
import { OpenedStage, StageOfRollout } from './shared/stage.ts';

const { rollout, stage } = StageOfRollout;
const { todo, nodes, items, approvalSeconds, fourEyes, requestedBy } = OpenedStage.shape;

export const Input = z.object({
  ...Common,
  rollout,
  stage,
  todo,
  nodes,
  items,
  approvalSeconds,
  fourEyes,
  requestedBy,
  token: z.string().check(z.minLength(1)),
});
export type Input = z.output<typeof Input>;

/** The state waits for the answer of a person, and not for this one. */
export const Output = z.object({ requested: z.literal(true) });
export type Output = z.output<typeof Output>;
