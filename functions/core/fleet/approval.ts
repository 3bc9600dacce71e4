import * as z from 'zod/mini';
import { describeProxying } from '../modes/index.ts';
import { parseInput } from '../values/parse-input.ts';
import { printable } from '../values/printable.ts';
import { RolloutItem } from './rollout.ts';
import { StageName } from './stages.ts';

/** The SSM parameters of approvals that rollouts wait for are below this path. */
export const APPROVALS_PATH = '/nightshift/approvals';

/** The name of the parameter with the approval that a rollout waits for, or waited for last. */
export const approvalParameter = (rollout: string) => `${APPROVALS_PATH}/${rollout}`;

/** The value of that parameter, as JSON. The token is that of the state that waits. */
export const AskedApproval = z.object({
  stage: StageName,
  token: z.string().check(z.minLength(1), z.maxLength(2048)),
  requestedBy: z.nullable(z.string()),
  fourEyes: z.boolean(),
  /** Without an answer by then the stage is denied. ISO 8601 in UTC. */
  until: z.string(),
});
export type AskedApproval = z.output<typeof AskedApproval>;

/** The answer of a person, as the waiting state gets it. */
export const Approval = z.strictObject({
  decision: z.enum(['approved', 'denied']),
  by: printable(512),
  reason: z.nullable(printable(300)),
});
export type Approval = z.output<typeof Approval>;

/** The clusters in the list of a stage. Throws InvalidRequest for another text. */
export function readItems(text: string, key: string): RolloutItem[] {
  return parseInput(z.array(RolloutItem), JSON.parse(text), key);
}

/** One line of what will happen to a cluster. */
export function planLine({ cluster, nodes, request }: RolloutItem): string {
  const window = request.window === undefined ? 'no window' : `window ${request.window}`;
  return `${cluster}: ${nodes} ${nodes === 1 ? 'node' : 'nodes'} to ${describeProxying(request.target)}, in ${window}`;
}
