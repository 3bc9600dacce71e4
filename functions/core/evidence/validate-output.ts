import { choiceOf, leftoversBeside } from '../modes/index.ts';
import { parseTables, UnparseableOutput } from '../modes/ipvs-tables.ts';
import { parseElements } from '../modes/nftables-maps.ts';
import type { Proxying } from '../modes/proxy-mode.ts';
import type { NodeFacts, ValidateOutput } from './node-facts.ts';
import { linesOf, readFacts } from './report.ts';
import { problemsOfSyncs } from './syncs.ts';
import type { Verdict } from './verdict.ts';

/** The first line of the document's output, which distinguishes it from plain tables. */
export const VALIDATE_FIRST_LINE = 'nightshift-validate=1';
const TRAILER = 'end=nightshift-validate';
// The document prints at most this many; SSM's API cuts at 2,500.
const LONGEST = 2_000;

const count = /^\d{1,9}$/;
const countOrUnknown = /^(\d{1,15}|unknown)$/;
const moment = /^(\d{1,12}(\.\d{1,9})?|unknown)$/;
const probe = /^(ok|failed|skipped)$/;
const RULES = new Map<string, RegExp>([
  ['nightshift-validate', /^1$/],
  ['kernel', /^[\w.+~-]{1,128}$/],
  ['proxyMode', /^[a-z]{1,32}$/],
  ['kubeIpvs0', /^(present|absent)$/],
  ['virtualServers', count],
  // If a node's kernel has ipsets but the node has no ipset tool, it cannot count them.
  ['ipsets', /^(\d{1,9}|unknown)$/],
  ['rejectRules', count],
  ['iptablesServices', count],
  ['foreignVirtualServers', count],
  ['nftTables', /^([0-2]|unknown)$/],
  ['healthz', /^(ok|failed|unreachable)$/],
  ['startedAt', moment],
  ['syncedAt', moment],
  ['syncFailures', countOrUnknown],
  ['syncFailuresLater', countOrUnknown],
  ['syncMicros', countOrUnknown],
  ['source', /^(ipvsadm|proc|nft)$/],
  ['apiServerProbe', probe],
  ['dnsProbe', probe],
  ['connectMicros', countOrUnknown],
]);

function factsIn(lines: readonly string[]): NodeFacts {
  const { facts, flaws } = readFacts(lines, RULES);
  const [flaw] = flaws;
  if (flaw) throw new UnparseableOutput(flaw.lineNumber, flaw.line, flaw.what);
  const fact = (key: keyof NodeFacts): string => {
    const value = facts.get(key);
    if (value === undefined) throw new UnparseableOutput(lines.length + 1, '', `the fact ${key} is missing`);
    return value;
  };
  const known = (key: keyof NodeFacts): number | 'unknown' => (fact(key) === 'unknown' ? 'unknown' : Number(fact(key)));
  const healthz = fact('healthz');
  return {
    kernel: fact('kernel'),
    proxyMode: fact('proxyMode'),
    kubeIpvs0: fact('kubeIpvs0'),
    virtualServers: Number(fact('virtualServers')),
    foreignVirtualServers: Number(fact('foreignVirtualServers')),
    ipsets: known('ipsets'),
    rejectRules: Number(fact('rejectRules')),
    iptablesServices: Number(fact('iptablesServices')),
    nftTables: known('nftTables'),
    healthz: healthz === 'ok' || healthz === 'failed' ? healthz : 'unreachable',
    startedAt: known('startedAt'),
    syncedAt: known('syncedAt'),
    syncFailures: known('syncFailures'),
    syncFailuresLater: known('syncFailuresLater'),
    syncMicros: known('syncMicros'),
    connectMicros: known('connectMicros'),
    source: fact('source'),
    apiServerProbe: fact('apiServerProbe'),
    dnsProbe: fact('dnsProbe'),
  };
}

const MORE = /^ {2}\.\.\. \d+ more$/;

/**
 * Reads the whole output of the validate document; output that was cut is refused.
 * @throws UnparseableOutput
 */
