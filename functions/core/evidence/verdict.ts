/** What one node says about itself, judged. Reasons say why it failed, or what is worth knowing though it passed. */
export interface Verdict {
  /** Id as in the inventory. */
  node: string;
  name: string;
  pass: boolean;
  reasons: string[];
  facts: Record<string, string | number>;
  /** Raw tables of the API server and DNS, as the node printed them. */
  excerpt: string;
}
