import { z } from 'zod';
import { RollbackReason } from '../../functions/core/execution/recovery.ts';

/*
 * What the steps of a migration answer, as far as the story shows it. Only the fields that identify an answer are
 * required: the history of an older execution may hold less.
 */

export const Reference = z.object({ key: z.string(), sha256: z.string() });
export type Reference = z.infer<typeof Reference>;

/** One preflight check: what it found, why, what to do, and whether the request accepts it as a risk. */
export const Check = z.object({
  name: z.string(),
  verdict: z.enum(['PASS', 'WARN', 'BLOCK']),
  why: z.string(),
  fix: z.string(),
  accepted: z.boolean(),
  /** Not made yet: a dry run, or the first look, does not ask the Kubernetes API. */
  later: z.boolean().optional(),
});
export type Check = z.infer<typeof Check>;

const Inventory = Reference.extend({
  counts: z.object({
    total: z.number(),
    ssm: z.number(),
    proxyMode: z.number(),
    excluded: z.number(),
    blocked: z.number(),
  }),
});

/** A fresh look; `notes` say who joined and who is gone since the one before. */
export const InventoryAnswer = z.object({ inventory: Inventory, notes: z.array(z.string()).optional() });

const Addon = z.object({ version: z.string(), configuration: z.string().nullish() });

export const InspectAnswer = z.object({
  plan: z.object({
    kind: z.enum(['none', 'migrate', 'refuse']),
    reasons: z.array(z.string()),
    strategy: z.string().nullish(),
    way: z.string().nullish(),
    configuration: z.string().nullish(),
    checks: z.array(Check).optional(),
  }),
  cluster: z.object({
    name: z.string(),
    arn: z.string().optional(),
    version: z.string().optional(),
    serviceCidr: z.string().optional(),
    apiServer: z.string().optional(),
    dns: z.string().optional(),
  }),
  addon: Addon.nullish(),
  inventory: Inventory.nullish(),
  windowSeconds: z.number().nullish(),
});
export type InspectAnswer = z.infer<typeof InspectAnswer>;

export const WindowAnswer = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('open'), closesAt: z.string().nullish(), reason: z.string() }),
  z.object({ kind: z.literal('closed'), opensAt: z.string(), reason: z.string() }),
]);

export const DispatchAnswer = z.object({ commands: z.number(), nodes: z.number(), deadline: z.string() });

export const CollectAnswer = z.object({
  pending: z.number(),
  passed: z.number(),
  failed: z.number(),
  done: z.boolean(),
});

export const UpdateAnswer = z.object({ updateId: z.string().nullable() });

export const EditAnswer = z.object({ changed: z.boolean() });

const CanaryNode = z.object({ id: z.string(), name: z.string() });

/** The nodes that go first; executions of earlier versions had one. */
export const CanaryAnswer = z.union([
  z.object({ canaries: z.array(z.object({ node: CanaryNode, reason: z.string() })), reason: z.string() }),
  z
    .object({ node: CanaryNode.nullable(), reason: z.string() })
    .transform(({ node, reason }) => ({ canaries: node ? [{ node, reason }] : [], reason })),
]);

const Proxying = z.object({ mode: z.string(), scheduler: z.string().optional() });

/** What a way back found: what was saved before the change, and what the cluster is configured for now. */
export const FormerAnswer = z.object({
  plan: z.object({ kind: z.enum(['nothing', 'rollback']), reasons: z.array(z.string()) }),
  ownerEnding: z.string().nullish(),
  former: z.object({ configuration: z.string(), proxying: Proxying, configMap: z.string().nullish() }).nullish(),
  target: Proxying.nullish(),
  atTarget: z.boolean().optional(),
  atFormer: z.boolean().optional(),
  addon: Addon.nullish(),
  cluster: z.object({ name: z.string(), arn: z.string().optional(), version: z.string().optional() }).nullish(),
  way: z.string().nullish(),
  strategy: z.string().nullish(),
});
export type FormerAnswer = z.infer<typeof FormerAnswer>;

/** What a nested execution is, and what it put out at its end. */
export const NestedAnswer = z.object({ ExecutionArn: z.string(), Output: z.unknown().optional() });

export const DescribeAddonAnswer = z.object({ Addon: z.object({ Status: z.string() }) });

export const DescribeUpdateAnswer = z.object({ Update: z.object({ Status: z.string() }) });

export const RolloutAnswer = z.object({
  done: z.boolean(),
  desired: z.number(),
  updated: z.number(),
  available: z.number(),
});

export const OutcomeAnswer = z.object({
  ending: z.string(),
  error: z.object({ name: z.string(), cause: z.string() }).nullish(),
  outcome: Reference.nullish(),
  evidence: z.array(Reference).optional(),
  /** Nodes by the mode that they last said they run. */
  modes: z.record(z.string(), z.number()).optional(),
  /** The add-on after the proof. */
  addon: z.object({ version: z.string(), status: z.string(), issues: z.array(z.string()) }).nullish(),
});
export type OutcomeAnswer = z.infer<typeof OutcomeAnswer>;

/** The input of an execution, as loosely as a person may have written it. */
export const RequestInput = z.object({
  cluster: z.string(),
  target: z.object({ mode: z.string(), scheduler: z.string().optional() }),
  window: z.string().nullish(),
  now: z.object({ reason: z.string() }).nullish(),
  acknowledge: z.array(z.string()).nullish(),
  strategy: z.string().nullish(),
  selfManaged: z.string().nullish(),
  requestedBy: z.string().nullish(),
});
export type RequestInput = z.infer<typeof RequestInput>;

export const ExecutionRef = z.object({ name: z.string(), arn: z.string() });
export type ExecutionRef = z.infer<typeof ExecutionRef>;

/** The input of an execution of rollback-cluster. */
export const RollbackInput = z.object({
  mode: z.enum(['rollback', 'recover']),
  cluster: z.string(),
  execution: ExecutionRef,
  reason: RollbackReason,
  attempt: z.number(),
  /** The execution for which the waiting owner holds the lease. */
  leasedTo: z.string().nullish(),
});

/** `outcome.json`, as far as a story tells of it. */
export const OutcomeRecord = z.object({
  modes: z.array(z.object({ mode: z.string(), nodes: z.number(), names: z.array(z.string()) })),
});
export type NodesInMode = z.infer<typeof OutcomeRecord>['modes'][number];
