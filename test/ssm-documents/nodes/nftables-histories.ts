import type { History } from './node-history.ts';
import { iptables, ipvs, nftables, passes, start } from './steps.ts';

const NOTHING = {
  removedRules: '0',
  removedChains: '0',
  removedVirtualServers: '0',
  removedIpsets: '0',
  removedKubeIpvs0: 'no',
  removedNftTables: '0',
};
const ELEMENTS = [
  'service-ips 10.100.0.1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https',
  'service-ips 10.100.0.10 . tcp . 53 : goto service-NWBZK7IH-kube-system/kube-dns/tcp/dns-tcp',
  'service-ips 10.100.0.10 . udp . 53 : goto service-FY5PMXPG-kube-system/kube-dns/udp/dns',
];

export const fromIptablesToNftables: History = {
  name: 'a node goes from iptables mode to nftables mode and back, and neither leaves anything behind',
  steps: [
    start('1.34', iptables),
    {
      do: 'prepare',
      scheduler: 'none',
      expect: {
        exitCode: 0,
        lines: {
          mode: 'nftables',
          nft: 'kube-proxy',
          missing: '',
          probes: 'ok',
          localhostNodePorts: '0',
          invalidPackets: '0',
          dropChains: '',
        },
      },
    },
    { do: 'report', expect: { runningMode: 'iptables', modules: ['nf_conntrack'] } },
    { do: 'validate', proxying: nftables, expect: { pass: false, facts: { proxyMode: 'iptables', nftTables: 0 } } },
    start('1.34', nftables),
    {
      do: 'validate',
      proxying: nftables,
      expect: {
        pass: true,
        reasons: [],
        facts: {
          proxyMode: 'nftables',
          nftTables: 2,
          rejectRules: 0,
          iptablesServices: 0,
          healthz: 'ok',
          syncFailures: 0,
          syncFailuresLater: 0,
          source: 'nft',
          apiServerProbe: 'ok',
          dnsProbe: 'ok',
        },
        tables: ELEMENTS,
      },
    },
    { do: 'clean', mode: 'nftables', expect: { exitCode: 0, lines: NOTHING } },
    {
      do: 'clean',
      mode: 'iptables',
      expect: { exitCode: 1, stderr: 'refused: kube-proxy on this node reports nftables, not iptables' },
    },
    {
      do: 'report',
      expect: {
        runningMode: 'nftables',
        scheduler: null,
        leftovers: { virtualServers: 0, rejectRules: 0, nftTables: 0 },
      },
    },
    start('1.34', iptables),
    passes(iptables, { nftTables: 0, iptablesServices: 5, apiServerProbe: 'ok', dnsProbe: 'ok' }),
    { do: 'clean', mode: 'iptables', expect: { exitCode: 0, lines: NOTHING } },
  ],
};

export const fromIpvsToNftables: History = {
  name: 'kube-proxy that enters nftables mode removes what is left of both other modes, and the virtual servers of others',
  steps: [
    start('1.36', iptables),
    start('1.36', ipvs('rr')),
    { do: 'foreign', servers: ['tcp/10.0.0.5:80', 'fwm/7'] },
    passes(ipvs('rr'), { virtualServers: 6, foreignVirtualServers: 2, rejectRules: 1, iptablesServices: 5 }),
    start('1.36', nftables),
    {
      do: 'validate',
      proxying: nftables,
      expect: {
        pass: true,
        reasons: [],
        facts: {
          kubeIpvs0: 'absent',
          virtualServers: 0,
          foreignVirtualServers: 0,
          ipsets: 0,
          rejectRules: 0,
          iptablesServices: 0,
          nftTables: 2,
        },
        tables: ELEMENTS,
      },
    },
    { do: 'clean', mode: 'nftables', expect: { exitCode: 0, lines: NOTHING } },
    { do: 'foreign', servers: [] },
    start('1.36', ipvs('rr')),
    passes(ipvs('rr'), { nftTables: 0, virtualServers: 6, rejectRules: 0, iptablesServices: 0 }),
    { do: 'clean', mode: 'ipvs', expect: { exitCode: 0, lines: NOTHING } },
  ],
};

