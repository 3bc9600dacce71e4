import * as z from 'zod/mini';
import { ClusterEnding, RolloutStep } from '../core/fleet/rollout.ts';
import { clusterName } from '../core/values/cluster-name.ts';
import { Common } from './shared/input.ts';
import { StageOfRollout } from './shared/stage.ts';

const { rollout, stage } = StageOfRollout;

export const Input = z.object({
  ...Common,
  rollout,
  stage,
  step: RolloutStep,
  cluster: clusterName(),
  /** The name of the execution that was started for the cluster. */
  name: Common.execution.shape.name,
  /** Step Functions' name for why that execution did not succeed; null if it succeeded. */
  failure: z.nullable(z.string()),
});
export type Input = z.output<typeof Input>;

export const Output = z.object({ ending: ClusterEnding });
export type Output = z.output<typeof Output>;
