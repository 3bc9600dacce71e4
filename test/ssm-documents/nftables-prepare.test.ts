import { describe, expect, test } from 'vitest';
import { judgeNftablesPreparation } from '../../functions/core/modes/nftables-preparation.ts';
import { OF_OTHERS } from './kube-proxy-tables.ts';
import { METRICS, type Node, rulesetOf, runOnNode, whyNot } from './nftables-node.ts';
import type { Ran } from './small-root.ts';

const impossible = whyNot();
if (impossible !== null) process.stderr.write(`prepare-node.sh for nftables: tests skipped, since ${impossible}.\n`);

/** Has nothing to load; kmod has the same arguments and messages. */
const modprobe = (missing = 'none') => `case $3 in ${missing})
  echo "modprobe: FATAL: Module $3 not found in directory /lib/modules/KERNEL" >&2; exit 1 ;;
esac
echo "insmod /lib/modules/KERNEL/kernel/net/netfilter/$3.ko.xz"`;
const IPTABLES_METRICS = `${METRICS}kubeproxy_iptables_localhost_nodeports_accepted_packets_total 0
kubeproxy_iptables_ct_state_invalid_dropped_packets_total 1.2e+03
`;
const prepare = (node: Partial<Node> = {}): Ran =>
  runOnNode(
    'prepare-node',
    { Mode: 'nftables', Scheduler: 'none' },
    {
      mode: 'iptables',
      metrics: [IPTABLES_METRICS, IPTABLES_METRICS],
      ...node,
      programs: { modprobe: modprobe(), ...node.programs },
    },
  );
const judged = ({ stdout }: Ran, acknowledge: string[] = []) =>
  judgeNftablesPreparation({ id: 'i-1', name: 'one' }, stdout, acknowledge);
/** Installs this machine's nft. */
const INSTALLS = `echo "$0 $*" | sed 's#.*/##' >>/tmp/calls
case "$*" in *nftables*) cat /host/sbin/nft >/usr/bin/nft; chmod +x /usr/bin/nft ;; esac`;

describe.skipIf(impossible !== null)('prepare-node.sh for nftables', () => {
  test('reports a node that is ready, and changes nothing', () => {
    const ran = prepare({ tables: 'add table ip filter' });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '', after: rulesetOf('add table ip filter') });
    expect(ran.stdout.split('\n').filter((line) => !line.startsWith('kernel='))).toEqual([
      'nightshift-prepare=1',
      'mode=nftables',
      'nft=already',
      'missing=',
      'probes=ok',
      'foreign-virtual-servers=',
      'localhostNodePorts=0',
      'invalidPackets=1200',
      'dropChains=',
      'syncMicros=50000',
      'connectMicros=unknown',
      'end=nightshift-prepare',
      '',
    ]);
    expect(judged(ran)).toMatchObject({ pass: true, reasons: ['kernel and programs are ready for nftables mode'] });
    expect(ran.file('/etc/modules-load.d/nightshift-ipvs.conf')).toBeNull();
  });

  test('names modules that the kernel does not have, and those that modprobe is told not to load', () => {
    const program = `case $3 in nft_numgen) echo 'install /bin/true' ;; *) ${modprobe('nft_fib_ipv6')} ;; esac`;
    const ran = prepare({ programs: { modprobe: program } });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(
      /^kernel \S+ lacks modules that kube-proxy needs in nftables mode: nft_numgen,nft_fib_ipv6\n$/,
    );
    expect(judged(ran)).toMatchObject({
      pass: false,
      reasons: ['kernel modules are missing: nft_numgen, nft_fib_ipv6'],
    });
  });

  test('needs no modprobe for modules that are part of the kernel', () => {
    const modules = ['nft_ct', 'nft_nat', 'nft_masq', 'nft_chain_nat', 'nft_numgen', 'nft_fib_ipv4', 'nft_fib_ipv6'];
    const list = [...modules, 'nft_reject_ipv4', 'nft_reject_ipv6'].map((name) => `kernel/net/netfilter/${name}.ko\n`);
    const ran = prepare({
      files: { '/lib/modules/KERNEL/modules.builtin': list.join('') },
      programs: { modprobe: 'exit 1' },
    });
    expect(judged(ran)).toMatchObject({ pass: true, facts: { missing: '' } });
  });

  test('names the base chains of others that drop packets, of iptables too', () => {
    const ran = prepare({
      tables: OF_OTHERS,
      rules: '*filter\n:FORWARD DROP [0:0]\nCOMMIT',
      legacyRules: '*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT',
      before: 'echo filter >/proc/net/ip_tables_names',
    });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran)).toMatchObject({
      pass: false,
      facts: { dropChains: 'inet/firewall/forward,ip/filter/FORWARD,ip/filter/INPUT' },
    });
    expect(judged(ran, ['host-firewall'])).toMatchObject({ pass: true });
  });

  test('reports node ports on 127.0.0.1 that are in use', () => {
    const metrics = IPTABLES_METRICS.replace('accepted_packets_total 0', 'accepted_packets_total 7');
    expect(judged(prepare({ metrics: [metrics, metrics] }))).toMatchObject({
      pass: false,
      facts: { localhostNodePorts: 7 },
    });
  });

  test('measures a connection to the API server, whose address stands in the environment of kube-proxy', () => {
    const tables = 'add table ip t\nadd chain ip t o { type nat hook output priority -100 ; }';
    const ran = prepare({
      tables: `${tables}\nadd rule ip t o ip daddr 10.100.0.1 tcp dport 443 dnat to 10.0.1.2:6443`,
      files: {
        '/proc/77/comm': 'kube-proxy\n',
        '/proc/77/environ': 'HOME=/root\0KUBERNETES_SERVICE_HOST=10.100.0.1\0KUBERNETES_SERVICE_PORT=443\0',
      },
    });
    expect(ran.stdout).toMatch(/^connectMicros=[1-9]\d*$/m);
  });
});

