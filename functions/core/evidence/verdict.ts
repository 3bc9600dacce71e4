import * as z from 'zod/mini';

/** The judgement on what one node reported. `reasons`: why the node failed, or what is notable though it passed. */
export const Verdict = z.strictObject({
  /** Id as in the inventory. */
  node: z.string(),
  name: z.string(),
  pass: z.boolean(),
  reasons: z.array(z.string()),
  facts: z.record(z.string(), z.union([z.string(), z.number()])),
  /** Raw tables of the API server and DNS, as the node printed them. */
  excerpt: z.string(),
});
export type Verdict = z.output<typeof Verdict>;
