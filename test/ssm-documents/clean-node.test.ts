import { describe, expect, test } from 'vitest';
import { judgeCleanOutput } from '../../functions/core/evidence/clean-output.ts';
import { canFilter, type Ran, runInSmallRoot } from './small-root.ts';

const possible = canFilter();
if (!possible)
  process.stderr.write('clean-node.sh: tests skipped, since iptables-nft does not work in a network namespace here.\n');

const PROGRAMS = ['iptables-nft', 'iptables-nft-save', 'iptables-nft-restore', 'ip6tables-nft-save'];
const RULES = `{ iptables-nft-save -t nat; iptables-nft-save -t filter; } 2>/dev/null | grep '^-A'`;

/** Cleans a node whose kube-proxy is in a mode and that has these rules, as iptables-restore reads them. */
const clean = (Mode: 'ipvs' | 'iptables', rules: string, programs: Record<string, string> = {}): Ran =>
  runInSmallRoot(
    'clean-node',
    { Mode },
    {
      programs: { curl: `echo ${Mode}`, ...programs },
      real: PROGRAMS.filter((name) => !(name in programs)),
      before: `iptables-nft-restore <<RULES\n${rules}\nRULES`,
      after: RULES,
    },
  );
const judged = ({ stdout }: Ran, mode: 'ipvs' | 'iptables') =>
  judgeCleanOutput({ id: 'i-1', name: 'one' }, stdout, mode);
const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

/** The leftovers of iptables mode: the Service `web` with one endpoint and a node port. */
const OF_IPTABLES_MODE = `*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-MARK-MASQ - [0:0]
:KUBE-SVC-AAAABBBBCCCCDDDD - [0:0]
:KUBE-EXT-AAAABBBBCCCCDDDD - [0:0]
:KUBE-SEP-AAAABBBBCCCCDDDD - [0:0]
:KUBE-SVC-EEEEFFFFGGGGHHHH - [0:0]
:KUBE-SEP-EEEEFFFFGGGGHHHH - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-SERVICES -d 10.100.0.20/32 -p tcp -m comment --comment "default/web cluster IP" -m tcp --dport 80 -j KUBE-SVC-AAAABBBBCCCCDDDD
-A KUBE-SERVICES -d 10.100.0.30/32 -p tcp -m comment --comment "default/api cluster IP" -m tcp --dport 80 -j KUBE-SVC-EEEEFFFFGGGGHHHH
-A KUBE-NODEPORTS -p tcp -m comment --comment "default/web" -m tcp --dport 30080 -j KUBE-EXT-AAAABBBBCCCCDDDD
-A KUBE-EXT-AAAABBBBCCCCDDDD -j KUBE-SVC-AAAABBBBCCCCDDDD
-A KUBE-SVC-AAAABBBBCCCCDDDD -m comment --comment "default/web -> 10.0.0.5:80" -j KUBE-SEP-AAAABBBBCCCCDDDD
-A KUBE-SEP-AAAABBBBCCCCDDDD -s 10.0.0.5/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ
-A KUBE-SEP-AAAABBBBCCCCDDDD -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.0.0.5:80
-A KUBE-SVC-EEEEFFFFGGGGHHHH -m comment --comment "default/api -> 10.0.0.6:80" -j KUBE-SEP-EEEEFFFFGGGGHHHH
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
`;

