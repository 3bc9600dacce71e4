import * as z from 'zod/mini';

/** What one node says about itself, judged. Reasons say why it failed, or what is worth knowing though it passed. */
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
