import type { History } from './node-history.ts';
import { iptables, ipvs, nftables, passes, start } from './steps.ts';

export const provenFromTheKernel6: History = {
  name: 'an IPv6 node without ipvsadm is proven from the kernel itself',
  steps: [
    start('1.34', ipvs('rr')),
    {
      do: 'validate',
      proxying: ipvs('rr'),
      expect: {
        pass: true,
        facts: { source: 'proc' },
        tables: [
          'TCP  [fd30:1c53:5f8a:0000:0000:0000:0000:0001]:01BB rr',
          '  -> [2600:1f14:0000:0000:0000:0000:0009:0012]:01BB      Masq    1',
          '  -> [2600:1f14:0000:0000:0000:0000:0009:0011]:01BB      Masq    1',
          'TCP  [fd30:1c53:5f8a:0000:0000:0000:0000:000a]:0035 rr',
          '  -> [2600:1f14:0000:0000:0000:0000:0009:0022]:0035      Masq    1',
          '  -> [2600:1f14:0000:0000:0000:0000:0009:0021]:0035      Masq    1',
          'UDP  [fd30:1c53:5f8a:0000:0000:0000:0000:000a]:0035 rr',
          '  -> [2600:1f14:0000:0000:0000:0000:0009:0022]:0035      Masq    1',
          '  -> [2600:1f14:0000:0000:0000:0000:0009:0021]:0035      Masq    1',
        ],
      },
    },
  ],
};

export const migratedAndBack6: History = {
  name: 'IPv6 goes the same way, leftovers included',
  steps: [
    { do: 'mirror', is: 'up' },
    start('1.34', iptables),
    { do: 'prepare', scheduler: 'rr', expect: { exitCode: 0, lines: { ipvsadm: 'installed', scheduler: 'ok' } } },
    start('1.34', ipvs('rr')),
    {
      do: 'validate',
      proxying: ipvs('rr'),
      expect: {
        pass: true,
        facts: { virtualServers: 6, ipsets: 17, rejectRules: 1, apiServerProbe: 'ok', dnsProbe: 'ok' },
        tables: [
          'TCP  [fd30:1c53:5f8a::1]:443 rr',
          '  -> [2600:1f14::9:11]:443        Masq    1',
          '  -> [2600:1f14::9:12]:443        Masq    1',
          'TCP  [fd30:1c53:5f8a::a]:53 rr',
          '  -> [2600:1f14::9:21]:53         Masq    1',
          '  -> [2600:1f14::9:22]:53         Masq    1',
          'UDP  [fd30:1c53:5f8a::a]:53 rr',
          '  -> [2600:1f14::9:21]:53         Masq    1',
          '  -> [2600:1f14::9:22]:53         Masq    1',
        ],
      },
    },
    { do: 'clean', mode: 'ipvs', expect: { exitCode: 0, lines: { removedRules: '1', removedChains: '15' } } },
    {
      do: 'validate',
      proxying: ipvs('rr'),
      expect: { pass: true, reasons: [], facts: { rejectRules: 0, iptablesServices: 0 } },
    },
    start('1.34', iptables),
    {
      do: 'clean',
      mode: 'iptables',
      expect: {
        exitCode: 0,
        lines: {
          removedRules: '2',
          removedChains: '5',
          removedVirtualServers: '6',
          removedIpsets: '17',
          removedKubeIpvs0: 'yes',
        },
      },
    },
    {
      do: 'validate',
      proxying: iptables,
      expect: { pass: true, reasons: [], facts: { apiServerProbe: 'ok', dnsProbe: 'ok' } },
    },
  ],
};

export const toNftables6: History = {
  name: 'kube-proxy that enters nftables mode leaves the ipsets of IPv6, until the node is cleaned',
  steps: [
    start('1.34', ipvs('rr')),
    start('1.34', nftables),
    {
      do: 'validate',
      proxying: nftables,
      expect: {
        pass: true,
        reasons: [],
        facts: {
          kubeIpvs0: 'absent',
          virtualServers: 0,
          ipsets: 17,
          nftTables: 2,
          apiServerProbe: 'ok',
          dnsProbe: 'ok',
        },
        tables: [
          'service-ips fd30:1c53:5f8a::1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https',
          'service-ips fd30:1c53:5f8a::a . tcp . 53 : goto service-NWBZK7IH-kube-system/kube-dns/tcp/dns-tcp',
          'service-ips fd30:1c53:5f8a::a . udp . 53 : goto service-FY5PMXPG-kube-system/kube-dns/udp/dns',
        ],
      },
    },
    { do: 'clean', mode: 'nftables', expect: { exitCode: 0, lines: { removedIpsets: '17', removedChains: '0' } } },
    { do: 'clean', mode: 'nftables', expect: { exitCode: 0, lines: { removedIpsets: '0' } } },
    start('1.34', iptables),
    passes(iptables, { nftTables: 0, ipsets: 0 }),
  ],
};
