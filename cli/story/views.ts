import * as z from 'zod/mini';
import * as CheckGuards from '../../functions/contracts/check-guards.ts';
import * as CheckRollout from '../../functions/contracts/check-rollout.ts';
import * as CollectFromNodes from '../../functions/contracts/collect-from-nodes.ts';
import * as DecideWindow from '../../functions/contracts/decide-window.ts';
import * as InspectCluster from '../../functions/contracts/inspect-cluster.ts';
import * as InspectRollback from '../../functions/contracts/inspect-rollback.ts';
import * as RecordOutcome from '../../functions/contracts/record-outcome.ts';
import * as RestartKubeProxy from '../../functions/contracts/restart-kube-proxy.ts';
import * as RunOnNodes from '../../functions/contracts/run-on-nodes.ts';
import { OutcomeRecord } from '../../functions/contracts/shared/outcome-record.ts';
import { ClusterFacts, FoundAddon, Inventory } from '../../functions/contracts/shared/output.ts';
import * as TakeInventory from '../../functions/contracts/take-inventory.ts';
import * as UpdateAddon from '../../functions/contracts/update-addon.ts';
import { Advice } from '../../functions/core/advice/advice.ts';
import { Restoration } from '../../functions/core/execution/former.ts';
import { RollbackInput } from '../../functions/core/execution/recovery.ts';
import type { MigrationRequest } from '../../functions/core/execution/request.ts';
import { Check as MadeCheck } from '../../functions/core/preflight/check.ts';

/*
 * What the story shows of the functions' answers. It picks members of their contracts, so that a renamed member is a
 * type error here. Older histories may hold less: only the members that identify an answer are required.
 */

/** An older execution may have made a check that no longer exists. */
export const Check = z.extend(MadeCheck, { name: z.string() });
export type Check = z.output<typeof Check>;

const counted = z.pick(Inventory, { key: true, sha256: true, counts: true });
const addon = z.partial(FoundAddon, { configuration: true });
const cluster = z.pick(ClusterFacts, {
  name: true,
  arn: true,
  version: true,
  serviceCidr: true,
  apiServer: true,
  dns: true,
});

const change = { strategy: true, way: true, configuration: true } as const;
const plan = z.partial(z.pick(InspectCluster.Plan, { kind: true, reasons: true, ...change }), change);

export const Inspected = z.object({
  plan: z.extend(plan, { checks: z.optional(z.array(Check)), advice: z.optional(Advice) }),
  cluster: z.required(z.partial(cluster), { name: true }),
  addon: z.nullish(addon),
  inventory: z.nullish(counted),
  windowSeconds: z.optional(InspectCluster.Output.shape.windowSeconds),
});
export type Inspected = z.output<typeof Inspected>;

/** `notes` name the nodes that joined or left since the previous inspection. */
export const InspectedAgain = z.partial(
  z.extend(z.pick(TakeInventory.Output, { notes: true }), { inventory: counted }),
  { notes: true },
);

export const Decided = z.discriminatedUnion('kind', [
  z.pick(DecideWindow.Open, { kind: true, reason: true }),
  z.pick(DecideWindow.Closed, { kind: true, opensAt: true, reason: true }),
]);

export const Dispatched = z.pick(RunOnNodes.Output, { commands: true, nodes: true, deadline: true });

export const Collected = z.pick(CollectFromNodes.Output, { pending: true, passed: true, failed: true, done: true });

export const GuardsAsked = CheckGuards.Output;

export const UpdateSent = z.pick(UpdateAddon.Output, { updateId: true });

const Canary = z.pick(RestartKubeProxy.Canaries.shape.canaries.def.element, { node: true, reason: true });

/** The canaries: the nodes that are restarted first. */
export const ChosenCanaries = z.extend(z.pick(RestartKubeProxy.Canaries, { reason: true }), {
  canaries: z.array(Canary),
});

export const RolledOut = z.pick(CheckRollout.Output, { done: true, desired: true, updated: true, available: true });

const beside = { ownerEnding: true, target: true, atTarget: true, atFormer: true, way: true, strategy: true } as const;
const former = z.pick(Restoration, { configuration: true, proxying: true, configMap: true });
const found = z.extend(z.partial(z.pick(InspectRollback.Found, { plan: true, ...beside }), beside), {
  addon: z.nullish(addon),
  former: z.optional(z.partial(former, { configMap: true })),
});
const nothing = z.partial(z.pick(InspectRollback.Nothing, { plan: true, addon: true, former: true, ...beside }), {
  addon: true,
  former: true,
  ...beside,
});

/** What a rollback found: what was saved before the change, and what the cluster is configured for now. */
export const FoundFormer = z.union([found, nothing]);
export type FoundFormer = z.output<typeof FoundFormer>;

const recorded = { error: true, outcome: true, evidence: true, modes: true, addon: true, guard: true } as const;
export const Recorded = z.partial(z.pick(RecordOutcome.Output, { ending: true, ...recorded }), recorded);
export type Recorded = z.output<typeof Recorded>;

/** A nested execution and its output. */
export const Nested = z.object({ ExecutionArn: z.string(), Output: z.optional(z.unknown()) });

export const DescribedAddon = z.object({ Addon: z.object({ Status: z.string() }) });

export const DescribedUpdate = z.object({ Update: z.object({ Status: z.string() }) });

/** The input of an execution of migrate-cluster. A person may have written it, so all members are optional. */
export const Requested = z.object({
  cluster: z.string(),
  target: z.object({ mode: z.string(), scheduler: z.optional(z.string()) }),
  window: z.nullish(z.string()),
  now: z.nullish(z.object({ reason: z.string() })),
  acknowledge: z.nullish(z.array(z.string())),
  strategy: z.nullish(z.string()),
  selfManaged: z.nullish(z.string()),
  requestedBy: z.nullish(z.string()),
} satisfies Partial<Record<keyof MigrationRequest, z.ZodMiniType>>);
export type Requested = z.output<typeof Requested>;

/** The input of an execution of rollback-cluster. `leasedTo`: the execution for which the owner holds the lease. */
export const RequestedRollback = z.pick(RollbackInput, {
  mode: true,
  cluster: true,
  execution: true,
  reason: true,
  attempt: true,
  leasedTo: true,
});

/** The part of `outcome.json` that a story shows. */
export const RecordedModes = z.pick(OutcomeRecord, { modes: true });
