import * as z from 'zod/mini';
import { MigrationRequest } from '../core/execution/request.ts';
import { Check } from '../core/preflight/check.ts';
import { RestartStrategy, Way } from '../core/preflight/snapshot.ts';
import { Common, Step } from './shared/input.ts';
import { ClusterFacts, FoundAddon, Inventory } from './shared/output.ts';

export const Input = z.object({
  ...Common,
  step: Step,
  request: z.unknown(),
  kubernetes: z.boolean(),
  /** Nodes have just failed to prove the target that was configured. */
  refuted: z.exactOptional(z.boolean()),
});
export type Input = z.output<typeof Input>;

/** What a change, or a restart alone, would do is null in a plan that refuses. */
export const Plan = z.object({
  kind: z.enum(['none', 'migrate', 'refuse']),
  reasons: z.array(z.string()),
  checks: z.array(Check),
  strategy: z.nullable(RestartStrategy),
  way: z.nullable(Way),
  configuration: z.nullable(z.string()),
  createVersion: z.nullable(z.string()),
});

export const Output = z.object({
  request: MigrationRequest,
  plan: Plan,
  cluster: ClusterFacts,
  addon: z.nullable(FoundAddon),
  /** The exact text of kube-proxy's configuration in its ConfigMap; null where Kubernetes was not read. */
  configMap: z.nullable(z.string()),
  inventory: Inventory,
  estimateSeconds: z.number(),
  /** What has to be left of a window before the change is sent; null where none will be. */
  windowSeconds: z.nullable(z.number()),
});
export type Output = z.output<typeof Output>;