export const nftTablesLeft: History = {
  name: 'tables that kube-proxy could not delete when it left nftables mode are reported, and cleaned',
  steps: [
    start('1.36', nftables),
    { do: 'keep nft tables' },
    start('1.36', ipvs('rr')),
    passes(ipvs('rr'), { nftTables: 2, leftoverNftTables: 2, virtualServers: 6 }),
    { do: 'report', expect: { leftovers: { virtualServers: 0, rejectRules: 0, nftTables: 2 } } },
    { do: 'clean', mode: 'ipvs', expect: { exitCode: 0, lines: { ...NOTHING, removedNftTables: '2' } } },
    { do: 'clean', mode: 'ipvs', expect: { exitCode: 0, lines: NOTHING } },
    { do: 'report', expect: { leftovers: { virtualServers: 0, rejectRules: 0, nftTables: 0 } } },
  ],
};

export const leftTablesCarryTraffic: History = {
  name: 'tables that nftables mode left carry traffic that iptables mode would refuse',
  steps: [
    start('1.34', nftables),
    { do: 'keep nft tables' },
    start('1.34', iptables),
    { do: 'endpoints', of: 'kube-dns', are: [] },
    { do: 'validate', proxying: iptables, expect: { pass: true, facts: { dnsProbe: 'ok', leftoverNftTables: 2 } } },
    { do: 'clean', mode: 'iptables', expect: { exitCode: 0, lines: { removedNftTables: '2' } } },
    { do: 'validate', proxying: iptables, expect: { pass: false, facts: { dnsProbe: 'failed', nftTables: 0 } } },
  ],
};

export const dnsWithoutEndpointsInNftables: History = {
  name: 'a cluster DNS without endpoints fails the proof in nftables mode, and passes when it has some again',
  steps: [
    start('1.36', nftables),
    { do: 'endpoints', of: 'kube-dns', are: [] },
    {
      do: 'validate',
      proxying: nftables,
      expect: {
        pass: false,
        facts: { apiServerProbe: 'ok', dnsProbe: 'failed' },
        tables: [
          'no-endpoint-services 10.100.0.10 . tcp . 53 comment "kube-system/kube-dns:dns-tcp" : goto reject-chain',
          'no-endpoint-services 10.100.0.10 . udp . 53 comment "kube-system/kube-dns:dns" : goto reject-chain',
          'service-ips 10.100.0.1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https',
        ],
      },
    },
    { do: 'endpoints', of: 'kube-dns', are: ['192.168.9.21', '192.168.9.22'] },
    passes(nftables, { dnsProbe: 'ok' }),
  ],
};

export const nftablesTooEarly: History = {
  name: 'kube-proxy 1.30 does not know the mode and exits',
  steps: [
    {
      do: 'start',
      version: '1.30',
      proxying: nftables,
      expect: { running: false, reason: 'KubeProxyConfiguration.Mode: Invalid value: "nftables"' },
    },
    { do: 'report', expect: { runningMode: null } },
  ],
};

export const nftablesModuleMissing: History = {
  name: 'a kernel without nft_numgen refuses the rules of kube-proxy, which says all the same that it is in nftables mode',
  steps: [
    start('1.36', iptables),
    {
      do: 'prepare',
      scheduler: 'none',
      expect: {
        exitCode: 1,
        stderr: 'lacks modules that kube-proxy needs in nftables mode: nft_numgen',
        lines: { missing: 'nft_numgen', nft: 'kube-proxy', end: 'nightshift-prepare' },
      },
    },
    start('1.36', nftables),
    {
      do: 'validate',
      proxying: nftables,
      expect: {
        pass: false,
        facts: {
          proxyMode: 'nftables',
          nftTables: 0,
          iptablesServices: 0,
          syncedAt: 'unknown',
          apiServerProbe: 'failed',
          dnsProbe: 'failed',
        },
        tables: [''],
      },
    },
    start('1.36', iptables),
    passes(iptables, { nftTables: 0, apiServerProbe: 'ok', dnsProbe: 'ok' }),
  ],
};
