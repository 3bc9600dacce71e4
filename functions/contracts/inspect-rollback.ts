import * as z from 'zod/mini';
import { Restoration } from '../core/execution/former.ts';
import { RollbackInput } from '../core/execution/recovery.ts';
import { ModeWithOptions } from '../core/modes/index.ts';
import { RestartStrategy, Way } from '../core/preflight/snapshot.ts';
import { ClusterName, Common, Step } from './shared/input.ts';
import { ClusterFacts, FoundAddon, Inventory } from './shared/output.ts';

/** Only parses the input of the execution, which a person may have written. */
const ReadInput = z.object({ ...Common, read: z.literal(true), input: z.unknown() });
export type ReadInput = z.output<typeof ReadInput>;

const LookInput = z.object({
  ...Common,
  step: Step,
  /** The execution whose change is inspected. */
  owner: Common.execution,
  cluster: ClusterName.shape.name,
  /** What this execution was started with. */
  request: RollbackInput,
  kubernetes: z.boolean(),
});
export type LookInput = z.output<typeof LookInput>;

export const Input = z.union([LookInput, ReadInput]);
export type Input = z.output<typeof Input>;

/**
 * The input of an execution as the other states need it, and what other executions have recorded of the same incident.
 */
const ReadOutput = z.object({
  request: RollbackInput,
  lease: z.string(),
  /**
   * The ending of the execution that is recovered, or else of the newest attempt that recorded one; null if no
   * execution did.
   */
  ending: z.nullable(z.string()),
  /** One of these executions recorded `rollback-failed`, and has therefore paged a person. */
  paged: z.boolean(),
});
export type ReadOutput = z.output<typeof ReadOutput>;

const Look = {
  /** Null if the owner, or the rollback that is recovered, did not record an ending. */
  ownerEnding: z.nullable(z.string()),
  lease: z.string(),
  /** The execution that follows if this one does not record its ending. */
  next: z.object({ name: z.string(), input: RollbackInput }),
  /** True if the look has to be repeated with access to Kubernetes. */
  needsKubernetes: z.boolean(),
};

/** What the look found if something may have been changed. */
export const Found = z.object({
  ...Look,
  plan: z.object({ kind: z.literal('rollback'), reasons: z.array(z.string()) }),
  former: Restoration,
  target: ModeWithOptions,
  atTarget: z.boolean(),
  atFormer: z.boolean(),
  /**
   * Whether every node can prove without a restart which of the two it runs. A node that is asked on `/proxyMode`
   * reports the mode, but not the scheduler.
   */
  standingProvable: z.boolean(),
  updateInFlight: z.boolean(),
  cluster: ClusterFacts,
  addon: z.nullable(FoundAddon),
  way: Way,
  strategy: RestartStrategy,
  inventory: Inventory,
  estimateSeconds: z.number(),
});
export type Found = z.output<typeof Found>;

export const Nothing = z.object({
  ...Look,
  plan: z.object({ kind: z.literal('nothing'), reasons: z.array(z.string()) }),
  former: z.null(),
  target: z.null(),
  atTarget: z.boolean(),
  atFormer: z.boolean(),
  standingProvable: z.boolean(),
  updateInFlight: z.boolean(),
  cluster: z.null(),
  addon: z.null(),
  way: z.null(),
  strategy: z.null(),
  inventory: z.null(),
  estimateSeconds: z.null(),
});

const LookOutput = z.union([Found, Nothing]);
export type LookOutput = z.output<typeof LookOutput>;

export const Output = z.union([Found, Nothing, ReadOutput]);
export type Output = z.output<typeof Output>;
