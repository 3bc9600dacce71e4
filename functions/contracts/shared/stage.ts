import * as z from 'zod/mini';
import { RolloutName, StageName } from '../../core/fleet/stages.ts';

/** Which stage of which rollout a step works on. `attempt`: 1, and one more for each time that a person resumed it. */
export const StageOfRollout = {
  rollout: RolloutName,
  attempt: z.number().check(z.int(), z.gte(1)),
  stage: StageName,
};

/** What the steps of an open stage need to know of it. */
export const OpenedStage = z.object({
  ...StageOfRollout,
  kind: z.literal('open'),
  /** How many clusters the stage has, and how many nodes they have. */
  clusters: z.number(),
  nodes: z.number(),
  /** How many of the clusters are not proven yet. */
  todo: z.number(),
  /** The key of the list of those clusters, which the Distributed Map reads. */
  items: z.string(),
  atOnce: z.number(),
  /** How many clusters may fail. */
  tolerate: z.number(),
  soakSeconds: z.number(),
  approval: z.enum(['none', 'required']),
  approvalSeconds: z.number(),
  fourEyes: z.boolean(),
  requestedBy: z.nullable(z.string()),
});
export type OpenedStage = z.output<typeof OpenedStage>;
