import { type Rule, readReport, verdictFacts } from '../evidence/report.ts';
import type { Verdict } from '../evidence/verdict.ts';
import type { InventoryNode } from '../nodes/nodes.ts';
import { FOREIGN_SERVERS, FOREIGN_SERVERS_RULE, lostServers } from './foreign-servers.ts';

/**
 * The kernel modules that kube-proxy's rules need, beside nf_tables itself. The kernel loads them by itself if it has
 * them. https://github.com/kubernetes/kubernetes/blob/master/pkg/proxy/nftables/proxier.go
 */
export const NFTABLES_KERNEL_MODULES: readonly string[] = [
  'nf_tables',
  'nft_ct',
  'nft_nat',
  'nft_masq',
  'nft_chain_nat',
  'nft_numgen',
  'nft_fib_ipv4',
  'nft_fib_ipv6',
  'nft_reject_ipv4',
  'nft_reject_ipv6',
];

/** Facts that a node reports before the change, and that the request has to acknowledge, by the name of the check. */
export const LOCALHOST_NODE_PORTS = 'localhost-node-ports';
export const HOST_FIREWALL = 'host-firewall';

const MODULES: ReadonlySet<string> = new Set(NFTABLES_KERNEL_MODULES);
const count = /^(\d{1,15}|unknown)$/;
const RULES = new Map<string, Rule>([
  ['mode', /^nftables$/],
  ['kernel', /^[\w.+~-]{1,128}$/],
  /** Where the proof finds `nft`: it was there, was installed, is the one in kube-proxy's image, or is nowhere. */
  ['nft', /^(already|installed|kube-proxy|failed)$/],
  ['missing', { test: (text) => text === '' || text.split(',').every((module) => MODULES.has(module)) }],
  ['probes', /^(ok|missing)$/],
  [FOREIGN_SERVERS, FOREIGN_SERVERS_RULE],
  ['localhostNodePorts', count],
  ['invalidPackets', count],
  ['dropChains', /^[\w.,/ -]{0,400}$/],
  ['syncMicros', count],
  ['connectMicros', count],
]);

/** The oldest kernel with which kube-proxy starts in nftables mode. */
export const OLDEST_KERNEL = [5, 13] as const;
/** Before this kernel the reset of a late packet can end a long connection. */
export const RESET_KERNEL = [6, 1] as const;

/** Whether a kernel release such as `6.1.115-126.197.amzn2023.x86_64` is at least this version; null if it is no release. */
export function isKernelSince(release: string, [major, minor]: readonly [number, number]): boolean | null {
  const [, ownMajor, ownMinor] = /^(\d{1,3})\.(\d{1,4})(?:\D|$)/.exec(release) ?? [];
  if (ownMajor === undefined || ownMinor === undefined) return null;
  const difference = Number(ownMajor) - major || Number(ownMinor) - minor;
  return difference >= 0;
}

/**
 * Judges what prepare-node.sh printed for nftables mode: a kernel with everything that kube-proxy's rules need, a program
 * that reads them for the proof, and nothing on the node that stops to work in nftables mode unless the request
 * acknowledges it.
 */
export function judgeNftablesPreparation(
  node: Pick<InventoryNode, 'id' | 'name'>,
  output: string,
  acknowledge: readonly string[],
): Verdict {
  const { facts, warnings, problems } = readReport(output, 'prepare', RULES);
  const fact = (key: string): string => facts.get(key) ?? '';
  const kernel = fact('kernel');
  if (kernel !== '' && isKernelSince(kernel, OLDEST_KERNEL) !== true)
    problems.push(
      `kernel ${kernel} is older than ${OLDEST_KERNEL.join('.')}: kube-proxy does not start in nftables mode`,
    );
  if (fact('missing') !== '') problems.push(`kernel modules are missing: ${fact('missing').replaceAll(',', ', ')}`);
  if (fact('nft') === 'failed') problems.push('there is no nft to read kube-proxy’s maps for the proof');
  if (fact('probes') === 'missing') problems.push('programs that ask the API server and DNS: missing');
  const found = [
    [FOREIGN_SERVERS, lostServers(facts, 'nftables')],
    [LOCALHOST_NODE_PORTS, localhostNodePorts(fact('localhostNodePorts'))],
    [HOST_FIREWALL, hostFirewall(fact('dropChains'))],
  ] as const;
  for (const [check, problem] of found) {
    if (problem === null) continue;
    if (acknowledge.includes(check)) warnings.push(`accepted: ${problem}`);
    else problems.push(`${problem} (acknowledge ${check} to accept that)`);
  }
  if (Number(fact('invalidPackets')) > 0 && isKernelSince(kernel, RESET_KERNEL) === false)
    warnings.push(
      `kube-proxy has dropped ${fact('invalidPackets')} invalid packets: on this kernel nftables mode does not, and late packets may reset long connections`,
    );
  const pass = problems.length === 0;
  return {
    node: node.id,
    name: node.name,
    pass,
    reasons: pass ? ['kernel and programs are ready for nftables mode', ...warnings] : [...problems, ...warnings],
    facts: verdictFacts(facts),
    excerpt: output,
  };
}

function localhostNodePorts(accepted: string): string | null {
  if (!(Number(accepted) > 0)) return null;
  return `${accepted} packets to node ports on 127.0.0.1 were accepted: in nftables mode node ports do not answer there`;
}

function hostFirewall(chains: string): string | null {
  if (chains === '') return null;
  return `a firewall on the node drops what it does not know (${chains}), and kube-proxy opens nothing in nftables mode`;
}
