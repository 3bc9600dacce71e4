import type { NodeResult } from '../../aws/ssm.ts';
import { assertNever } from '../../core/errors.ts';
import type { InventoryNode } from '../../core/nodes.ts';
import type { Proxying } from '../../core/proxy-mode.ts';
import type { Verdict } from '../../core/verdict.ts';
import { type PhaseName, phases, type Task } from './phases.ts';

/** What is known of one node when it is judged. `late`: the deadline has passed. */
export interface Seen {
  result: NodeResult | undefined;
  unknown: boolean;
  late: boolean;
}

/** The nodes whose verdict a phase waits for: a blocked one as well, since nobody may pass it over. */
export function expectedNodes(phase: PhaseName, inventory: readonly InventoryNode[]): InventoryNode[] {
  return inventory.filter(({ handling }) => {
    if (handling.by === 'proxy-mode') return phases[phase].judgesProxyMode;
    return handling.by !== 'excluded';
  });
}

/** A node's verdict; null while it may still answer. */
export function verdictOn(phase: PhaseName, task: Task, node: InventoryNode, seen: Seen): Verdict | null {
  const { handling } = node;
  switch (handling.by) {
    case 'blocked':
    case 'excluded':
      return failed(node, handling.reason);
    case 'proxy-mode':
      return judgeProxyMode(node, handling.mode, task.proxying);
    case 'ssm':
      if (seen.unknown) return failed(node, 'SSM takes no command for this node');
      if (seen.result && seen.result.state !== 'pending') return judgeResult(phase, task, node, seen.result);
      return seen.late ? failed(node, 'no answer before the deadline') : null;
    default:
      return assertNever(handling);
  }
}

/** SSM puts stderr behind stdout, with this line between them. */
const STDERR = /\n?-{4,}ERROR-{4,}\n/;

function judgeResult(
  phase: PhaseName,
  task: Task,
  node: InventoryNode,
  result: Exclude<NodeResult, { state: 'pending' }>,
): Verdict {
  const [stdout = '', stderr = ''] = result.output.split(STDERR);
  if (result.state === 'succeeded') return phases[phase].judge(node, stdout, task);
  const [said] = stderr.split('\n').filter((line) => line.trim() !== '');
  return { ...failed(node, `${result.status}${said ? `: ${said.slice(0, 200)}` : ''}`), excerpt: result.output };
}

/** What a node proves on which no document runs: its kube-proxy says itself which mode it has started in. */
function judgeProxyMode(node: InventoryNode, mode: string | null, proxying: Proxying): Verdict {
  if (mode === null) return failed(node, 'kube-proxy does not answer on /proxyMode');
  if (mode !== proxying.mode) return failed(node, `/proxyMode says ${mode}, not ${proxying.mode}`);
  const reason = `/proxyMode says ${mode}: kube-proxy started in it; the node's tables and its scheduler were not read`;
  return { node: node.id, name: node.name, pass: true, reasons: [reason], facts: { proxyMode: mode }, excerpt: '' };
}

function failed(node: InventoryNode, reason: string): Verdict {
  return { node: node.id, name: node.name, pass: false, reasons: [reason], facts: {}, excerpt: '' };
}
