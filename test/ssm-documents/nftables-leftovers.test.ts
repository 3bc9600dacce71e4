import { describe, expect, test } from 'vitest';
import { kubeProxyTable, OF_OTHERS, SERVICES } from './kube-proxy-tables.ts';
import { type Node, runOnNode, whyNot } from './nftables-node.ts';

const impossible = whyNot();
if (impossible !== null)
  process.stderr.write(`validate-node.sh and chains of iptables mode: tests skipped, since ${impossible}.\n`);

/** Two Services with endpoints, and a chain of a third to which no rule leads any more. */
const NAT = `*nat
:KUBE-SERVICES - [0:0]
:KUBE-SVC-AAAABBBBCCCCDDDD - [0:0]
:KUBE-SVL-EEEEFFFFGGGGHHHH - [0:0]
:KUBE-SVC-IIIIJJJJKKKKLLLL - [0:0]
:KUBE-SEP-AAAABBBBCCCCDDDD - [0:0]
:OPS-SVC-AAAABBBBCCCCDDDD - [0:0]
-A KUBE-SERVICES -d 10.100.0.20/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-AAAABBBBCCCCDDDD
-A KUBE-SERVICES -d 10.100.0.30/32 -p tcp -m comment --comment "default/api cluster IP" -m tcp --dport 80 -j KUBE-SVL-EEEEFFFFGGGGHHHH
COMMIT
`;
const FILTER = `*filter
:KUBE-SERVICES - [0:0]
:KUBE-EXTERNAL-SERVICES - [0:0]
:KUBE-IPVS-FILTER - [0:0]
:OPS - [0:0]
-A KUBE-SERVICES -d 10.100.0.40/32 -p tcp -m comment --comment "default/none has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
-A KUBE-EXTERNAL-SERVICES -d 10.100.0.41/32 -p tcp -m comment --comment "default/far has no local endpoints" -m tcp --dport 80 -j DROP
-A KUBE-IPVS-FILTER -p tcp -m tcp --dport 9 -j REJECT --reject-with icmp-port-unreachable
-A OPS -p tcp -m comment --comment "mine has no endpoints" -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;
const SCHEDULERS = { ipvs: 'rr', iptables: 'none', nftables: 'none' } as const;
/** The counts that a node in a mode reports, without the probes, which find no Service here. */
function counted(mode: Node['mode'], node: Partial<Node>): Record<string, string> {
  const parameters = { ApiServer: '10.100.0.1', Dns: '10.100.0.10', Mode: mode, Scheduler: SCHEDULERS[mode] };
  const before = `ip route replace unreachable 10.100.0.0/16\n${node.before ?? ''}`;
  const ran = runOnNode('validate-node', parameters, { mode, after: '', ...node, before });
  if (ran.exitCode !== 0) return { failed: ran.stderr };
  const facts = ran.stdout.matchAll(/^(iptablesServices|rejectRules|nftTables)=(.*)$/gm);
  return Object.fromEntries([...facts].map(([, key = '', value = '']) => [key, value]));
}

describe.skipIf(impossible !== null)('chains and rules of other modes, on a real kernel', () => {
  const own = kubeProxyTable('ip', SERVICES);

  test.each([
    ['nftables', own, { iptablesServices: '3', rejectRules: '3', nftTables: '1' }],
    ['ipvs', OF_OTHERS, { iptablesServices: '3', rejectRules: '2', nftTables: '0' }],
    ['iptables', own, { iptablesServices: '3', rejectRules: '1', nftTables: '1' }],
  ] as const)('are counted on a node in mode %s, also chains to which no rule leads', (mode, tables, counts) => {
    expect(counted(mode, { tables, rules: `${NAT}${FILTER}` })).toEqual(counts);
  });

  test('are counted without KUBE-SERVICES', () => {
    const rest = `*nat\n:KUBE-SVC-AAAABBBBCCCCDDDD - [0:0]\nCOMMIT`;
    expect(counted('nftables', { tables: own, rules: rest })).toMatchObject({
      iptablesServices: '1',
      rejectRules: '0',
    });
  });

  test.each(['nftables', 'ipvs', 'iptables'] as const)(
    'are counted in both backends of iptables, on a node in mode %s',
    (mode) => {
      const legacyRules = NAT.replaceAll('AAAABBBBCCCCDDDD', 'MMMMNNNNOOOOPPPP');
      expect(counted(mode, { tables: own, rules: NAT, legacyRules })).toMatchObject({ iptablesServices: '6' });
      expect(counted(mode, { tables: own, legacyRules })).toMatchObject({ iptablesServices: '3' });
    },
  );

  // Without names iptables reads the tables: all chains in IPVS mode, those of KUBE-SERVICES in iptables mode.
  test.each([
    ['ipvs', { iptablesServices: '3', rejectRules: '2', nftTables: 'unknown' }],
    ['iptables', { iptablesServices: '2', rejectRules: '1', nftTables: 'unknown' }],
  ] as const)('are counted without nft, on a node in mode %s', (mode, counts) => {
    expect(counted(mode, { rules: `${NAT}${FILTER}`, nft: 'none' })).toEqual(counts);
  });

  test('are none on a node that has none', () => {
    expect(counted('nftables', { tables: `${own}\n${OF_OTHERS}` })).toEqual({
      iptablesServices: '0',
      rejectRules: '0',
      nftTables: '1',
    });
  });

  test('a chain that iptables cannot print fails the node by name', () => {
    const program = `case "$*" in *-S*) echo 'iptables: Permission denied' >&2; exit 4 ;; esac`;
    expect(
      counted('ipvs', {
        rules: FILTER,
        programs: { 'iptables-nft': program },
      }),
    ).toEqual({ failed: 'iptables-nft -t filter -S KUBE-SERVICES failed (4): iptables: Permission denied\n' });
  });

  test('listing names reads no rules: never a whole table, nor a chain, nor an element', () => {
    const nft = `echo "$*" >>/tmp/calls; exec /host/sbin/nft "$@"`;
    const parameters = { ApiServer: '10.100.0.1', Dns: '10.100.0.10', Mode: 'nftables', Scheduler: 'none' };
    const ran = runOnNode('validate-node', parameters, { mode: 'nftables', tables: own, programs: { nft } });
    expect(
      ran
        .file('/tmp/calls')
        ?.split('\n')
        .filter((line) => line !== ''),
    ).toEqual(['list chains', 'list map ip kube-proxy service-ips', 'list map ip kube-proxy no-endpoint-services']);
  });
});