export function parseValidateOutput(output: string): ValidateOutput {
  const lines = linesOf(output);
  if (lines[0] !== VALIDATE_FIRST_LINE)
    throw new UnparseableOutput(1, lines[0] ?? '', `the output must begin with ${VALIDATE_FIRST_LINE}`);
  const { length } = lines.join('\n');
  if (length > LONGEST)
    throw new UnparseableOutput(lines.length, '', `${length} characters are more than the ${LONGEST} that are printed`);
  if (lines.at(-1) !== TRAILER)
    throw new UnparseableOutput(lines.length, lines.at(-1) ?? '', `the output is cut off: its end is ${TRAILER}`);
  const open = lines.indexOf('tables<<');
  if (open < 0 || lines.at(-2) !== '>>' || lines.indexOf('>>') !== lines.length - 2)
    throw new UnparseableOutput(lines.length, lines.at(-2) ?? '', 'the tables stand between tables<< and >>');
  const facts = factsIn(lines.slice(0, open));
  const tables = lines.slice(open + 1, -2);
  // Blanked rather than removed, so that line numbers stay true.
  const readable = tables.map((line, index) => (MORE.test(line) && index > 0 ? '' : line));
  try {
    const excerpt = tables.join('\n');
    if (facts.source === 'nft') return { facts, servers: [], elements: parseElements(tables), excerpt };
    const dialect = facts.source === 'proc' ? 'proc' : 'ipvsadm';
    const servers = parseTables(readable.join('\n'), { dialect, names: 'refused' });
    return { facts, servers, elements: [], excerpt };
  } catch (error) {
    if (!(error instanceof UnparseableOutput)) throw error;
    throw new UnparseableOutput(
      error.lineNumber + open + 1,
      error.line,
      `it is not a line of the tables: ${error.rule}`,
    );
  }
}

/** What the node must show. Addresses are canonical, as `serviceAddresses` gives them. */
export interface Expectation {
  proxying: Proxying;
  apiServer: string;
  dns: string;
}

/** Virtual servers that kube-proxy did not make are evidence, but never leftovers: cleaning does not remove them. */
function notesOfForeign({ foreignVirtualServers }: NodeFacts): string[] {
  return foreignVirtualServers > 0 ? [`${foreignVirtualServers} virtual servers that kube-proxy did not make`] : [];
}

const PROBES = [
  ['apiServerProbe', 'no TCP connection to the API server through its ClusterIP'],
  ['dnsProbe', 'no answer from cluster DNS through its ClusterIP'],
] as const;

/**
 * A probe that was not made counts like a probe that failed. In iptables mode the probes are the only proof that the
 * node reaches Services: leftovers of IPVS can make the API server's ClusterIP unreachable for pods on the host
 * network. The preparation requires the programs that probes need, so every node here has them.
 * https://github.com/aws/containers-roadmap/issues/2826
 */
function problemsOfProbes(facts: ValidateOutput['facts']): string[] {
  return PROBES.flatMap(([probe, problem]) => {
    if (facts[probe] === 'ok') return [];
    return [facts[probe] === 'skipped' ? `${problem}: the node has no program to ask with` : problem];
  });
}

/**
 * Judges what one node's validate document printed. Never throws: output that cannot be parsed becomes a failed verdict
 * that names the line. Leftovers of the other mode become facts and reasons, but do not fail the verdict.
 */
export function judgeValidateOutput(
  node: { id: string; name: string },
  output: string,
  expectation: Expectation,
): Verdict {
  let read: ValidateOutput;
  try {
    read = parseValidateOutput(output);
  } catch (error) {
    if (!(error instanceof UnparseableOutput)) throw error;
    const reasons = [output.trim() === '' ? 'the node printed nothing' : error.message];
    return { node: node.id, name: node.name, pass: false, reasons, facts: {}, excerpt: output.slice(0, LONGEST) };
  }
  const { mode } = expectation.proxying;
  const running = read.facts.proxyMode;
  const { problems, notes } = choiceOf(expectation.proxying).judge(read, expectation);
  const leftovers = leftoversBeside(mode, read.facts);
  const failures = [
    ...(running === mode ? [] : [`kube-proxy says its mode is ${running}, not ${mode}`]),
    ...problems,
    ...problemsOfSyncs(mode, read.facts),
    ...problemsOfProbes(read.facts),
  ];
  return {
    node: node.id,
    name: node.name,
    pass: failures.length === 0,
    reasons: [...failures, ...notes, ...leftovers.map(({ note }) => note), ...notesOfForeign(read.facts)],
    facts: { ...read.facts, ...Object.fromEntries(leftovers.map(({ fact, value }) => [fact, value])) },
    excerpt: read.excerpt,
  };
}
