import { describe, expect, test } from 'vitest';
import { foreignVirtualServers, judgePrepareOutput } from '../../functions/core/modes/ipvs-preparation.ts';
import { IPVS_KERNEL_MODULES } from '../../functions/core/modes/proxy-mode.ts';
import { canMount, type Ran, runInSmallRoot, type SmallRoot } from './small-root.ts';

const possible = canMount();
if (!possible)
  process.stderr.write('prepare-node.sh: tests skipped, since this machine lets nobody mount (unshare -rm fails).\n');

const OS = {
  debian: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n',
  amazon: 'PRETTY_NAME="Amazon Linux 2023.9.20250929"\nID="amzn"\nID_LIKE="fedora"\n',
  amazon2: 'PRETTY_NAME="Amazon Linux 2"\nID="amzn"\nID_LIKE="centos rhel fedora"\n',
};
/** Loads the requested module and records it in a file. kmod has the same arguments and message. */
const modprobe = (missing = 'none') => `
dry=no
while :; do case $1 in -n) dry=yes; shift ;; -*) shift ;; *) break ;; esac; done
case $1 in ${missing})
  echo "modprobe: FATAL: Module $1 not found in directory /lib/modules/KERNEL" >&2; exit 1 ;;
esac
[ $dry = yes ] || grep -q "^$1 " /proc/modules || echo "$1 16384 0 - Live 0x0" >>/proc/modules`;
const IPVSADM_WORKS = 'exit 0';

const node: SmallRoot = {
  files: { '/etc/os-release': OS.debian, '/proc/modules': 'overlay 151552 1 - Live 0x0\n' },
  programs: { modprobe: modprobe(), ipvsadm: IPVSADM_WORKS },
};
const prepare = (root: SmallRoot, Scheduler = 'rr'): Ran =>
  runInSmallRoot(
    'prepare-node',
    { Mode: 'ipvs', Scheduler },
    {
      ...root,
      files: { ...node.files, ...root.files },
      programs: { ...node.programs, ...root.programs },
    },
  );
const judged = ({ stdout }: Ran) => judgePrepareOutput({ id: 'i-1', name: 'one' }, stdout, { scheduler: 'rr' });
const modulesIn = (file: string | null) => file?.split('\n').filter((line) => /^[a-z]/.test(line));

