import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leftoversIn } from '../../../../functions/core/evidence/clean-output.ts';
import { judgeValidateOutput } from '../../../../functions/core/evidence/validate-output.ts';
import type { Proxying } from '../../../../functions/core/modes/proxy-mode.ts';

const IPVS_TABLES = `TCP  10.100.0.1:443 rr
  -> 192.168.1.10:443             Masq    1      0          0
TCP  10.100.0.10:53 rr
  -> 192.168.1.20:53              Masq    1      0          0
  -> 192.168.1.21:53              Masq    1      0          0
  ... 3 more
UDP  10.100.0.10:53 rr
  -> 192.168.1.20:53              Masq    1      0          0`;

const FACTS = {
  'nightshift-validate': '1',
  kernel: '6.1.0-30-cloud-amd64',
  proxyMode: 'ipvs',
  kubeIpvs0: 'present',
  virtualServers: '2405',
  ipsets: '6',
  rejectRules: '0',
  iptablesServices: '0',
  foreignVirtualServers: '0',
  nftTables: '0',
  healthz: 'ok',
  startedAt: '1795000000.5',
  syncedAt: '1795000003.25',
  syncFailures: '0',
  syncFailuresLater: '0',
  syncMicros: '41000',
  source: 'ipvsadm',
  apiServerProbe: 'ok',
  dnsProbe: 'ok',
  connectMicros: '52',
};

const IPTABLES = {
  proxyMode: 'iptables',
  kubeIpvs0: 'absent',
  virtualServers: '0',
  ipsets: '0',
  iptablesServices: '1200',
};

const printed = (facts: Partial<typeof FACTS> = {}, tables = IPVS_TABLES): string =>
  [
    ...Object.entries({ ...FACTS, ...facts }).map(([key, value]) => `${key}=${value}`),
    'tables<<',
    ...(tables === '' ? [] : [tables]),
    '>>',
    'end=nightshift-validate',
    '',
  ].join('\n');

const judge = (output: string, proxying: Proxying = { mode: 'ipvs', scheduler: 'rr' }) =>
  judgeValidateOutput({ id: 'i-1', name: 'node-1' }, output, { proxying, apiServer: '10.100.0.1', dns: '10.100.0.10' });

describe("a node's proof of ipvs", () => {
  it('passes with its facts and the raw tables', () => {
    expect(judge(printed())).toEqual({
      node: 'i-1',
      name: 'node-1',
      pass: true,
      reasons: [],
      facts: {
        kernel: '6.1.0-30-cloud-amd64',
        proxyMode: 'ipvs',
        kubeIpvs0: 'present',
        virtualServers: 2405,
        foreignVirtualServers: 0,
        ipsets: 6,
        rejectRules: 0,
        iptablesServices: 0,
        nftTables: 0,
        healthz: 'ok',
        startedAt: 1_795_000_000.5,
        syncedAt: 1_795_000_003.25,
        syncFailures: 0,
        syncFailuresLater: 0,
        syncMicros: 41_000,
        connectMicros: 52,
        source: 'ipvsadm',
        apiServerProbe: 'ok',
        dnsProbe: 'ok',
      },
      excerpt: IPVS_TABLES,
    });
  });

  it.each([
    [{ proxyMode: 'iptables' }, 'kube-proxy says its mode is iptables, not ipvs'],
    [{ proxyMode: 'unreachable' }, 'kube-proxy says its mode is unreachable, not ipvs'],
    [{ kubeIpvs0: 'absent' }, 'the interface kube-ipvs0 is absent'],
    [{ virtualServers: '2' }, 'the kernel counts 2 virtual servers, the tables show 3'],
    [{ healthz: 'failed' }, 'kube-proxy says on /healthz that it is not healthy'],
    [{ syncedAt: '1795000000.5' }, 'kube-proxy has not written its rules since it started'],
    [{ syncFailuresLater: '1' }, 'kube-proxy fails to write its rules: 0 failures, and then 1'],
    [{ apiServerProbe: 'failed' }, 'no TCP connection to the API server through its ClusterIP'],
    [{ dnsProbe: 'failed' }, 'no answer from cluster DNS through its ClusterIP'],
    [
      { apiServerProbe: 'skipped' },
      'no TCP connection to the API server through its ClusterIP: the node has no program to ask with',
    ],
    [{ dnsProbe: 'skipped' }, 'no answer from cluster DNS through its ClusterIP: the node has no program to ask with'],
  ])('fails for %j', (facts, reason) => {
    expect(judge(printed(facts))).toMatchObject({ pass: false, reasons: [reason] });
  });

  it.each([
    [IPVS_TABLES.replaceAll('443 rr', '443 lc'), 'the API server (TCP 10.100.0.1 port 443) has scheduler lc, not rr'],
    [
      IPVS_TABLES.replaceAll('10.100.0.1:443', '10.100.0.2:443'),
      'no virtual server for the API server (TCP 10.100.0.1 port 443)',
    ],
    [IPVS_TABLES.replace('UDP', 'SCTP'), 'no virtual server for DNS (UDP 10.100.0.10 port 53)'],
    [
      IPVS_TABLES.replace('Masq    1      0          0\nTCP', 'Masq    0      0          0\nTCP'),
      'the API server (TCP 10.100.0.1 port 443) has no real server with a weight above 0',
    ],
    [IPVS_TABLES.replace(/\n {2}-> 192.168.1.10.*/, ''), 'the API server (TCP 10.100.0.1 port 443) has no real server'],
  ])('fails for tables that lack what the cluster needs: %#', (tables, reason) => {
    expect(judge(printed({}, tables))).toMatchObject({ pass: false, reasons: [reason] });
  });

  it('names REJECT rules of the former mode, which fail nothing yet', () => {
    expect(judge(printed({ rejectRules: '3' }))).toMatchObject({
      pass: true,
      reasons: ['3 REJECT rules of the former mode are left'],
      facts: { leftoverRejectRules: 3 },
    });
  });

  it('names chains for Services of iptables mode, which make every later call of iptables slow', () => {
    expect(judge(printed({ iptablesServices: '1200' }))).toMatchObject({
      pass: true,
      reasons: ['1200 chains for Services of iptables mode are left'],
      facts: { leftoverServiceChains: 1200 },
    });
  });

  it('is read from the kernel where ipvsadm is not installed', () => {
    const tables = `TCP  0A640001:01BB rr
  -> C0A8010A:01BB      Masq    1      0          0
TCP  0A64000A:0035 rr
  -> C0A80114:0035      Masq    1      0          0
UDP  0A64000A:0035 rr
  -> C0A80114:0035      Masq    1      0          0`;
    expect(judge(printed({ source: 'proc', ipsets: 'unknown' }, tables))).toMatchObject({ pass: true });
  });
});

