import type { InventoryNode } from './nodes.ts';
import type { Verdict } from './verdict.ts';

const FOREIGN = 'foreign-virtual-servers';
const FOREIGN_ENTRY =
  /^(?:(?:tcp|udp|sctp)\/(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]{2,45}\]):\d{1,5}|fwm\/\d{1,10}|\+\d{1,9})$/;

const understood = (entries: readonly string[]) => entries.every((entry) => FOREIGN_ENTRY.test(entry));

/**
 * The virtual servers of the node that kube-proxy did not make, as prepare-node.sh prints them: `tcp/10.0.0.5:80`,
 * `udp/[fd00::1]:53`, `fwm/7`; the last entry is `+N` if there are N more. Empty if there are none. Undefined if the
 * output does not have the fact, or has it in a form that is not understood.
 */
export function foreignVirtualServers(output: string): string[] | undefined {
  const [, value] = /^foreign-virtual-servers=(.*)$/m.exec(output) ?? [];
  if (value === undefined) return undefined;
  const entries = value === '' ? [] : value.split(',');
  return understood(entries) ? entries : undefined;
}
const list = /^[\w,-]*$/;
const state = /^(ok|failed|missing)$/;
const FORMAT = 'nightshift-prepare';
const RULES = new Map<string, RegExp>([
  [FORMAT, /^\d{1,9}$/],
  ['kernel', /^[\w.+~-]{1,128}$/],
  ['ipvsadm', /^[\w.+~ -]{1,64}$/],
  ['loaded', list],
  ['builtin', list],
  ['missing', list],
  ['scheduler', state],
  ['persisted', state],
  ['probes', state],
]);
/** Facts that a document may print. */
const OPTIONAL = new Map<string, RegExp>([[FOREIGN, /^[\w.:/,[\]+]*$/]]);
/** Facts that must be `ok`, and how a reason names them. */
const ASKED = [
  ['scheduler', 'scheduler is'],
  ['persisted', 'modules at boot:'],
  ['probes', 'programs that ask the API server and DNS:'],
] as const;
const TRAILER = 'end=nightshift-prepare';

/**
 * Judges what prepare-node.sh printed: every fact there, once and with a value that it can have; the chosen scheduler
 * registered; the modules kept for the next boot; what the proof asks Services with; and the trailer, since SSM cuts long output. Virtual servers of others,
 * which kube-proxy would delete, fail the node unless the request accepts it. A package mirror that is down is a warning:
 * kube-proxy needs modules, not ipvsadm.
 */
export function judgePrepareOutput(
  node: Pick<InventoryNode, 'id' | 'name'>,
  output: string,
  { foreignAccepted = false }: { foreignAccepted?: boolean } = {},
): Verdict {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const facts = new Map<string, string>();
  const warnings: string[] = [];
  const problems: string[] = [];
  if (lines.at(-1) === TRAILER) lines.pop();
  else problems.push('the output is cut: its last line is missing');
  for (const line of lines) {
    const [, key = '', value = ''] = /^([a-z-]+)=(.*)$/.exec(line) ?? [];
    const rule = RULES.get(key) ?? OPTIONAL.get(key);
    if (key === 'warning') warnings.push(value);
    else if (rule === undefined) problems.push(`an unknown line: ${line.slice(0, 80)}`);
    else if (facts.has(key)) problems.push(`${key} is there twice`);
    else if (!rule.test(value)) problems.push(`${key} has a value that it cannot have: ${value.slice(0, 80)}`);
    else facts.set(key, value);
  }
  if (facts.get(FORMAT) !== '1') problems.push('not the output of prepare-node.sh');
  const missing = [...RULES.keys()].filter((key) => key !== FORMAT && !facts.has(key));
  if (missing.length > 0) problems.push(`not reported: ${missing.join(', ')}`);
  for (const [key, what] of ASKED) {
    const value = facts.get(key);
    if (value !== undefined && value !== 'ok') problems.push(`${what} ${value}`);
  }
  const foreign = foreignVirtualServers(output);
  if (facts.has(FOREIGN) && foreign === undefined)
    problems.push(`${FOREIGN} is not understood: ${facts.get(FOREIGN)?.slice(0, 80)}`);
  if (foreign !== undefined && foreign.length > 0) {
    const lost = `kube-proxy in IPVS mode deletes virtual servers that it did not make: ${foreign.join(', ')}`;
    if (foreignAccepted) warnings.push(`accepted: ${lost}`);
    else problems.push(`${lost} (move them, or acknowledge ${FOREIGN})`);
  }
  const pass = problems.length === 0;
  return {
    node: node.id,
    name: node.name,
    pass,
    reasons: pass ? ['modules loaded, kept for the next boot', ...warnings] : [...problems, ...warnings],
    facts: Object.fromEntries(facts),
    excerpt: output,
  };
}