describe.skipIf(!possible)('prepare-node.sh', () => {
  test('keeps every line of the file that the user has for these modules, and writes a file of its own', () => {
    // Several installers of Kubernetes write such a file, with other modules than IPVS's.
    const ofUser = `ip_vs
ip_vs_rr
ip_vs_wrr
ip_vs_sh
nf_conntrack
ip_tables
ip_set
xt_set
ipt_set
ipt_rpfilter
ipt_REJECT
ipip
`;
    const ran = prepare({ files: { '/etc/modules-load.d/ipvs.conf': ofUser }, runs: 2 });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(ran.file('/etc/modules-load.d/ipvs.conf')).toBe(ofUser);
    expect(modulesIn(ran.file('/etc/modules-load.d/nightshift-ipvs.conf'))).toEqual(IPVS_KERNEL_MODULES);
  });

  test('writes only modules that this kernel has into the file for the next boot', () => {
    const ran = prepare({ programs: { modprobe: modprobe('ip_vs_lc|ip_vs_sed') } });
    expect(judged(ran)).toMatchObject({ pass: true, facts: { missing: 'ip_vs_lc,ip_vs_sed' } });
    expect(modulesIn(ran.file('/etc/modules-load.d/nightshift-ipvs.conf'))).toEqual(
      IPVS_KERNEL_MODULES.filter((module) => module !== 'ip_vs_lc' && module !== 'ip_vs_sed'),
    );
  });

  test.each([
    ['the list of the kernel package', { '/lib/modules/KERNEL/modules.builtin': builtinList() }, 'exit 1'],
    ['modprobe, which has nothing to load', {}, '[ "$1" != -n ] || echo "builtin $3"'],
    [
      'a working scheduler, if the kernel cannot load modules',
      {
        '/proc/net/ip_vs': 'IP Virtual Server version 1.2.1 (size=4096)\n',
        '/proc/sys/net/netfilter/nf_conntrack_max': '65536\n',
      },
      'echo "modprobe: ERROR: could not open /proc/modules" >&2; exit 1',
    ],
  ])('recognizes modules that are part of the kernel by %s, and needs no /proc/modules', (_, files, program) => {
    const ran = runInSmallRoot(
      'prepare-node',
      { Mode: 'ipvs', Scheduler: 'rr' },
      { files: { '/etc/os-release': OS.debian, ...files }, programs: { modprobe: program, ipvsadm: IPVSADM_WORKS } },
    );
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran)).toMatchObject({
      pass: true,
      facts: { builtin: IPVS_KERNEL_MODULES.join(','), loaded: '', missing: '' },
    });
  });

  test('does not count a module that modprobe only pretends to load', () => {
    const ran = prepare({ programs: { modprobe: '[ "$1" != -n ] || echo "install /bin/true"' } });
    expect(ran).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('has no module ip_vs: modprobe loaded nothing'),
    });
  });

  const CANNOT_ASK =
    'this node cannot ask the API server and DNS, as its proof needs: install bash and coreutils, or python3\n';
  test.each<[string, SmallRoot, string]>([
    ['has no program that connects', { without: ['bash'] }, 'missing'],
    ['cannot read an answer', { without: ['od'] }, 'missing'],
    [
      'has a bash without /dev/tcp, and nothing else',
      { programs: { bash: 'echo "bash: /dev/tcp/127.0.0.1/0: No such file or directory" >&2; exit 1' } },
      'missing',
    ],
    ['has curl alone, which asks nothing over UDP', { without: ['bash'], programs: { curl: 'exit 0' } }, 'missing'],
    ['has python3 in place of bash', { without: ['bash'], programs: { python3: 'exit 0' } }, 'ok'],
  ])(
    'reports before the change whether the node can prove that it reaches Services: one that %s',
    (_, root, probes) => {
      const ran = prepare(root);
      expect(ran.stderr).toBe(probes === 'ok' ? '' : CANNOT_ASK);
      expect(judged(ran)).toMatchObject({ pass: probes === 'ok', facts: { probes } });
    },
  );

  test('works if /run is read-only', () => {
    expect(judged(prepare({ readOnlyRun: true }))).toMatchObject({ pass: true });
  });

  test('shows the message of a broken ipvsadm, and does not blame the kernel for it', () => {
    const broken =
      'ipvsadm: error while loading shared libraries: libpopt.so.0: cannot open shared object file: No such file or directory';
    const ran = prepare({ programs: { ipvsadm: `echo "${broken}" >&2; exit 127` } });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran)).toMatchObject({
      pass: true,
      reasons: ['modules loaded, kept for the next boot', `ipvsadm does not work on this node: ${broken}`],
    });
  });

  test.each([
    ['it has no such scheduler', 'Scheduler or persistence engine not found', ''],
    [
      'it has no IPVS',
      "Can't initialize ipvs: Protocol not available",
      ' Are you sure that IP Virtual Server is built in?',
    ],
  ])('fails if a working ipvsadm reports that the kernel has no support: %s', (_, message, more) => {
    const refuses = `case $1 in -A) echo "${message}" >&2; echo "${more}" >&2; exit 2 ;; esac`;
    const ran = prepare({ programs: { ipvsadm: refuses } }, 'lc');
    const line = `although its module is there: ${message}${more}`;
    expect(ran).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/^kernel \S+ refuses the scheduler lc /) });
    expect(ran.stderr).toContain(line);
    expect(judged(ran)).toMatchObject({ pass: false });
  });
});

/** A node on which kube-proxy was in IPVS mode: two addresses of its own, 10.0.0.5 of keepalived, one of a Service. */
const ADDRESSES = `1: lo    inet 127.0.0.1/8 scope host lo
2: eth0    inet 10.1.0.4/20 brd 10.1.15.255 scope global eth0
2: eth0    inet 10.0.0.5/32 scope global eth0
2: eth0    inet6 2600:1f14::b:1/128 scope global
3: kube-ipvs0    inet 10.100.0.1/32 scope global kube-ipvs0
3: kube-ipvs0    inet6 fd30:1c53:5f8a::a/128 scope global
`;
/** 10.100.0.1:443, [fd30:1c53:5f8a::a]:53, ports 30081, 31000 and 8081 of the node, 10.0.0.5 and others, a mark. */
const TABLE = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port Forward Weight ActiveConn InActConn
TCP  0A640001:01BB rr
  -> C0A8090B:01BB      Masq    1      0          0
