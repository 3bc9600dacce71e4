import type { History } from './node-history.ts';
import { iptables, ipvs, passes, prepare, running, start, TWELVE } from './steps.ts';

export const migrated: History = {
  name: 'a node in iptables mode is not in IPVS mode; prepared and restarted, it is',
  steps: [
    start('1.34', iptables),
    {
      do: 'validate',
      proxying: ipvs('rr'),
      expect: {
        pass: false,
        facts: { proxyMode: 'iptables', kubeIpvs0: 'absent', virtualServers: 0, ipsets: 0, source: 'proc' },
        tables: [''],
      },
    },
    { do: 'report', expect: { runningMode: 'iptables', modules: ['nf_conntrack'], ipvsadmInstalled: false } },
    prepare('rr'),
    { do: 'report', expect: { modules: TWELVE, ipvsadmInstalled: true } },
    start('1.34', ipvs('rr')),
    {
      do: 'validate',
      proxying: ipvs('rr'),
      expect: {
        pass: true,
        facts: {
          proxyMode: 'ipvs',
          kubeIpvs0: 'present',
          virtualServers: 6,
          ipsets: 17,
          iptablesServices: 5,
          source: 'ipvsadm',
          apiServerProbe: 'ok',
          dnsProbe: 'ok',
          leftoverRejectRules: 1,
        },
        tables: [
          'TCP  10.100.0.1:443 rr',
          '  -> 192.168.9.11:443             Masq    1',
          '  -> 192.168.9.12:443             Masq    1',
          'TCP  10.100.0.10:53 rr',
          '  -> 192.168.9.21:53              Masq    1',
          '  -> 192.168.9.22:53              Masq    1',
          'UDP  10.100.0.10:53 rr',
          '  -> 192.168.9.21:53              Masq    1',
          '  -> 192.168.9.22:53              Masq    1',
        ],
      },
    },
  ],
};

export const preparedTwice: History = {
  name: 'preparing twice, or by two commands at once, changes nothing the second time',
  steps: [
    {
      do: 'prepare',
      scheduler: 'lc',
      atOnce: 2,
      expect: { exitCode: 0, lines: { missing: '', scheduler: 'ok', persisted: 'ok' } },
    },
    {
      do: 'prepare',
      scheduler: 'lc',
      expect: { exitCode: 0, lines: { ipvsadm: 'already', loaded: '', scheduler: 'ok' } },
    },
    start('1.34', ipvs('lc')),
    passes(ipvs('lc'), { virtualServers: 6, rejectRules: 0, iptablesServices: 0 }),
    {
      do: 'validate',
      proxying: ipvs('rr'),
      expect: {
        pass: false,
        facts: { proxyMode: 'ipvs' },
      },
    },
  ],
};

export const schedulerMissing: History = {
  name: 'a node whose kernel has not the chosen scheduler cannot be prepared, and kube-proxy 1.34 exits there',
  steps: [
    start('1.34', iptables),
    {
      do: 'prepare',
      scheduler: 'lc',
      expect: {
        exitCode: 1,
        stderr: 'has no module ip_vs_lc: modprobe: FATAL: Module ip_vs_lc not found in directory',
        lines: { missing: 'ip_vs_lc', scheduler: 'missing', persisted: 'ok', end: 'nightshift-prepare' },
      },
    },
    {
      do: 'prepare',
      scheduler: 'rr',
      expect: {
        exitCode: 0,
        lines: { missing: 'ip_vs_lc', scheduler: 'ok', warning: 'scheduler lc is not in this kernel' },
      },
    },
    {
      do: 'start',
      version: '1.34',
      proxying: ipvs('lc'),
      expect: { running: false, reason: "can't use the IPVS proxier: the kernel has no scheduler lc" },
    },
    {
      do: 'validate',
      proxying: ipvs('lc'),
      expect: { pass: false, facts: { proxyMode: 'unreachable', virtualServers: 0 } },
    },
    {
      do: 'clean',
      mode: 'ipvs',
      expect: { exitCode: 1, stderr: 'refused: kube-proxy on this node reports nothing, not ipvs' },
    },
    { do: 'report', expect: { runningMode: null, scheduler: null } },
  ],
};

export const silentFallback: History = {
  name: 'kube-proxy 1.25 without the scheduler runs in iptables mode and says nothing',
  steps: [
    start('1.25', iptables),
    { do: 'start', version: '1.25', proxying: ipvs('lc'), expect: running('iptables') },
    {
      do: 'validate',
      proxying: ipvs('lc'),
      expect: { pass: false, facts: { proxyMode: 'iptables', virtualServers: 0 } },
    },
  ],
};

export const schedulerNotLoaded: History = {
  name: 'kube-proxy 1.26 exits while the module of its scheduler is not loaded, and starts when it is',
  steps: [
    {
      do: 'start',
      version: '1.26',
      proxying: ipvs('lc'),
      expect: {
        running: false,
        reason:
          'IPVS proxier will not be used because the following required kernel modules are not loaded: [ip_vs_lc]',
      },
    },
    {
      do: 'prepare',
      scheduler: 'lc',
      expect: {
        exitCode: 0,
        lines: { loaded: 'ip_vs_lc,ip_vs_wlc,ip_vs_lblc,ip_vs_lblcr,ip_vs_dh,ip_vs_sed,ip_vs_nq' },
      },
    },
    start('1.26', ipvs('lc')),
    passes(ipvs('lc'), { virtualServers: 6 }),
  ],
};

export const schedulerAutoloaded: History = {
  name: 'the kernel loads a scheduler by itself for kube-proxy 1.34 on a node that was not prepared',
  steps: [
    start('1.34', ipvs('sed')),
    {
      do: 'report',
      expect: { runningMode: 'ipvs', scheduler: 'sed', modules: ['ip_vs', 'ip_vs_sed', 'nf_conntrack'] },
    },
    passes(ipvs('sed'), { source: 'proc', virtualServers: 6 }),
  ],
};

export const mirrorDown: History = {
  name: 'a package mirror that is down is a warning where the modules load, and the proof then reads the kernel itself',
  steps: [
    start('1.34', iptables),
    {
      do: 'prepare',
      scheduler: 'rr',
      expect: {
        exitCode: 0,
        lines: {
          ipvsadm: 'failed',
          scheduler: 'ok',
          warning: 'ipvsadm could not be installed: E: Unable to locate package ipvsadm',
        },
      },
    },
    start('1.34', ipvs('rr')),
    {
      do: 'validate',
      proxying: ipvs('rr'),
      expect: {
        pass: true,
        facts: { source: 'proc', virtualServers: 6 },
        tables: [
          'TCP  0A640001:01BB rr',
          '  -> C0A8090C:01BB      Masq    1',
          '  -> C0A8090B:01BB      Masq    1',
          'TCP  0A64000A:0035 rr',
          '  -> C0A80916:0035      Masq    1',
          '  -> C0A80915:0035      Masq    1',
          'UDP  0A64000A:0035 rr',
          '  -> C0A80916:0035      Masq    1',
          '  -> C0A80915:0035      Masq    1',
        ],
      },
    },
    { do: 'mirror', is: 'up' },
    { do: 'prepare', scheduler: 'rr', expect: { exitCode: 0, lines: { ipvsadm: 'installed', loaded: '' } } },
    passes(ipvs('rr'), { source: 'ipvsadm', virtualServers: 6 }),
  ],
};
