import type { History } from './node-history.ts';
import { iptables, ipvs, passes, start } from './steps.ts';

export const rejectRulesLeft: History = {
  name: 'iptables mode leaves a REJECT rule of a Service without endpoints behind, until the node is cleaned',
  steps: [
    start('1.34', iptables),
    start('1.34', ipvs('rr')),
    { do: 'endpoints', of: 'idle', are: ['192.168.9.51', '192.168.9.52'] },
    passes(ipvs('rr'), { virtualServers: 6, rejectRules: 1, iptablesServices: 5 }),
    { do: 'report', expect: { leftovers: { virtualServers: 0, rejectRules: 1, nftTables: 0 } } },
    {
      do: 'clean',
      mode: 'iptables',
      expect: { exitCode: 1, stderr: 'refused: kube-proxy on this node reports ipvs, not iptables' },
    },
    {
      do: 'clean',
      mode: 'ipvs',
      expect: {
        exitCode: 0,
        lines: {
          removedRules: '1',
          removedChains: '15',
          removedVirtualServers: '0',
          removedIpsets: '0',
          removedKubeIpvs0: 'no',
        },
      },
    },
    {
      do: 'validate',
      proxying: ipvs('rr'),
      expect: {
        pass: true,
        reasons: [],
        facts: { virtualServers: 6, rejectRules: 0, iptablesServices: 0, apiServerProbe: 'ok', dnsProbe: 'ok' },
      },
    },
    { do: 'clean', mode: 'ipvs', expect: { exitCode: 0, lines: { removedRules: '0', removedChains: '0' } } },
    { do: 'report', expect: { leftovers: { virtualServers: 0, rejectRules: 0, nftTables: 0 } } },
  ],
};

export const virtualServersLeft: History = {
  name: 'IPVS mode leaves virtual servers, ipsets and kube-ipvs0 behind, until the node is cleaned',
  steps: [
    start('1.34', iptables),
    start('1.34', ipvs('rr')),
    start('1.34', iptables),
    passes(iptables, {
      proxyMode: 'iptables',
      kubeIpvs0: 'present',
      virtualServers: 6,
      ipsets: 17,
      rejectRules: 1,
      leftoverVirtualServers: 6,
    }),
    {
      do: 'report',
      expect: { runningMode: 'iptables', leftovers: { virtualServers: 6, rejectRules: 0, nftTables: 0 } },
    },
    {
      do: 'clean',
      mode: 'ipvs',
      expect: { exitCode: 1, stderr: 'refused: kube-proxy on this node reports iptables, not ipvs' },
    },
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
      expect: {
        pass: true,
        reasons: [],
        facts: {
          kubeIpvs0: 'absent',
          virtualServers: 0,
          ipsets: 0,
          rejectRules: 0,
          iptablesServices: 5,
          apiServerProbe: 'ok',
          dnsProbe: 'ok',
        },
      },
    },
    {
      do: 'clean',
      mode: 'iptables',
      expect: {
        exitCode: 0,
        lines: {
          removedRules: '0',
          removedChains: '0',
          removedVirtualServers: '0',
          removedIpsets: '0',
          removedKubeIpvs0: 'no',
        },
      },
    },
  ],
};

export const dnsWithoutEndpoints: History = {
  name: 'a cluster DNS without endpoints fails the proof in either mode, and passes when it has some again',
  steps: [
    { do: 'endpoints', of: 'kube-dns', are: [] },
    start('1.34', iptables),
    {
      do: 'validate',
      proxying: iptables,
      expect: { pass: false, facts: { dnsProbe: 'failed', apiServerProbe: 'ok' } },
    },
    start('1.34', ipvs('rr')),
    { do: 'validate', proxying: ipvs('rr'), expect: { pass: false, facts: { dnsProbe: 'failed', rejectRules: 3 } } },
    { do: 'endpoints', of: 'kube-dns', are: ['192.168.9.21', '192.168.9.22'] },
    { do: 'validate', proxying: ipvs('rr'), expect: { pass: true, facts: { dnsProbe: 'ok', rejectRules: 3 } } },
    { do: 'clean', mode: 'ipvs', expect: { exitCode: 0, lines: { removedRules: '3', removedChains: '9' } } },
    passes(ipvs('rr'), { dnsProbe: 'ok', rejectRules: 0 }),
  ],
};