UDP  [fd30:1c53:5f8a:0000:0000:0000:0000:000a]:0035 rr
TCP  0A010004:7581 rr
TCP  0A000005:7581 rr
TCP  0A000005:7918 rr
TCP  0A010004:1F91 rr
TCP  0A000005:01BB rr
UDP  0A010004:7581 rr
TCP  [2600:1f14:0000:0000:0000:0000:000b:0001]:7581 rr
TCP  [fd00:0000:0000:0001:0000:0000:0000:0005]:0050 wlc persistent 300
FWM  00000007 rr
`;
const IP = `case "$*" in
  "-o address show") cat /tmp/addresses ;;
  "-4 route get "*) echo "192.0.2.1 via 10.1.0.1 dev eth0 src 10.1.0.4 uid 0" ;;
  "-6 route get "*) echo "2001:db8::1 from :: via fe80::1 dev eth0 src 2600:1f14::b:1 metric 1024 pref medium" ;;
esac`;

describe.skipIf(!possible)('prepare-node.sh names virtual servers of others', () => {
  const foreign = (addresses: string, programs: Record<string, string>) => {
    const files = { '/tmp/addresses': addresses, '/proc/net/ip_vs': TABLE };
    return foreignVirtualServers(prepare({ files, programs: { ip: IP, ...programs } }).stdout);
  };
  const always = ['fwm/7', 'tcp/10.0.0.5:31000', 'tcp/10.0.0.5:443', 'tcp/10.1.0.4:8081', 'tcp/[fd00:0:0:1::5]:80'];

  test('if no ipset can be read: by the usual range of node ports', () => {
    expect(foreign(ADDRESSES, {})).toEqual(always);
  });

  test("by kube-proxy's ipsets, which know a range of the user's own and addresses that are not on kube-ipvs0", () => {
    const ipset = `cat <<SETS
create KUBE-EXTERNAL-IP hash:ip,port family inet
add KUBE-EXTERNAL-IP 10.0.0.5,tcp:443
create KUBE-NODE-PORT-TCP bitmap:port range 0-65535
add KUBE-NODE-PORT-TCP 8081
create KUBE-NODE-PORT-UDP bitmap:port range 0-65535
create KUBE-6-NODE-PORT-TCP bitmap:port range 0-65535
add KUBE-6-NODE-PORT-TCP 30081
create KUBE-SRC-2FAAAV5XKHM46QPR hash:ip family inet
add KUBE-SRC-2FAAAV5XKHM46QPR 10.0.0.5
SETS`;
    expect(foreign(ADDRESSES, { ipset })).toEqual([
      'fwm/7',
      'tcp/10.0.0.5:30081',
      'tcp/10.0.0.5:31000',
      'tcp/10.1.0.4:30081',
      'tcp/[fd00:0:0:1::5]:80',
      'udp/10.1.0.4:30081',
    ]);
  });

  test('all virtual servers if kube-proxy was never in IPVS mode', () => {
    const before = ADDRESSES.replace(/^3: .*\n/gm, '');
    expect(foreign(before, {})).toHaveLength(11);
  });
});

/** Installs an ipvsadm that works. */
const INSTALLS = `echo "$0 $*" | sed 's#.*/##' >>/tmp/calls
case "$*" in *ipvsadm*) printf '#!/bin/sh\\nexit 0\\n' >/usr/bin/ipvsadm; chmod +x /usr/bin/ipvsadm ;; esac`;
/** Fails with a message the first time. sleep returns at once. */
const lockedOnce = (message: string, exit: number) => `
case "$*" in *update*) exit 0 ;; esac
[ -e /tmp/once ] || { touch /tmp/once; ${message
  .split('\n')
  .map((line) => `echo "${line}" >&2`)
  .join('; ')}; exit ${exit}; }