describe("a node's proof of iptables", () => {
  it('passes without virtual servers', () => {
    expect(judge(printed(IPTABLES, ''), { mode: 'iptables' })).toMatchObject({ pass: true, reasons: [] });
  });

  it('names what ipvs left behind', () => {
    const output = printed({ ...IPTABLES, kubeIpvs0: 'present', virtualServers: '34' });
    expect(judge(output, { mode: 'iptables' })).toMatchObject({
      pass: true,
      reasons: [
        '34 IPVS virtual servers of the former mode are left',
        'the interface kube-ipvs0 of the former mode is left',
      ],
      facts: { leftoverVirtualServers: 34, leftoverInterface: 'kube-ipvs0' },
    });
  });

  it('counts no virtual server of others as left behind', () => {
    const output = printed({ ...IPTABLES, foreignVirtualServers: '3' }, '');
    const verdict = judge(output, { mode: 'iptables' });
    expect(verdict).toMatchObject({
      pass: true,
      reasons: ['3 virtual servers that kube-proxy did not make'],
      facts: { virtualServers: 0, foreignVirtualServers: 3 },
    });
    expect(leftoversIn(verdict)).toEqual([]);
  });

  it.each([
    [{ proxyMode: 'ipvs' }, 'kube-proxy says its mode is ipvs, not iptables'],
    [{ iptablesServices: '0' }, 'there is no KUBE-SVC or KUBE-SVL chain in the nat table'],
    [{ apiServerProbe: 'failed' }, 'no TCP connection to the API server through its ClusterIP'],
    [
      { apiServerProbe: 'skipped' },
      'no TCP connection to the API server through its ClusterIP: the node has no program to ask with',
    ],
    [{ dnsProbe: 'failed' }, 'no answer from cluster DNS through its ClusterIP'],
    [{ dnsProbe: 'skipped' }, 'no answer from cluster DNS through its ClusterIP: the node has no program to ask with'],
  ])('fails for %j', (facts, reason) => {
    const verdict = judge(printed({ ...IPTABLES, ...facts }, ''), { mode: 'iptables' });
    expect(verdict).toMatchObject({ pass: false, reasons: [reason] });
  });
});

describe('output that is not whole', () => {
  it('fails wherever it is cut', () => {
    const whole = printed().trimEnd();
    fc.assert(
      fc.property(fc.integer({ min: 0, max: whole.length - 1 }), (end) => {
        const verdict = judge(whole.slice(0, end));
        return !verdict.pass && verdict.reasons.length === 1;
      }),
      { numRuns: 400 },
    );
  });

  it.each([
    ['', /^the node printed nothing$/],
    [printed().replace('kernel=', 'kernal='), /not a fact that the document prints/],
    [printed().replace('kubeIpvs0=present\n', ''), /the fact kubeIpvs0 is missing/],
    [printed().replace('foreignVirtualServers=0\n', ''), /the fact foreignVirtualServers is missing/],
    [printed().replace('ipsets=6', 'ipsets=6\nipsets=6'), /ipsets is there twice/],
    [printed({ virtualServers: '-1' }), /virtualServers has a value that it cannot have/],
    [printed().replace('>>\n', ''), /between tables<< and >>/],
    [printed({}, `${IPVS_TABLES}\n--output truncated--`), /not a line of the tables/],
    [printed({}, IPVS_TABLES.replace('10.100.0.1:443', 'ip-10-100-0-1.eu-west-1.comp')), /is a name, where numbers/],
    [printed({}, IPVS_TABLES.replace('10.100.0.1:443', '10.100.0.1:https')), /is a name, where numbers/],
    [printed({}, IPVS_TABLES.replace('192.168.1.10:443', 'ip-192-168-1-10.ec2:443')), /is a name, where numbers/],
    [printed({}, `${IPVS_TABLES}\n${' '.repeat(2000)}x`), /more than the 2000/],
    [`Warning: something\n${printed()}`, /must begin with nightshift-validate=1/],
  ])('fails and says why: %#', (output, reason) => {
    const verdict = judge(output);
    expect(verdict.pass).toBe(false);
    expect(verdict.reasons[0]).toMatch(reason);
  });

  it('is whole with carriage returns, which a file copied from a terminal can have', () => {
    expect(judge(printed().replaceAll('\n', '\r\n'))).toMatchObject({ pass: true, reasons: [] });
  });

  it('is never passed, whatever it is', () => {
    fc.assert(fc.property(fc.string(), (output) => !judge(output).pass));
  });
});
