import * as z from 'zod/mini';
import { RollbackInput } from '../core/execution/recovery.ts';
import { RestartStrategy, Way } from '../core/preflight/snapshot.ts';
import { ClusterName, Common, Proxying, Step } from './shared/input.ts';
import { ClusterFacts, FoundAddon, Inventory } from './shared/output.ts';

/** Only reads the input of the execution, which a person may have written. */
const ReadInput = z.object({ ...Common, read: z.literal(true), input: z.unknown() });
export type ReadInput = z.output<typeof ReadInput>;

const LookInput = z.object({
  ...Common,
  step: Step,
  /** The execution whose change is looked at. */
  owner: Common.execution,
  cluster: ClusterName.shape.name,
  /** What this execution was started with. */
  request: RollbackInput,
  kubernetes: z.boolean(),
});
export type LookInput = z.output<typeof LookInput>;

export const Input = z.union([LookInput, ReadInput]);
export type Input = z.output<typeof Input>;

/** The input of an execution as the other states need it, and what others have recorded of the same incident. */
const ReadOutput = z.object({
  request: RollbackInput,
  lease: z.string(),
  /** The ending of what is recovered, or else of the newest attempt that came to an end; null if none recorded one. */
  ending: z.nullable(z.string()),
  /** One of them recorded `rollback-failed`, and so has paged a person. */
  paged: z.boolean(),
});
export type ReadOutput = z.output<typeof ReadOutput>;

/** What a rollback sends and proves: core's Restoration says what each member is. */
export const Former = z.object({
  configuration: z.string(),
  sent: z.nullable(z.string()),
  created: z.nullable(z.string()),
  proxying: Proxying,
  values: z.nullable(Proxying),
  configMap: z.nullable(z.string()),
  addon: z.nullable(z.object({ version: z.string() })),
});

const Look = {
  /** Null when the owner, or the rollback that is recovered, recorded no end. */
  ownerEnding: z.nullable(z.string()),
  lease: z.string(),
  /** What follows should this execution not come to its own end. */
  next: z.object({ name: z.string(), input: RollbackInput }),
  /** Ask again with access to Kubernetes. */
  needsKubernetes: z.boolean(),
};

/** What was found where something may have been changed. */
export const Found = z.object({
  ...Look,
  plan: z.object({ kind: z.literal('rollback'), reasons: z.array(z.string()) }),
  former: Former,
  target: Proxying,
  atTarget: z.boolean(),
  atFormer: z.boolean(),
  /**
   * Whether every node can prove without a restart which of the two it runs. A node that is asked on `/proxyMode` tells
   * the mode, and no scheduler.
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
