import type { NodeResult } from '../../aws/ssm.ts';
import type { NodePhase } from '../../contracts/shared/input.ts';
import { assertNever } from '../../core/errors.ts';
import { problemsOfSyncs } from '../../core/evidence/syncs.ts';
import type { Verdict } from '../../core/evidence/verdict.ts';
import type { Proxying } from '../../core/modes/proxy-mode.ts';
import type { InventoryNode } from '../../core/nodes/nodes.ts';
import { phases, type Task } from './node-phases.ts';

/** What is known of one node when it is judged. `late`: the deadline has passed. */
export interface Seen {
  result: NodeResult | undefined;
  unknown: boolean;
  late: boolean;
}

/** The nodes whose verdict a phase waits for. A blocked node is one of them: it must not be skipped. */
export function expectedNodes(phase: NodePhase, inventory: readonly InventoryNode[]): InventoryNode[] {
  return inventory.filter(({ handling }) => {
    if (handling.by === 'proxy-mode') return phases[phase].judgesProxyMode;
    return handling.by !== 'excluded';
  });
}

/** The expected node gave no answer: it may have been terminated, or may answer when it is asked again. */
const SILENT = { answer: 'none' } as const;

/** True for the verdict on a node that failed because it did not answer. */
export function isSilent({ facts }: Verdict): boolean {
  return facts['answer'] === SILENT.answer;
}

/** A node's verdict; null while it may still answer. */
export function verdictOn(phase: NodePhase, task: Task, node: InventoryNode, seen: Seen): Verdict | null {
  const { handling } = node;
  switch (handling.by) {
    case 'blocked':
      return silent(node, handling.reason);
    case 'excluded':
      return failed(node, handling.reason);
    case 'proxy-mode':
      return judgeProxyMode(node, handling, task.proxying);
    case 'ssm':
      if (seen.unknown) return silent(node, 'SSM takes no command for this node');
      if (seen.result && seen.result.state !== 'pending') return judgeResult(phase, task, node, seen.result);
      return seen.late ? silent(node, 'no answer before the deadline') : null;
    default:
      return assertNever(handling);
  }
}

/** The statuses that SSM gives a command that has not reached a node. */
const UNDELIVERED = ['Undeliverable', 'DeliveryTimedOut', 'Terminated'];

/** SSM puts stderr behind stdout, with this line between them. */
const STDERR = /\n?(?<!-)-{4,}ERROR-{4,}\n/;

function judgeResult(
  phase: NodePhase,
  task: Task,
  node: InventoryNode,
  result: Exclude<NodeResult, { state: 'pending' }>,
): Verdict {
  const [stdout = '', stderr = ''] = result.output.split(STDERR);
  if (result.state === 'succeeded') return phases[phase].judge(node, stdout, task);
  if (UNDELIVERED.includes(result.status.replaceAll(' ', ''))) return silent(node, result.status);
  const [said] = stderr.split('\n').filter((line) => line.trim() !== '');
  return { ...failed(node, `${result.status}${said ? `: ${said.slice(0, 200)}` : ''}`), excerpt: result.output };
}

/**
 * The verdict on a node on which no document runs: its kube-proxy says which mode it has started in, and that it has
 * written its rules since then. The mode alone is no proof.
 */
function judgeProxyMode(
  node: InventoryNode,
  { mode, syncs = null }: Extract<InventoryNode['handling'], { by: 'proxy-mode' }>,
  proxying: Proxying,
): Verdict {
  if (mode === null) return silent(node, 'kube-proxy does not answer on /proxyMode');
  const facts = { proxyMode: mode, ...syncs };
  if (mode !== proxying.mode) return { ...failed(node, `/proxyMode says ${mode}, not ${proxying.mode}`), facts };
  if (syncs === null) return { ...failed(node, 'kube-proxy was not asked whether it has written its rules'), facts };
  const reasons = problemsOfSyncs(proxying.mode, syncs);
  if (reasons.length > 0) return { node: node.id, name: node.name, pass: false, reasons, facts, excerpt: '' };
  const reason = `kube-proxy says that it runs ${mode}, is healthy, and has written its rules since it started; the node's tables and its scheduler were not read`;
  return { node: node.id, name: node.name, pass: true, reasons: [reason], facts, excerpt: '' };
}

function failed(node: InventoryNode, reason: string): Verdict {
  return { node: node.id, name: node.name, pass: false, reasons: [reason], facts: {}, excerpt: '' };
}

function silent(node: InventoryNode, reason: string): Verdict {
  return { ...failed(node, reason), facts: SILENT };
}
