import * as z from 'zod/mini';
import { ClusterWithApi, Common, EvidenceNeed, Step, Stored } from './shared/input.ts';
import { Inventory } from './shared/output.ts';

export const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterWithApi,
  kubernetes: z.boolean(),
  /** An earlier inventory, to find the nodes that have joined or left since. */
  since: z._default(z.nullable(Stored), null),
  evidence: EvidenceNeed,
});
export type Input = z.output<typeof Input>;

export const Output = z.object({
  inventory: Inventory,
  /** How many nodes that `since` did not have are to be prepared, and how many nodes of `since` are gone. */
  newcomers: z.number(),
  gone: z.number(),
  notes: z.array(z.string()),
});
export type Output = z.output<typeof Output>;
