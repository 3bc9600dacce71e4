import type { History } from './node-history.ts';
import { iptables, ipvs, start } from './steps.ts';

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
