import type { InventoryNode } from './nodes.ts';
import type { Verdict } from './verdict.ts';

const FOREIGN = 'foreign-virtual-servers';
const KEYS = [
  ...['nightshift-prepare', 'kernel', 'ipvsadm', 'loaded', 'builtin', 'missing', 'scheduler', 'persisted'],
  FOREIGN,
];
const FOREIGN_ENTRY =
  /^(?:(?:tcp|udp|sctp)\/(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]):\d{1,5}|fwm\/\d{1,10}|\+\d{1,9})$/;

/**
 * The virtual servers of the node that kube-proxy did not make, as prepare-node.sh prints them: `tcp/10.0.0.5:80`,
 * `udp/[fd00::1]:53`, `fwm/7`; the last entry is `+N` if there are N more. Empty if there are none. Undefined if the
 * output does not have the fact, or has it in a form that is not understood.
 */
export function foreignVirtualServers(output: string): string[] | undefined {
  const [, value] = /^foreign-virtual-servers=(.*)$/m.exec(output) ?? [];
  if (value === undefined) return undefined;
  const entries = value === '' ? [] : value.split(',');
  return entries.every((entry) => FOREIGN_ENTRY.test(entry)) ? entries : undefined;
}

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
  if (facts.has(FOREIGN) && foreignVirtualServers(output) === undefined)
    reasons.push(`${FOREIGN} is not understood: ${facts.get(FOREIGN)?.slice(0, 80)}`);
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
