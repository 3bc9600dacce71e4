import * as z from 'zod/mini';
import { ClusterWithApi, Common, EvidenceNeed, Step, Stored } from './shared/input.ts';
import { Inventory } from './shared/output.ts';

export const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterWithApi,
  kubernetes: z.boolean(),
  /** An earlier inventory, to tell who has joined and who has gone. */
  since: z._default(z.nullable(Stored), null),
  evidence: EvidenceNeed,
});
export type Input = z.output<typeof Input>;

export const Output = z.object({
  inventory: Inventory,
  /** How many nodes are to be prepared that `since` did not have, and how many of `since` are no more. */
  newcomers: z.number(),
  gone: z.number(),
  notes: z.array(z.string()),
});
export type Output = z.output<typeof Output>;