${INSTALLS}`;

describe.skipIf(!possible)('prepare-node.sh and package managers', () => {
  // Real messages of these programs.
  test.each([
    [
      'yum',
      'Existing lock /var/run/yum.pid: another copy is running as pid 3304.\nAnother app is currently holding the yum lock; waiting for it to exit...',
      124,
    ],
    ['dnf', 'Waiting for process with pid 4711 to finish.', 124],
    ['dnf', 'metadata already locked by 7857', 200],
    ['dnf', 'Failed to obtain the transaction lock (logged in as: root).', 1],
    ['dnf', "error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)", 1],
    ['apt-get', 'E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4711 (apt-get)', 100],
    ['apt-get', 'E: Unable to lock directory /var/lib/apt/lists/', 100],
  ])('%s is retried if it finds a lock: %s', (manager, message, exit) => {
    const ran = withoutIpvsadm({ [manager]: lockedOnce(message, exit), sleep: 'echo "sleep $1" >>/tmp/calls' });
    expect(judged(ran)).toMatchObject({ pass: true, facts: { ipvsadm: 'installed' } });
    expect(ran.file('/tmp/calls')).toContain('sleep 5\n');
  });

  test('a lock that is never released ends the retries, and is a warning', () => {
    const message = 'Another app is currently holding the yum lock; waiting for it to exit...';
    const ran = withoutIpvsadm({
      yum: `echo "${message}" >&2; exit 124`,
      sleep: 'echo slept >>/tmp/calls',
      // An hour passes with each look at the clock.
      date: 'n=$(cat /tmp/now 2>/dev/null || echo 0); echo $((n + 60)) >/tmp/now; cat /tmp/now',
    });
    expect(ran.file('/tmp/calls')?.split('\n').length).toBeLessThan(12);
    expect(judged(ran)).toMatchObject({
      pass: true,
      reasons: ['modules loaded, kept for the next boot', `ipvsadm could not be installed: ${message}`],
    });
  });

  test.each([
    ['Red Hat Enterprise Linux 8.10 (Ootpa)', 'rhel', 'fedora'],
    ['Red Hat Enterprise Linux 9.4 (Plow)', 'rhel', 'fedora'],
    ['Rocky Linux 9.4 (Blue Onyx)', 'rocky', 'rhel centos fedora'],
    ['AlmaLinux 8.10 (Cerulean Leopard)', 'almalinux', 'rhel centos fedora'],
    ['Oracle Linux Server 8.10', 'ol', 'fedora'],
  ])('%s is prepared by dnf, also with a kernel whose package of modules is missing', (name, id, like) => {
    const files = { '/etc/os-release': `NAME="${name}"\nPRETTY_NAME="${name}"\nID="${id}"\nID_LIKE="${like}"\n` };
    const dnf = `${INSTALLS}\ncase "$*" in *kernel-modules-KERNEL*) touch /tmp/modules ;; esac`;
    const program = `[ -e /tmp/modules ] || { echo "modprobe: FATAL: Module $1 not found" >&2; exit 1; }\n${modprobe()}`;
    const ran = withoutIpvsadm({ dnf, modprobe: program }, files);
    expect(judged(ran)).toMatchObject({ pass: true, reasons: ['modules loaded, kept for the next boot'] });
    expect(ran.file('/tmp/calls')).toMatch(/^dnf install -y ipvsadm\ndnf install -y kernel-modules-\S+\n$/);
  });

  test('the modules of a kernel by Oracle have a name of their own', () => {
    const files = { '/etc/os-release': 'PRETTY_NAME="Oracle Linux Server 9.4"\nID="ol"\nID_LIKE="fedora"\n' };
    const ran = withoutIpvsadm(
      {
        dnf: INSTALLS,
        uname: 'echo 5.15.0-205.149.5.1.el9uek.x86_64',
        modprobe: 'echo "modprobe: FATAL: Module $1 not found" >&2; exit 1',
      },
      files,
    );
    expect(ran).toMatchObject({ exitCode: 1 });
    expect(ran.file('/tmp/calls')).toContain('dnf install -y kernel-uek-modules-5.15.0-205.149.5.1.el9uek.x86_64\n');
  });

  test('a system that nightshift does not know is prepared and named', () => {
    const files = {
      '/etc/os-release':
        'PRETTY_NAME="Flatcar Container Linux by Kinvolk 3815.2.5 (Oklo)"\nID=flatcar\nID_LIKE=coreos\n',
    };
    expect(judged(withoutIpvsadm({}, files))).toMatchObject({
      pass: true,
      reasons: [
        'modules loaded, kept for the next boot',
        'Flatcar Container Linux by Kinvolk 3815.2.5 (Oklo) is not a system that nightshift knows',
        'ipvsadm could not be installed: Flatcar Container Linux by Kinvolk 3815.2.5 (Oklo) has none of dnf, yum, apt-get',
      ],
    });
  });

  test.each([OS.amazon, OS.amazon2, OS.debian])('a system that nightshift knows is not a warning: %s', (osRelease) => {
    const ran = withoutIpvsadm({ yum: INSTALLS }, { '/etc/os-release': osRelease });
    expect(judged(ran)).toMatchObject({ pass: true, reasons: ['modules loaded, kept for the next boot'] });
  });
});

/** A node on which ipvsadm is not installed. */
function withoutIpvsadm(programs: Record<string, string>, files: Record<string, string> = {}): Ran {
  return runInSmallRoot(
    'prepare-node',
    { Mode: 'ipvs', Scheduler: 'rr' },
    { files: { ...node.files, ...files }, programs: { modprobe: modprobe(), ...programs } },
  );
}

function builtinList(): string {
  return IPVS_KERNEL_MODULES.map((module) => `kernel/net/netfilter/${module}.ko\n`).join('');
}
