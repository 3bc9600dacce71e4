import * as z from 'zod/mini';
import { Advice } from '../core/advice/advice.ts';
import { MigrationRequest } from '../core/execution/request.ts';
import { Guards } from '../core/guards/alarms.ts';
import { Check } from '../core/preflight/check.ts';
import { RestartStrategy, Way } from '../core/preflight/snapshot.ts';
import { Common, Step } from './shared/input.ts';
import { ClusterFacts, FoundAddon, Inventory } from './shared/output.ts';

export const Input = z.object({
  ...Common,
  step: Step,
  request: z.unknown(),
  kubernetes: z.boolean(),
  /** Nodes have just failed to prove the configured target. */
  refuted: z.exactOptional(z.boolean()),
});
export type Input = z.output<typeof Input>;

/** In a plan that refuses, everything that describes a change or a restart is null. */
export const Plan = z.object({
  kind: z.enum(['none', 'migrate', 'refuse']),
  reasons: z.array(z.string()),
  checks: z.array(Check),
  advice: Advice,
  strategy: z.nullable(RestartStrategy),
  way: z.nullable(Way),
  configuration: z.nullable(z.string()),
  createVersion: z.nullable(z.string()),
});

export const Output = z.object({
  request: MigrationRequest,
  plan: Plan,
  cluster: z.extend(ClusterFacts, { guards: Guards }),
  addon: z.nullable(FoundAddon),
  /** The exact text of kube-proxy's configuration in its ConfigMap; null if Kubernetes was not read. */
  configMap: z.nullable(z.string()),
  inventory: Inventory,
  estimateSeconds: z.number(),
  /** Seconds that must be left of a window before the change is sent; null if no change will be sent. */
  windowSeconds: z.nullable(z.number()),
});
export type Output = z.output<typeof Output>;
