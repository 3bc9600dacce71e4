import * as z from 'zod/mini';
import { type ObjectStore, objectStore, type StoredObject } from '../aws/s3.ts';
import { type Ssm, ssm } from '../aws/ssm.ts';
import { estimateCommand } from '../core/estimate.ts';
import { type InventoryNode, reconcile } from '../core/nodes.ts';
import type { Verdict } from '../core/verdict.ts';
import { environment } from './shared/environment.ts';
import { type Dispatch, evidenceKey, readDispatch, readInventory, writeVerdicts } from './shared/evidence.ts';
import { ClusterWithServices, Common, Instant, Poll, Proxying, Step, Stored } from './shared/input.ts';
import { nextWait } from './shared/pace.ts';
import { PHASES, phases } from './shared/phases.ts';
import { expectedNodes, verdictOn } from './shared/verdicts.ts';
import { type Run, wrap } from './shared/wrap.ts';

const Input = z.object({
  ...Common,
  step: Step,
  phase: z.enum(PHASES),
  cluster: ClusterWithServices,
  inventory: Stored,
  dispatch: Stored,
  deadline: Instant,
  poll: Poll,
  proxying: Proxying,
});
type Input = z.output<typeof Input>;

export interface Deps {
  ssm: Pick<Ssm, 'results'>;
  store: ObjectStore;
}

export interface Output {
  pending: number;
  passed: number;
  failed: number;
  done: boolean;
  waitSeconds: number;
  evidence: StoredObject | null;
}

/**
 * Reads what every node has answered. When none is left that may still answer, writes all verdicts to S3: the phase
 * has succeeded when the nodes that passed are exactly the nodes expected. Throws NodesNotPrepared (prepare) or
 * ValidationFailed (validate), EvidenceMissing.
 */
export function collectFromNodes(deps: Deps): Run<Input, Output> {
  return async (input, say) => {
    const inventory = await readInventory(deps.store, input.inventory.key);
    const dispatch = await readDispatch(deps.store, input.dispatch.key);
    const expected = expectedNodes(input.phase, inventory).map(({ id }) => id);
    const verdicts = await judge(deps, input, inventory, dispatch);
    const { failed, passed, missing } = reconcile(expected, verdicts);
    const pending = missing.length;
    const counts = { pending, passed: passed.length, failed: failed.length };
    say.decision(pending > 0 ? 'nodes.pending' : 'nodes.answered', { step: input.step, ...counts });
    if (pending > 0) {
      return {
        ...counts,
        done: false,
        waitSeconds: nextWait(input.poll, estimateCommand(expected.length, input.phase), input),
        evidence: null,
      };
    }
    const key = evidenceKey(input.execution, input.step, 'evidence.ndjson.gz');
    const evidence = await writeVerdicts(deps.store, key, verdicts);
    say.count(`${input.phase}.failed`, failed.length);
    if (failed.length > 0) throw phases[input.phase].failure(sentence(input, expected.length, failed, key));
    return { ...counts, done: true, waitSeconds: 0, evidence };
  };
}

/** In the inventory's order, which is the same in every call. */
async function judge(deps: Deps, input: Input, inventory: InventoryNode[], dispatch: Dispatch): Promise<Verdict[]> {
  const results = await deps.ssm.results(dispatch.commands.map(({ commandId }) => commandId));
  const byNode = new Map(results.map((result) => [result.node, result]));
  const unknown = new Set(dispatch.unknown);
  const task = { serviceCidr: input.cluster.serviceCidr, proxying: input.proxying };
  const late = input.now >= input.deadline;
  return expectedNodes(input.phase, inventory)
    .map((node) =>
      verdictOn(input.phase, task, node, { result: byNode.get(node.id), unknown: unknown.has(node.id), late }),
    )
    .filter((verdict) => verdict !== null);
}

const NAMED = 5;

/** One sentence for a person at 2 a.m.; the rest is in the evidence. */
function sentence({ phase, cluster }: Input, expected: number, failed: Verdict[], key: string): string {
  const named = failed.slice(0, NAMED).map(({ node, name, reasons }) => `${name} (${node}): ${reasons.join(', ')}`);
  const more = failed.length > NAMED ? `; and ${failed.length - NAMED} more` : '';
  return `${failed.length} of ${expected} nodes of ${cluster.name} failed to ${phase}: ${named.join('; ')}${more}. Evidence: ${key}.`;
}

export const handler = wrap(Input, collectFromNodes({ ssm, store: objectStore(environment.evidenceBucket) }));
