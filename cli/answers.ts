import { z } from 'zod';

/*
 * What the steps of a migration answer, as far as people are told of it. Everything is optional beyond what makes an
 * answer that answer: a story tells what is there, an older execution's history may hold less.
 */

export const Reference = z.object({ key: z.string(), sha256: z.string() });
export type Reference = z.infer<typeof Reference>;

export const InspectAnswer = z.object({
  plan: z.object({
    kind: z.enum(['none', 'migrate', 'refuse']),
    reasons: z.array(z.string()),
    strategy: z.string().nullish(),
    configuration: z.string().nullish(),
  }),
  cluster: z.object({
    name: z.string(),
    arn: z.string().optional(),
    version: z.string().optional(),
    serviceCidr: z.string().optional(),
    apiServer: z.string().optional(),
    dns: z.string().optional(),
  }),
  addon: z.object({ version: z.string(), configuration: z.string().nullish() }).nullish(),
  inventory: Reference.extend({
    counts: z.object({
      total: z.number(),
      ssm: z.number(),
      proxyMode: z.number(),
      excluded: z.number(),
      blocked: z.number(),
    }),
  }).nullish(),
  estimateSeconds: z.number().nullish(),
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

export const UpdateAnswer = z.object({ updateId: z.string() });

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
});
export type OutcomeAnswer = z.infer<typeof OutcomeAnswer>;

/** The input of an execution, as loosely as a person may have written it. */
export const RequestInput = z.object({
  cluster: z.string(),
  target: z.object({ mode: z.string(), scheduler: z.string().optional() }),
  window: z.string().nullish(),
  now: z.object({ reason: z.string() }).nullish(),
  acknowledge: z.array(z.string()).nullish(),
  requestedBy: z.string().nullish(),
});
export type RequestInput = z.infer<typeof RequestInput>;
