import * as z from 'zod/mini';
import { ClusterWithApi, Common, Step, Stored } from './shared/input.ts';
import { StoredObject } from './shared/output.ts';

export const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterWithApi,
  /** With all nodes: the moment of the restart, the same in every repetition. */
  restartedAt: z._default(z.nullable(z.iso.datetime({ offset: true })), null),
  /** With canaries: one node for each way of proving, chosen from this inventory. */
  canary: z._default(z.nullable(z.object({ inventory: Stored })), null),
  /** In a rollback after a canary: the nodes of this inventory only. */
  nodes: z._default(z.nullable(z.object({ inventory: Stored })), null),
});
export type Input = z.output<typeof Input>;

/**
 * The canaries, one for each way of proving that the nodes have, with the pods that were deleted there, and an
 * inventory of these nodes only. If no node can be proven alone, there is no canary, with the reason.
 */
export const Canaries = z.object({
  canaries: z.array(
    z.object({
      node: z.object({ id: z.string(), name: z.string() }),
      formerPod: z.object({ name: z.string(), uid: z.string() }),
      reason: z.string(),
    }),
  ),
  inventory: z.nullable(z.object({ key: z.string() })),
  reason: z.string(),
});

export const RestartedCanaries = z.extend(Canaries, { stored: z.array(StoredObject) });
export type RestartedCanaries = z.output<typeof RestartedCanaries>;

/** The DaemonSet's generation, or the canaries, or how many pods were restarted on the named nodes. */
export const Output = z.union([
  z.object({ generation: z.number() }),
  RestartedCanaries,
  z.object({ pods: z.number() }),
]);
export type Output = z.output<typeof Output>;