describe.skipIf(impossible !== null)('the nft that prepare-node.sh finds for the proof', () => {
  test("is kube-proxy's own: nothing is installed", () => {
    const ran = prepare({ nft: 'image', programs: { 'apt-get': INSTALLS } });
    expect(judged(ran)).toMatchObject({ pass: true, facts: { nft: 'kube-proxy' } });
    expect(ran.file('/tmp/calls')).toBeNull();
  });

  test("is kube-proxy's own if the node's does not work", () => {
    const ran = prepare({ nft: 'image', programs: { nft: 'exit 127', 'apt-get': INSTALLS } });
    expect(judged(ran)).toMatchObject({ pass: true, facts: { nft: 'kube-proxy' } });
  });

  test.each([
    ['dnf', /^dnf install -y nftables\n$/],
    ['yum', /^yum install -y nftables\n$/],
    ['apt-get', /^apt-get .* update\napt-get .*install --no-install-recommends nftables\n$/],
  ])('is installed by %s if there is none', (manager, calls) => {
    const ran = prepare({ nft: 'none', programs: { [manager]: INSTALLS } });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran)).toMatchObject({ pass: true, facts: { nft: 'installed' } });
    expect(ran.file('/tmp/calls')).toMatch(calls);
  });

  test.each([
    [
      { dnf: "echo 'Error: Cannot prepare internal mirrorlist'; exit 1" },
      'nftables could not be installed: Error: Cannot prepare internal mirrorlist',
    ],
    [
      {
        'apt-get':
          "printf '#!/bin/sh\\necho broken library >&2; exit 127\\n' >/usr/bin/nft; chmod +x /usr/bin/nft; exit 0",
      },
      'nft does not work on this node: broken library',
    ],
  ])('fails the node if there is none in the end: %j', (programs, warning) => {
    const ran = prepare({ nft: 'none', programs });
    expect(ran).toMatchObject({
      exitCode: 1,
      stderr: 'this node has no nft that reads the rules of kube-proxy, as its proof needs\n',
    });
    expect(judged(ran)).toMatchObject({
      pass: false,
      reasons: ['there is no nft to read kube-proxy’s maps for the proof', warning],
    });
  });
});
