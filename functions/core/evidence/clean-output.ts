import { isProxyMode, MODES } from '../modes/index.ts';
import type { ProxyMode } from '../modes/proxy-mode.ts';
import type { InventoryNode } from '../nodes/nodes.ts';
import { type Rule, readReport } from './report.ts';
import type { Verdict } from './verdict.ts';

const REMOVED = new Map(Object.values(MODES).flatMap(({ removed }) => Object.entries(removed)));
const RULES = new Map<string, Rule>([
  ['mode', { test: isProxyMode }],
  ...[...REMOVED].map(([key, kind]) => [key, kind === 'count' ? /^\d{1,9}$/ : /^(yes|no)$/] as const),
]);
const factOf = (key: string, text: string): string | number => (REMOVED.get(key) === 'count' ? Number(text) : text);

/**
 * Judges what clean-node.sh printed: every line has to be known, every count present, the mode the one that was asked
 * for, and the output complete, since SSM cuts long output. A node on which nothing had to be removed passes, too.
 */
export function judgeCleanOutput(node: Pick<InventoryNode, 'id' | 'name'>, output: string, mode: ProxyMode): Verdict {
  const { facts: found, warnings, problems } = readReport(output, 'clean', RULES);
  const cleaned = found.get('mode');
  if (cleaned !== undefined && cleaned !== mode) problems.push(`it was cleaned for mode ${cleaned}, not ${mode}`);
  const facts = Object.fromEntries([...found].map(([key, text]) => [key, factOf(key, text)]));
  const removed = Object.values(facts).reduce<number>((sum, fact) => sum + (fact === 'yes' ? 1 : Number(fact) || 0), 0);
  const pass = problems.length === 0;
  return {
    node: node.id,
    name: node.name,
    pass,
    reasons: pass ? [`${removed} leftovers removed`, ...warnings] : [...problems, ...warnings],
    facts,
    excerpt: output,
  };
}

/** The leftovers of the other mode that a validate verdict names, by fact; empty if there are no leftovers. */
export function leftoversIn({ facts }: Pick<Verdict, 'facts'>): string[] {
  return Object.entries(facts).flatMap(([fact, value]) => (fact.startsWith('leftover') ? [`${fact}=${value}`] : []));
}

/**
 * Leftovers that may outlast the cleaning: chains for Services that a rule of others refers to. No packet of a Service
 * reaches them; they only make calls of iptables slower.
 */
const MAY_STAY: readonly string[] = ['leftoverServiceChains'];

/** The verdict if leftovers are not tolerated: a node that passed otherwise fails because of them, with that reason. */
export function strictly(verdict: Verdict): Verdict {
  const fails = Object.keys(verdict.facts).some((fact) => fact.startsWith('leftover') && !MAY_STAY.includes(fact));
  if (!verdict.pass || !fails) return verdict;
  return { ...verdict, pass: false, facts: { ...verdict.facts, failedFor: 'leftovers' } };
}

/** True for a verdict that failed for its leftovers and for nothing else. */
export function failedForLeftovers({ facts }: Pick<Verdict, 'facts'>): boolean {
  return facts['failedFor'] === 'leftovers';
}
