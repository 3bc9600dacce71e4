import type { ProxyMode } from '../modes/proxy-mode.ts';
import type { InventoryNode } from '../nodes/nodes.ts';
import { readReport } from './report.ts';
import type { Verdict } from './verdict.ts';

const COUNTS = ['removedRules', 'removedChains', 'removedVirtualServers', 'removedIpsets'];
const RULES = new Map<string, RegExp>([
  ['mode', /^(iptables|ipvs)$/],
  ...COUNTS.map((key) => [key, /^\d{1,9}$/] as const),
  ['removedKubeIpvs0', /^(yes|no)$/],
]);

/**
 * Judges what clean-node.sh printed: every line understood, all counts there, for the mode that was asked, and the
 * whole output, since SSM cuts a long one. That nothing was left to remove is as good as anything removed.
 */
export function judgeCleanOutput(node: Pick<InventoryNode, 'id' | 'name'>, output: string, mode: ProxyMode): Verdict {
  const { facts: found, warnings, problems } = readReport(output, 'clean', RULES);
  const cleaned = found.get('mode');
  if (cleaned !== undefined && cleaned !== mode) problems.push(`it was cleaned for mode ${cleaned}, not ${mode}`);
  const removed = COUNTS.reduce((sum, key) => sum + Number(found.get(key) ?? 0), 0);
  const interfaceRemoved = found.get('removedKubeIpvs0') === 'yes' ? 1 : 0;
  const pass = problems.length === 0;
  return {
    node: node.id,
    name: node.name,
    pass,
    reasons: pass ? [`${removed + interfaceRemoved} leftovers removed`, ...warnings] : [...problems, ...warnings],
    facts: Object.fromEntries(
      [...found].map(([key, value]) => [key, COUNTS.includes(key) ? Number(value) : value] as const),
    ),
    excerpt: output,
  };
}

/** What a validate verdict names as left over from the other mode, by fact; empty when nothing is. */
export function leftoversIn({ facts }: Pick<Verdict, 'facts'>): string[] {
  return Object.entries(facts).flatMap(([fact, value]) => (fact.startsWith('leftover') ? [`${fact}=${value}`] : []));
}

/** The verdict where leftovers are not tolerated: a node that proved everything else fails for them, and says so. */
export function strictly(verdict: Verdict): Verdict {
  if (!verdict.pass || leftoversIn(verdict).length === 0) return verdict;
  return { ...verdict, pass: false, facts: { ...verdict.facts, failedFor: 'leftovers' } };
}

/** True for a verdict that failed for its leftovers and for nothing else. */
export function failedForLeftovers({ facts }: Pick<Verdict, 'facts'>): boolean {
  return facts['failedFor'] === 'leftovers';
}
