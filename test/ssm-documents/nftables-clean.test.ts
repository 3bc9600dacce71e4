import { describe, expect, test } from 'vitest';
import { judgeCleanOutput } from '../../functions/core/evidence/clean-output.ts';
import { kubeProxyTable, OF_OTHERS, SERVICES } from './kube-proxy-tables.ts';
import { type Node, rulesetOf, runOnNode, whyNot } from './nftables-node.ts';
import type { Ran } from './small-root.ts';

const impossible = whyNot();
if (impossible !== null) process.stderr.write(`clean-node.sh in nftables mode: tests skipped, since ${impossible}.\n`);

const clean = (Mode: Node['mode'], node: Partial<Node> = {}): Ran =>
  runOnNode('clean-node', { Mode }, { mode: Mode, ...node });
const judged = ({ stdout }: Ran, mode: Node['mode']) => judgeCleanOutput({ id: 'i-1', name: 'one' }, stdout, mode);
const rules = (save: string) => `${save} 2>/dev/null | grep -E '^[*:-]' | sed 's/ \\[.*//'`;

/** kubelet's own chains, and rules of others. */
const KEPT_NAT = [':KUBE-KUBELET-CANARY - [0:0]', ':OPS - [0:0]'];
const KEPT_FILTER = [':KUBE-FIREWALL - [0:0]', ':KUBE-KUBELET-CANARY - [0:0]', ':KUBE-ROUTER-INPUT - [0:0]'];
const KEPT_FILTER_RULES = [
  '-A INPUT -j KUBE-FIREWALL',
  '-A INPUT -s 203.0.113.0/24 -m comment --comment "kubernetes health check service ports" -j ACCEPT',
  '-A INPUT -m comment --comment "kube-router netpol" -j KUBE-ROUTER-INPUT',
];
/** What iptables mode leaves, with one chain of a Service to which no rule leads, and all rules in built-in chains. */
const OF_IPTABLES_MODE = `*mangle
:KUBE-IPTABLES-HINT - [0:0]
:KUBE-PROXY-CANARY - [0:0]
COMMIT
*nat
${KEPT_NAT.join('\n')}
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-PROXY-CANARY - [0:0]
:KUBE-SVC-AAAABBBBCCCCDDDD - [0:0]
:KUBE-SEP-AAAABBBBCCCCDDDD - [0:0]
:KUBE-SVC-EEEEFFFFGGGGHHHH - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A POSTROUTING -m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING
-A KUBE-SERVICES -d 10.100.0.20/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-AAAABBBBCCCCDDDD
-A KUBE-SERVICES -m comment --comment "kubernetes service nodeports" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-AAAABBBBCCCCDDDD -m comment --comment "default/web -> 10.0.0.5:80" -j KUBE-SEP-AAAABBBBCCCCDDDD
-A KUBE-SEP-AAAABBBBCCCCDDDD -s 10.0.0.5/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A KUBE-SEP-AAAABBBBCCCCDDDD -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.0.0.5:80
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully
COMMIT
*filter
${KEPT_FILTER.join('\n')}
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-FORWARD - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-PROXY-CANARY - [0:0]
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes health check service ports" -j KUBE-NODEPORTS
-A INPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
${KEPT_FILTER_RULES.join('\n')}
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A FORWARD -m comment --comment "kubernetes forwarding rules" -j KUBE-FORWARD
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A FORWARD -m conntrack --ctstate NEW -m comment --comment "kubernetes externally-visible service portals" -j KUBE-EXTERNAL-SERVICES
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes load balancer firewall" -j KUBE-PROXY-FIREWALL
-A OUTPUT -m conntrack --ctstate NEW -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.100.0.40/32 -p tcp -m comment --comment "default/none has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
COMMIT
`;
/** What IPVS mode leaves in table filter, beside what it has in common with iptables mode. */
const OF_IPVS_MODE = `*filter
:KUBE-NODE-PORT - [0:0]
:KUBE-IPVS-FILTER - [0:0]
:KUBE-IPVS-OUT-FILTER - [0:0]
:KUBE-PROXY-FIREWALL - [0:0]
:KUBE-SOURCE-RANGES-FIREWALL - [0:0]
-A INPUT -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
-A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT
-A FORWARD -m comment --comment "kube-proxy firewall rules" -j KUBE-PROXY-FIREWALL
-A OUTPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-OUT-FILTER
-A KUBE-PROXY-FIREWALL -j KUBE-SOURCE-RANGES-FIREWALL
-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -m set --match-set KUBE-IPVS-IPS dst -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;
const BUILT_IN: Record<string, string> = {
  mangle: 'PREROUTING INPUT FORWARD OUTPUT POSTROUTING',
  nat: 'PREROUTING INPUT OUTPUT POSTROUTING',
  filter: 'INPUT FORWARD OUTPUT',
};
/** What iptables-save prints of a table, without its counters. */
const left = (table: string, chains: string[], kept: string[] = []): string[] => [
  `*${table}`,
  ...(BUILT_IN[table] ?? '').split(' ').map((chain) => `:${chain} ACCEPT`),
  ...chains.map((chain) => chain.replace(/ \[.*/, '')),
  ...kept,
];
const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');
const sorted = (lines: string[]) => [...lines].sort();

describe.skipIf(impossible !== null)('clean-node.sh in nftables mode', () => {
  const all = [
    ...left('filter', KEPT_FILTER, KEPT_FILTER_RULES),
    ...left('mangle', [':KUBE-IPTABLES-HINT - [0:0]']),
    ...left('nat', KEPT_NAT),
  ];

  test('leaves nothing of iptables mode but what belongs to kubelet and to others', () => {
    const after = `${rules('iptables-nft-save')}\n`;
    const ran = clean('nftables', { rules: OF_IPTABLES_MODE, after });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran, 'nftables')).toMatchObject({
      pass: true,
      facts: { removedRules: 12, removedChains: 15, removedNftTables: 0, removedKubeIpvs0: 'no' },
    });
    expect(sorted(linesOf(ran.after))).toEqual(sorted(all));
    const again = clean('nftables', { rules: OF_IPTABLES_MODE, after, runs: 2 });
    expect(again.after).toBe(ran.after);
    expect(again.stdout).toContain('removedRules=0\nremovedChains=0\n');
  });

  test('leaves nothing of IPVS mode, its ipsets and its interface included', () => {
    const ran = clean('nftables', {
      rules: OF_IPVS_MODE,
      ipsets: 'create KUBE-IPVS-IPS hash:ip\ncreate KUBE-CLUSTER-IP hash:ip,port\ncreate KUBE-SRC-OPS hash:ip',
      real: ['ipset'],
      files: { '/sys/class/net/kube-ipvs0/mtu': '1500\n' },
      // kube-proxy's is a dummy, which not every kernel has.
      before: 'ip link add kube-ipvs0 type bridge',
      after: `${rules('iptables-nft-save')}; ipset list -n; ip -o link show | cut -d ' ' -f 2`,
    });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran, 'nftables')).toMatchObject({
      pass: true,
      facts: { removedRules: 5, removedChains: 5, removedIpsets: 2, removedKubeIpvs0: 'yes' },
    });
    expect(sorted(linesOf(ran.after))).toEqual(sorted([...left('filter', []), 'KUBE-SRC-OPS', 'lo:']));
  });

  test('keeps a chain to which a rule of others leads, with all chains that it needs', () => {
    const other =
      '-A OPS -d 203.0.113.10/32 -p tcp -m tcp --dport 8080 -j KUBE-SVC-AAAABBBBCCCCDDDD\n-A PREROUTING -j KUBE-MARK-MASQ';
    const nat = OF_IPTABLES_MODE.replace('-A KUBE-MARK-MASQ', `${other}\n-A KUBE-MARK-MASQ`);
    const ran = clean('nftables', { rules: nat, after: rules('iptables-nft-save -t nat') });
    expect(judged(ran, 'nftables')).toMatchObject({
      pass: true,
      reasons: [
        expect.stringMatching(/leftovers removed$/),
        'chains that stay in table nat of iptables-nft for rules that kube-proxy did not make: 3 (PREROUTING to KUBE-MARK-MASQ, OPS to KUBE-SVC-AAAABBBBCCCCDDDD)',
      ],
    });
    const kept = [':KUBE-MARK-MASQ', ':KUBE-SEP-AAAABBBBCCCCDDDD', ':KUBE-SVC-AAAABBBBCCCCDDDD'];
    const rest = OF_IPTABLES_MODE.split('\n').filter((line) =>
      /^-A KUBE-(MARK-MASQ|SEP-AAAABBBBCCCCDDDD|SVC-AAAABBBBCCCCDDDD) /.test(line),
    );
    expect(sorted(linesOf(ran.after))).toEqual(
      sorted([...left('nat', [...KEPT_NAT, ...kept.map((chain) => `${chain} -`)]), ...other.split('\n'), ...rest]),
    );
  });

  test("leaves kube-proxy's own tables and those of others as they are, line for line", () => {
    const tables = `${kubeProxyTable('ip', SERVICES)}\n${kubeProxyTable('ip6', [])}\n${OF_OTHERS}`;
    expect(clean('nftables', { tables })).toMatchObject({ exitCode: 0, stderr: '', after: rulesetOf(tables) });
  });

  test('refuses while kube-proxy reports another mode', () => {
    const ran = clean('nftables', {
      mode: 'iptables',
      rules: OF_IPTABLES_MODE,
      after: rules('iptables-nft-save -t nat'),
    });
    expect(ran).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: 'refused: kube-proxy on this node reports iptables, not nftables: what would be removed may be in use\n',
    });
    expect(ran.after).toContain('-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n');
  });
});

describe.skipIf(impossible !== null).each(['ipvs', 'iptables'] as const)('clean-node.sh in %s mode', (mode) => {
  const tables = `${kubeProxyTable('ip', SERVICES, 'before 1.36')}\n${kubeProxyTable('ip6', [])}\n`;

  test("deletes kube-proxy's two nftables tables, and nothing of others, line for line", () => {
    const ran = clean(mode, { tables: `${tables}${OF_OTHERS}` });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '', after: rulesetOf(OF_OTHERS) });
    expect(judged(ran, mode)).toMatchObject({ pass: true, facts: { removedNftTables: 2 } });
  });

  test("deletes them with kube-proxy's own nft if the node has none", () => {
    const ran = clean(mode, { tables, nft: 'image' });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '', after: '' });
    expect(judged(ran, mode)).toMatchObject({ pass: true, facts: { removedNftTables: 2 } });
  });

  test('fails by name if they cannot be deleted', () => {
    const nft = "echo 'Error: Could not process rule: Operation not permitted' >&2; exit 1";
    const ran = clean(mode, { tables, nft: 'none', programs: { nft } });
    expect(ran).toMatchObject({
      exitCode: 1,
      stderr:
        'the table ip kube-proxy could not be removed: nft delete table ip kube-proxy failed (1): Error: Could not process rule: Operation not permitted\n',
    });
    expect(ran.stdout).toContain('removedNftTables=0\n');
  });

  test('needs no nft where kube-proxy has none either', () => {
    const ran = clean(mode, { nft: 'none' });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran, mode)).toMatchObject({ pass: true, reasons: ['0 leftovers removed'] });
  });
});
