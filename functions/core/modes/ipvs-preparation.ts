import { type Rule, readReport, verdictFacts } from '../evidence/report.ts';
import type { Verdict } from '../evidence/verdict.ts';
import type { InventoryNode } from '../nodes/nodes.ts';
import { entries, FOREIGN_SERVERS, FOREIGN_SERVERS_RULE, listOf, lostServers } from './foreign-servers.ts';
import { IPVS_KERNEL_MODULES } from './proxy-mode.ts';

const MODULES: ReadonlySet<string> = new Set(IPVS_KERNEL_MODULES);
const modules = listOf((entry) => MODULES.has(entry));
const microseconds = /^(\d{1,15}|unknown)$/;
const RULES = new Map<string, Rule>([
  ['mode', /^ipvs$/],
  ['kernel', /^[\w.+~-]{1,128}$/],
  ['ipvsadm', /^(already|installed|failed)$/],
  ['loaded', modules],
  ['builtin', modules],
  ['missing', modules],
  ['scheduler', /^(ok|missing)$/],
  ['persisted', /^(ok|failed)$/],
  ['probes', /^(ok|missing)$/],
  [FOREIGN_SERVERS, FOREIGN_SERVERS_RULE],
  ['syncMicros', microseconds],
  ['connectMicros', microseconds],
]);
/** Facts that must be `ok`, and how a reason names them. */
const ASKED = [
  ['scheduler', 'scheduler is'],
  ['persisted', 'modules at boot:'],
  ['probes', 'programs that ask the API server and DNS:'],
] as const;

const read = (output: string) => readReport(output, 'prepare', RULES);

/**
 * The virtual servers of the node that kube-proxy did not make, as prepare-node.sh prints them: `tcp/10.0.0.5:80`,
 * `udp/[fd00::1]:53`, `fwm/7`; the last entry is `+N` if there are N more. Empty if there are none. Undefined if the
 * output does not have the fact, or has it in a form that is not understood.
 */
export function foreignVirtualServers(output: string): string[] | undefined {
  const { facts } = read(output);
  return facts.has(FOREIGN_SERVERS) ? entries(facts.get(FOREIGN_SERVERS)) : undefined;
}

/** Modules of which the report contradicts itself, or without which the scheduler that it calls ok cannot be there. */
function contradictions(facts: ReadonlyMap<string, string>, scheduler: string): string[] {
  const missing = entries(facts.get('missing'));
  const there = new Set([...entries(facts.get('loaded')), ...entries(facts.get('builtin'))]);
  const both = missing.filter((module) => there.has(module));
  const needed = missing.filter((module) => ['ip_vs', 'nf_conntrack', `ip_vs_${scheduler}`].includes(module));
  return [
    ...(both.length > 0 ? [`both there and missing: ${both.join(', ')}`] : []),
    ...(needed.length > 0 ? [`kernel modules are missing: ${needed.join(', ')}`] : []),
  ];
}

/**
 * Judges what prepare-node.sh printed: every fact there, once and with a value that it can have; the chosen scheduler
 * registered and no module missing that it needs; the modules kept for the next boot; the programs that the proof asks
 * Services with; and the whole output, since SSM
 * cuts a long one. Virtual servers of others, which kube-proxy would delete, fail the node unless the request accepts it.
 * A package mirror that is down is a warning: kube-proxy needs modules, not ipvsadm.
 */
export function judgePrepareOutput(
  node: Pick<InventoryNode, 'id' | 'name'>,
  output: string,
  { scheduler, foreignAccepted = false }: { scheduler: string; foreignAccepted?: boolean },
): Verdict {
  const { facts, warnings, problems } = read(output);
  for (const [key, what] of ASKED) {
    const value = facts.get(key);
    if (value !== undefined && value !== 'ok') problems.push(`${what} ${value}`);
  }
  problems.push(...contradictions(facts, scheduler));
  const lost = lostServers(facts, 'IPVS');
  if (lost !== null && foreignAccepted) warnings.push(`accepted: ${lost}`);
  else if (lost !== null) problems.push(`${lost} (move them, or acknowledge ${FOREIGN_SERVERS})`);
  const pass = problems.length === 0;
  return {
    node: node.id,
    name: node.name,
    pass,
    reasons: pass ? ['modules loaded, kept for the next boot', ...warnings] : [...problems, ...warnings],
    facts: verdictFacts(facts),
    excerpt: output,
  };
}