describe.skipIf(!possible)('clean-node.sh, with the rules of a real kernel', () => {
  test('removes all chains of iptables mode, those of node ports included', () => {
    const ran = clean('ipvs', `${OF_IPTABLES_MODE}COMMIT`);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran, 'ipvs')).toMatchObject({
      pass: true,
      reasons: ['8 leftovers removed'],
      facts: { removedRules: 3, removedChains: 5 },
    });
    expect(linesOf(ran.after)).toEqual([
      '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
      '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
    ]);
  });

  test('keeps rules of others that lead to such a chain, with the chains that they need, and reports it', () => {
    const others = [
      '-A PREROUTING -d 203.0.113.9/32 -p tcp -m comment --comment "ops: vip to web" -m tcp --dport 8080 -j KUBE-SVC-AAAABBBBCCCCDDDD',
      '-A OPS-VIP -d 203.0.113.10/32 -p tcp -m tcp --dport 8080 -j KUBE-SVC-AAAABBBBCCCCDDDD',
    ];
    const ran = clean('ipvs', `${OF_IPTABLES_MODE}:OPS-VIP - [0:0]\n${others.join('\n')}\nCOMMIT`);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran, 'ipvs')).toMatchObject({
      pass: true,
      reasons: [
        '6 leftovers removed',
        'chains that stay in table nat of iptables-nft for rules that kube-proxy did not make: 2 (PREROUTING to KUBE-SVC-AAAABBBBCCCCDDDD, OPS-VIP to KUBE-SVC-AAAABBBBCCCCDDDD)',
      ],
      facts: { removedRules: 3, removedChains: 3 },
    });
    expect(linesOf(ran.after)).toEqual([
      '-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES',
      others[0],
      '-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000',
      '-A KUBE-SEP-AAAABBBBCCCCDDDD -s 10.0.0.5/32 -m comment --comment "default/web" -j KUBE-MARK-MASQ',
      '-A KUBE-SEP-AAAABBBBCCCCDDDD -p tcp -m comment --comment "default/web" -m tcp -j DNAT --to-destination 10.0.0.5:80',
      '-A KUBE-SVC-AAAABBBBCCCCDDDD -m comment --comment "default/web -> 10.0.0.5:80" -j KUBE-SEP-AAAABBBBCCCCDDDD',
      others[1],
    ]);
  });

  test('does not take text in a comment for a target', () => {
    const other =
      '-A PREROUTING -p tcp -m comment --comment "was -j KUBE-SVC-AAAABBBBCCCCDDDD here" -j MARK --set-xmark 0x1/0xffffffff';
    const ran = clean('ipvs', `${OF_IPTABLES_MODE}${other}\nCOMMIT`);
    expect(judged(ran, 'ipvs')).toMatchObject({ pass: true, facts: { removedChains: 5 } });
    expect(linesOf(ran.after)).toContain(other);
  });

  test("removes kube-proxy's three rules in built-in chains that lead to chains of IPVS mode, and no other", () => {
    const others = [
      '-A INPUT -s 203.0.113.0/24 -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT',
      '-A INPUT -m comment --comment "ops: kubernetes ipvs access filter" -j ACCEPT',
    ];
    const ran = clean(
      'iptables',
      `*filter
:KUBE-NODE-PORT - [0:0]
:KUBE-IPVS-FILTER - [0:0]
:KUBE-IPVS-OUT-FILTER - [0:0]
-A INPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-FILTER
-A INPUT -m comment --comment "kubernetes health check rules" -j KUBE-NODE-PORT
${others.join('\n')}
-A OUTPUT -m comment --comment "kubernetes ipvs access filter" -j KUBE-IPVS-OUT-FILTER
-A KUBE-NODE-PORT -p tcp -m tcp --dport 32000 -j ACCEPT
-A KUBE-IPVS-FILTER -m conntrack --ctstate NEW -j RETURN
COMMIT`,
    );
    expect(judged(ran, 'iptables')).toMatchObject({
      pass: true,
      reasons: [
        '5 leftovers removed',
        'chains that stay in table filter of iptables-nft for rules that kube-proxy did not make: 1 (INPUT to KUBE-NODE-PORT)',
      ],
      facts: { removedRules: 3, removedChains: 2 },
    });
    expect(linesOf(ran.after)).toEqual([...others, '-A KUBE-NODE-PORT -p tcp -m tcp --dport 32000 -j ACCEPT']);
  });

  test('fails by name, and removes nothing, if rules cannot be read', () => {
    const broken = `echo 'iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root) \`$(reboot)"' >&2
echo more >&2
exit 4`;
    const ran = clean('ipvs', `${OF_IPTABLES_MODE}COMMIT`, {
      'iptables-nft-save': broken,
      'ip6tables-nft-save': 'exit 0',
    });
    expect(ran).toMatchObject({
      exitCode: 1,
      stderr:
        'iptables-nft-save -t filter failed (4): iptables-save v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root) (reboot) more\n',
    });
    expect(ran.stdout).toContain('removedRules=0\nremovedChains=0\n');
  });
});
