import { describe, type ObjectStore, objectStore } from '../aws/s3.ts';
import { type Ssm, ssm } from '../aws/ssm.ts';
import { Input, type Output } from '../contracts/collect-from-nodes.ts';
import type { Evidence } from '../contracts/shared/input.ts';
import type { Carried, Reported } from '../contracts/shared/output.ts';
import { LeftoversRemain, type NightshiftError, NodesUnreachable } from '../core/errors.ts';
import { failedForLeftovers, leftoversIn, strictly } from '../core/evidence/clean-output.ts';
import { printEvidence } from '../core/evidence/evidence.ts';
import { nodesByMode } from '../core/evidence/nodes-by-mode.ts';
import type { Verdict } from '../core/evidence/verdict.ts';
import { estimateCommand } from '../core/execution/estimate.ts';
import { type InventoryNode, reconcile } from '../core/nodes/nodes.ts';
import { named } from '../core/values/named.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { type Dispatch, evidenceKey, readDispatch, writeVerdicts } from './shared/evidence.ts';
import { nextWait } from './shared/next-wait.ts';
import { phases } from './shared/node-phases.ts';
import { carriedText, reasonOf } from './shared/store-or-carry.ts';
import { isSilent, verdictOn } from './shared/verdicts.ts';

export interface Deps {
  ssm: Pick<Ssm, 'results'>;
  store: ObjectStore;
}

/**
 * Reads what every node has answered. When no node is left that may still answer, writes all verdicts to S3. The phase
 * has succeeded if the nodes that passed are exactly the nodes expected. Throws NodesNotPrepared (prepare),
 * ValidationFailed (validate), LeftoversRemain (clean, and a strict validation that failed for nothing else),
 * NodesUnreachable (no node failed but by giving no answer, when cleaning or with `mayAskAgain`), EvidenceMissing.
 */
export function collectFromNodes(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const dispatch = await readDispatch(deps.store, input.dispatch);
    const { nodes } = dispatch;
    const verdicts = await judge(deps, input, dispatch);
    const { failed, passed, missing } = reconcile(ids(nodes), verdicts);
    const pending = missing.length;
    const counts = { pending, passed: passed.length, failed: failed.length };
    log.decision(pending > 0 ? 'nodes.pending' : 'nodes.answered', { step: input.step, ...counts });
    if (pending > 0) {
      const waitSeconds = nextWait(input.poll, estimateCommand(nodes.length, input.phase), input);
      return { ...counts, done: false, waitSeconds, leftovers: 0, evidence: null };
    }
    const key = evidenceKey(input.execution, input.step, 'evidence.ndjson.gz');
    const stored = await storeVerdicts(deps.store, key, verdicts, input.evidence ?? 'required');
    log.count(`${input.phase}.failed`, failed.length);
    if (failed.length > 0 && !input.survey) throw failure(input, failed, sentence(input, nodes.length, failed, stored));
    const leftovers = verdicts.filter((verdict) => leftoversIn(verdict).length > 0).length;
    const evidence = { ...stored, passed: counts.passed, failed: counts.failed };
    return { ...counts, done: true, waitSeconds: 0, leftovers, evidence };
  };
}

/**
 * If the bucket refuses the verdicts, the function's answer carries them, and the execution's history keeps that
 * answer. Verdicts that are too large for that are left out, and only their counts and the nodes' modes remain.
 */
async function storeVerdicts(
  store: ObjectStore,
  key: string,
  verdicts: readonly Verdict[],
  evidence: Evidence,
): Promise<Carried> {
  try {
    return await writeVerdicts(store, key, verdicts);
  } catch (error) {
    if (evidence === 'required') throw error;
    const modes = nodesByMode([{ sentAt: '', limited: false, verdicts }]);
    const text = printEvidence(verdicts);
    const inline = carriedText(text);
    return {
      ...describe(key, text),
      unstored: reasonOf(error),
      modes,
      ...(inline !== null && { inline, carried: true }),
    };
  }
}

const ids = (nodes: InventoryNode[]) => nodes.map(({ id }) => id);

async function judge(deps: Deps, input: Input, { nodes, commands, unknown: refused }: Dispatch): Promise<Verdict[]> {
  const results = await deps.ssm.results(commands.map(({ commandId }) => commandId));
  const byNode = new Map(results.map((result) => [result.node, result]));
  const unknown = new Set(refused);
  const { proxying, acknowledge } = input;
  const task = { serviceCidr: input.cluster.serviceCidr, proxying, acknowledge };
  const late = input.now >= input.deadline;
  return nodes
    .map((node) =>
      verdictOn(input.phase, task, node, { result: byNode.get(node.id), unknown: unknown.has(node.id), late }),
    )
    .filter((verdict) => verdict !== null)
    .map((verdict) => (input.strict ? strictly(verdict) : verdict));
}

function failure({ phase, strict, mayAskAgain }: Input, failed: Verdict[], message: string): NightshiftError {
  // It is not known whether a node that did not answer has leftovers.
  if ((mayAskAgain || phase === 'clean') && failed.every(isSilent)) return new NodesUnreachable(message);
  if (strict && failed.every(failedForLeftovers)) return new LeftoversRemain(message);
  return phases[phase].failure(message);
}

/** One sentence for a person at 2 a.m.; the rest is in the evidence. */
function sentence({ phase, cluster }: Input, expected: number, failed: Verdict[], { key, unstored }: Reported): string {
  const reasons = failed.map(({ node, name, reasons: why }) => `${name} (${node}): ${why.join(', ')}`);
  const where =
    unstored === undefined
      ? `Evidence: ${key}.`
      : `The evidence ${key} is missing: it could not be stored (${unstored}).`;
  return `${failed.length} of ${expected} nodes of ${cluster.name} failed to ${phase}: ${named(reasons)}. ${where}`;
}

export const handler = wrap(Input, collectFromNodes({ ssm, store: objectStore(environment.evidenceBucket) }));
