import { describe, expect, test } from 'vitest';
import { canMount, type Ran, runInSmallRoot, type SmallRoot } from './small-root.ts';

const possible = canMount();
if (!possible)
  process.stderr.write('validate-node.sh: tests skipped, since this machine lets nobody mount (unshare -rm fails).\n');

const DOCUMENTS = {
  'prepare-node': { Mode: 'ipvs', Scheduler: 'rr' },
  'validate-node': { ApiServer: '10.100.0.1', Dns: '10.100.0.10', Mode: 'ipvs', Scheduler: 'rr' },
  'clean-node': { Mode: 'iptables' },
} as const;
type Document = keyof typeof DOCUMENTS;

const run = (document: Document, { files = {}, programs = {} }: SmallRoot = {}): Ran =>
  runInSmallRoot(document, DOCUMENTS[document], {
    files: { '/etc/os-release': 'ID=debian\n', '/proc/modules': 'overlay 1 0 - Live 0x0\n', ...files },
    programs: {
      modprobe: 'grep -q "^$1 " /proc/modules || echo "$1 1 0 - Live 0x0" >>/proc/modules',
      ipvsadm: 'exit 0',
      sleep: 'exit 0',
      curl: `case "$*" in */proxyMode) echo ${document === 'clean-node' ? 'iptables' : 'ipvs'} ;; *) exit 1 ;; esac`,
      ...programs,
    },
  });
const ALL: Document[] = ['prepare-node', 'validate-node', 'clean-node'];
const fails = (code: number, message: string) => `echo "${message}" >&2\nexit ${code}`;
const IP_VS = { '/proc/net/ip_vs': 'TCP  0A640001:01BB rr\n' };
const IP = 'case "$*" in "-o address show") echo "2: eth0    inet 10.1.0.4/20 scope global eth0" ;; esac';
const DENIED = 'Could not fetch rule set generation id: Permission denied';