export const leftServersCarryTraffic: History = {
  name: 'virtual servers that IPVS mode left carry traffic of the node itself that iptables mode would refuse',
  steps: [
    start('1.34', ipvs('rr')),
    { do: 'endpoints', of: 'kube-dns', are: [] },
    start('1.34', ipvs('rr')),
    { do: 'validate', proxying: ipvs('rr'), expect: { pass: false, facts: { dnsProbe: 'failed' } } },
    { do: 'endpoints', of: 'kube-dns', are: ['192.168.9.21', '192.168.9.22'] },
    passes(ipvs('rr'), { dnsProbe: 'ok' }),
    start('1.34', iptables),
    { do: 'endpoints', of: 'kube-dns', are: [] },
    {
      do: 'validate',
      proxying: iptables,
      expect: { pass: true, facts: { dnsProbe: 'ok', leftoverVirtualServers: 6 } },
    },
    { do: 'clean', mode: 'iptables', expect: { exitCode: 0, lines: { removedVirtualServers: '6' } } },
    { do: 'validate', proxying: iptables, expect: { pass: false, facts: { dnsProbe: 'failed', virtualServers: 0 } } },
  ],
};

export const foreignServersStay: History = {
  name: 'virtual servers of others are reported, deleted by kube-proxy in IPVS mode, never counted as left, never cleaned',
  steps: [
    start('1.34', iptables),
    {
      do: 'prepare',
      scheduler: 'rr',
      expect: { exitCode: 0, lines: { 'foreign-virtual-servers': '', scheduler: 'ok' } },
    },
    { do: 'foreign', servers: ['tcp/10.0.0.5:80', 'tcp/10.0.0.5:31000', 'udp/[fd00::5]:53', 'fwm/7'] },
    {
      do: 'prepare',
      scheduler: 'rr',
      expect: {
        exitCode: 0,
        lines: { 'foreign-virtual-servers': 'fwm/7,tcp/10.0.0.5:31000,tcp/10.0.0.5:80,udp/[fd00::5]:53' },
      },
    },
    {
      do: 'validate',
      proxying: iptables,
      expect: {
        pass: true,
        reasons: ['4 virtual servers that kube-proxy did not make'],
        facts: { virtualServers: 0, foreignVirtualServers: 4 },
      },
    },
    start('1.34', ipvs('rr')),
    passes(ipvs('rr'), { virtualServers: 6, foreignVirtualServers: 0 }),
    { do: 'foreign', servers: ['tcp/10.0.0.5:80', 'fwm/7'] },
    passes(ipvs('rr'), { virtualServers: 6, foreignVirtualServers: 2 }),
    start('1.34', iptables),
    passes(iptables, { virtualServers: 6, foreignVirtualServers: 2, leftoverVirtualServers: 6 }),
    {
      do: 'clean',
      mode: 'iptables',
      expect: { exitCode: 0, lines: { removedVirtualServers: '6', removedIpsets: '17' } },
    },
    passes(iptables, { virtualServers: 0, foreignVirtualServers: 2, kubeIpvs0: 'absent' }),
    { do: 'report', expect: { leftovers: { virtualServers: 0, rejectRules: 0, nftTables: 0 } } },
    { do: 'foreign', servers: [] },
  ],
};

export const manyForeignServers: History = {
  name: 'of many virtual servers of others twenty are named',
  steps: [
    { do: 'foreign', servers: Array.from({ length: 23 }, (_, index) => `tcp/10.0.0.5:${8000 + index}`) },
    {
      do: 'prepare',
      scheduler: 'rr',
      expect: {
        exitCode: 0,
        lines: {
          'foreign-virtual-servers': `${Array.from({ length: 20 }, (_, index) => `tcp/10.0.0.5:${8000 + index}`).join(',')},+3`,
        },
      },
    },
  ],
};
