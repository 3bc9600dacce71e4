import type { InventoryNode } from './nodes.ts';
import type { Verdict } from './verdict.ts';

const KEYS = ['nightshift-prepare', 'kernel', 'ipvsadm', 'loaded', 'builtin', 'missing', 'scheduler', 'persisted'];

/**
 * Judges what prepare-node.sh printed: the chosen scheduler registered, the modules kept for the next boot, and the
 * trailer there, since SSM cuts long output. A package mirror that is down is a warning: kube-proxy needs modules,
 * not ipvsadm.
 */
export function judgePrepareOutput(node: Pick<InventoryNode, 'id' | 'name'>, output: string): Verdict {
  const lines = output.split('\n').filter((line) => line !== '');
  const facts = new Map<string, string>();
  const warnings: string[] = [];
  const reasons: string[] = [];
  for (const line of lines) {
    const [, key = '', value = ''] = /^([a-z-]+)=(.*)$/.exec(line) ?? [];
    if (key === 'warning') warnings.push(value);
    else if (KEYS.includes(key) || line === 'end=nightshift-prepare') facts.set(key, value);
    else reasons.push(`an unknown line: ${line.slice(0, 80)}`);
  }
  if (lines.at(-1) !== 'end=nightshift-prepare') reasons.push('the output is cut: its last line is missing');
  if (facts.get('nightshift-prepare') !== '1') reasons.push('not the output of prepare-node.sh');
  if (facts.get('scheduler') !== 'ok') reasons.push(`scheduler is ${facts.get('scheduler') ?? 'not reported'}`);
  if (facts.get('persisted') !== 'ok') reasons.push(`modules at boot: ${facts.get('persisted') ?? 'not reported'}`);
  const pass = reasons.length === 0;
  return {
    node: node.id,
    name: node.name,
    pass,
    reasons: pass ? ['modules loaded, kept for the next boot', ...warnings] : [...reasons, ...warnings],
    facts: Object.fromEntries([...facts].filter(([key]) => key !== 'end')),
    excerpt: output,
  };
}