describe.skipIf(!possible)('a node whose tool fails names the tool and fails', () => {
  test.each(ALL)('%s: iptables', (document) => {
    const ran = run(document, { programs: { 'ip6tables-nft-save': fails(4, DENIED) } });
    expect(ran).toMatchObject({
      exitCode: 1,
      stderr: `ip6tables-nft-save -t filter failed (4): ${DENIED}\n`,
    });
  });

  test.each(ALL)('%s: iptables without a backend in its name, with a missing library', (document) => {
    const message = 'iptables-save: error while loading shared libraries: libnftnl.so.11';
    expect(run(document, { programs: { 'iptables-save': fails(127, message) } })).toMatchObject({
      exitCode: 1,
      stderr: `iptables-save -t filter failed (127): ${message}\n`,
    });
  });

  test.each(ALL)('%s: a table that iptables can read only in part, although it exits with 0', (document) => {
    const program = `echo "# Table \\\`$2' is incompatible, use 'nft' tool."`;
    expect(run(document, { programs: { 'iptables-nft-save': program } })).toMatchObject({
      exitCode: 1,
      stderr: 'iptables-nft-save -t filter: the table is incompatible with iptables\n',
    });
  });

  test.each(ALL)('%s: ipset', (document) => {
    const ran = run(document, {
      files: { '/proc/modules': 'ip_set 1 0 - Live 0x0\n', ...IP_VS },
      programs: { ip: IP, ipset: fails(1, 'ipset v7.17: Kernel error received: Operation not permitted') },
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr.split('\n')[0]).toBe(
      'ipset save failed (1): ipset v7.17: Kernel error received: Operation not permitted',
    );
  });

  test.each(['validate-node', 'clean-node'] as const)('%s: ipset on a node without virtual servers', (document) => {
    const ran = run(document, {
      files: { '/proc/modules': 'ip_set 1 0 - Live 0x0\n' },
      programs: { ipset: fails(1, 'ipset v7.17: Kernel error received: Operation not permitted') },
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr.split('\n')[0]).toMatch(/^ipset list -n failed \(1\): ipset v7\.17: Kernel error received/);
  });

  test.each(ALL)('%s: ip, without which the owner of a virtual server is unknown', (document) => {
    const ran = run(document, {
      files: IP_VS,
      programs: { ip: fails(2, 'RTNETLINK answers: Operation not permitted') },
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr.split('\n')[0]).toBe('ip address show failed: RTNETLINK answers: Operation not permitted');
  });
});

describe.skipIf(!possible)('a node does not fail for a missing program or subsystem', () => {
  test.each(ALL)('%s: no iptables, no ipset', (document) => {
    expect(run(document)).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test.each(ALL)('%s: programs of iptables and ipset, and a kernel without their subsystems', (document) => {
    const programs = {
      'iptables-legacy-save': fails(3, "can't initialize iptables table: Table does not exist"),
      'iptables-nft-save': fails(1, 'iptables-save: Failed to initialize nft: Protocol not supported'),
      ipset: fails(1, 'ipset v7.17: Cannot open session to kernel.'),
    };
    expect(run(document, { programs })).toMatchObject({ exitCode: 0, stderr: '' });
  });

  test.each(ALL)('%s: an old iptables that does not know -V, without tables', (document) => {
    expect(run(document, { programs: { 'iptables-save': fails(1, "invalid option -- 'V'") } })).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
  });
});

/** 10.100.0.1:443 and 203.0.113.7:443 of kube-proxy, 203.0.113.7:8443 and 10.100.0.10:5353 of others, all on kube-ipvs0. */
const TABLE = `TCP  0A640001:01BB rr
TCP  CB007107:01BB rr
TCP  CB007107:20FB wlc persistent 300
UDP  0A64000A:14E9 sh
UDP  [fd30:1c53:5f8a:0000:0000:0000:0000:000a]:0035 rr
`;
const ADDRESSES = ['inet 10.100.0.1/32', 'inet 10.100.0.10/32', 'inet 203.0.113.7/32', 'inet6 fd30:1c53:5f8a::a/128']
  .map((address) => `echo "9: kube-ipvs0    ${address} scope global kube-ipvs0"`)
  .join('\n');
const counted = (sets: string) => {
  const ran = run('validate-node', {
    files: { '/proc/net/ip_vs': TABLE },
    programs: {
      ip: `case "$*" in "-o address show") ${ADDRESSES} ;; esac`,
      ipset: `case $1 in save) cat <<SETS\n${sets}\nSETS\n;; esac`,
      ipvsadm: 'exit 1',
    },
  });
  const count = (key: string) => new RegExp(`^${key}=(\\d+)$`, 'm').exec(ran.stdout)?.[1];
  return { own: count('virtualServers'), foreign: count('foreignVirtualServers') };
};

describe.skipIf(!possible)('the owner of a virtual server on an address of kube-ipvs0', () => {
  const created = [
    'create KUBE-CLUSTER-IP hash:ip,port family inet',
    'create KUBE-EXTERNAL-IP hash:ip,port family inet',
  ];

  test("kube-proxy's ipsets decide, each for its family", () => {
    const named = ['add KUBE-CLUSTER-IP 10.100.0.1,tcp:443', 'add KUBE-EXTERNAL-IP 203.0.113.7,tcp:443'];
    expect(counted([...created, ...named].join('\n'))).toEqual({ own: '3', foreign: '2' });
  });

  test('kube-ipvs0 decides if the ipsets are gone already', () => {
    expect(counted('')).toEqual({ own: '5', foreign: '0' });
  });

  test("kube-ipvs0 decides if the ipsets are empty, since kube-proxy's first sync was cut off", () => {
    expect(counted(created.join('\n'))).toEqual({ own: '5', foreign: '0' });
  });
});

test.skipIf(!possible).each([
  ['validate-node', 'validate mode userspace'],
  ['clean-node', 'clean a node in mode userspace'],
] as const)('%s refuses a mode that it does not know, whatever the node runs', (document, what) => {
  const parameters = { ...DOCUMENTS[document], Mode: 'userspace' };
  const ran = runInSmallRoot(document, parameters, { programs: { curl: 'echo userspace' } });
  expect(ran).toMatchObject({ exitCode: 1, stdout: '', stderr: `this document cannot ${what}\n` });
});
