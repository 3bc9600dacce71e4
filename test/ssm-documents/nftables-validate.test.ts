import { describe, expect, test } from 'vitest';
import { judgeValidateOutput } from '../../functions/core/evidence/validate-output.ts';
import {
  API_SERVER,
  DNS_TCP,
  DNS_UDP,
  GENERATIONS,
  IPV6_SERVICES,
  kubeProxyTable,
  OF_OTHERS,
  SERVICES,
} from './kube-proxy-tables.ts';
import { METRICS, type Node, rulesetOf, runOnNode, whyNot } from './nftables-node.ts';
import type { Ran } from './small-root.ts';

const impossible = whyNot();
if (impossible !== null)
  process.stderr.write(`validate-node.sh in nftables mode: tests skipped, since ${impossible}.\n`);

const IPV4 = { ApiServer: '10.100.0.1', Dns: '10.100.0.10' };
const IPV6 = { ApiServer: 'fd30::1', Dns: 'fd30::a' };
const validate = (node: Partial<Node> = {}, addresses: typeof IPV4 = IPV4, Mode = 'nftables'): Ran =>
  runOnNode('validate-node', { ...addresses, Mode, Scheduler: 'none' }, { mode: 'nftables', ...node });
const judged = ({ stdout }: Ran, { ApiServer, Dns }: typeof IPV4 = IPV4) =>
  judgeValidateOutput({ id: 'i-1', name: 'one' }, stdout, {
    proxying: { mode: 'nftables' },
    apiServer: ApiServer,
    dns: Dns,
  });
const TABLE = kubeProxyTable('ip', SERVICES);

describe.skipIf(impossible !== null)('validate-node.sh in nftables mode, with the tables of a real kernel', () => {
  test.each(GENERATIONS)('passes a node with the tables of a kube-proxy %s, and changes nothing', (generation) => {
    const tables = `${kubeProxyTable('ip', SERVICES, generation)}\n${kubeProxyTable('ip6', [], generation)}\n${OF_OTHERS}`;
    const ran = validate({ tables });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '', after: rulesetOf(tables) });
    const { pass, reasons, facts, excerpt } = judged(ran);
    expect({ pass, reasons }).toEqual({ pass: true, reasons: [] });
    expect(facts).toMatchObject({
      proxyMode: 'nftables',
      nftTables: 2,
      iptablesServices: 0,
      rejectRules: 0,
      healthz: 'ok',
      startedAt: 1795000000.5,
      syncedAt: 1795000003.25,
      syncFailures: 0,
      syncFailuresLater: 0,
      syncMicros: 50_000,
      source: 'nft',
      apiServerProbe: 'ok',
      dnsProbe: 'ok',
      connectMicros: expect.any(Number),
    });
    expect(excerpt.split('\n').sort()).toEqual([
      'service-ips 10.100.0.1 . tcp . 443 : goto service-2QRHZV4L-default/kubernetes/tcp/https',
      'service-ips 10.100.0.10 . tcp . 53 : goto service-ZVCHN3MB-kube-system/kube-dns/tcp/dns-tcp',
      'service-ips 10.100.0.10 . udp . 53 : goto service-FY5PMXPG-kube-system/kube-dns/udp/dns',
    ]);
  });

  test('passes a node of a cluster with IPv6', () => {
    const ran = validate({ tables: kubeProxyTable('ip6', IPV6_SERVICES) }, IPV6);
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran, IPV6)).toMatchObject({ pass: true, reasons: [], facts: { nftTables: 1, dnsProbe: 'ok' } });
  });

  test('finds an API server that is not in the map, although its rules are there', () => {
    const tables = `${TABLE}\ndelete element ip kube-proxy service-ips { 10.100.0.1 . tcp . 443 }`;
    expect(judged(validate({ tables, before: 'ip route add unreachable 10.100.0.1/32' }))).toMatchObject({
      pass: false,
      reasons: [
        'no element for the API server (TCP 10.100.0.1 port 443) in the map service-ips',
        'no TCP connection to the API server through its ClusterIP',
      ],
    });
  });

  test('finds a DNS without endpoints', () => {
    const tables = kubeProxyTable('ip', [API_SERVER, DNS_TCP, { ...DNS_UDP, endpoint: null }]);
    const ran = validate({ tables });
    expect(ran.stdout).toContain(
      'no-endpoint-services 10.100.0.10 . udp . 53 comment "FY5PMXPG-kube-system/kube-dns/udp/dns" : goto reject-chain\n',
    );
    expect(judged(ran)).toMatchObject({
      pass: false,
      reasons: expect.arrayContaining(['DNS (UDP 10.100.0.10 port 53) has no endpoint']),
    });
  });

  test('a kube-proxy that reports nftables and has made no table fails, beside tables of others', () => {
    const ran = validate({ tables: OF_OTHERS, before: 'ip route replace unreachable 10.100.0.0/16' });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran)).toMatchObject({
      pass: false,
      facts: { proxyMode: 'nftables', nftTables: 0, apiServerProbe: 'failed' },
    });
  });

  test('finds syncs that fail between its two looks', () => {
    const later = METRICS.replace('failures_total{ip_family="IPv6"} 0', 'failures_total{ip_family="IPv6"} 2');
    expect(judged(validate({ tables: TABLE, metrics: [METRICS, later] }))).toMatchObject({
      pass: false,
      reasons: ['kube-proxy fails to write its rules: 0 failures, and then 2'],
      facts: { syncFailures: 0, syncFailuresLater: 2 },
    });
  });

  test('waits two seconds between its two looks', () => {
    const ran = validate({ tables: TABLE, programs: { sleep: 'echo "$1" >>/tmp/calls' } });
    expect(ran.file('/tmp/calls')).toBe('2\n');
  });

  test.each([
    [[503, 200], true, 'ok'],
    [[503, 503], false, 'failed'],
    [[500, 404], false, 'failed'],
  ] as const)('kube-proxy answers %j on /healthz and /livez: passes %s', ([healthz, livez], pass, health) => {
    expect(judged(validate({ tables: TABLE, health: [healthz, livez] }))).toMatchObject({
      pass,
      facts: { healthz: health },
    });
  });

  test('a kube-proxy that answers nowhere fails by everything that it did not report', () => {
    const programs = { curl: 'exit 7' };
    const ran = validate({ tables: TABLE, programs, before: '' });
    expect(ran.stdout).toContain('healthz=unreachable\nstartedAt=unknown\nsyncedAt=unknown\nsyncFailures=unknown\n');
    expect(judged(ran)).toMatchObject({ pass: false, facts: { proxyMode: 'unreachable', connectMicros: 'unknown' } });
  });

  test('metrics without a sync, and a sync before the start, are no proof', () => {
    const never = METRICS.replace(/^kubeproxy_sync_proxy_rules_(last|duration|nftables).*\n/gm, '');
    expect(judged(validate({ tables: TABLE, metrics: [never, never] }))).toMatchObject({
      pass: false,
      facts: { syncedAt: 'unknown', syncFailures: 'unknown', syncFailuresLater: 'unknown', syncMicros: 'unknown' },
    });
    const zero = METRICS.replace('{ip_family="IPv6"} 1.79500000325e+09', '{ip_family="IPv6"} 0');
    expect(judged(validate({ tables: TABLE, metrics: [zero, zero] }))).toMatchObject({
      pass: false,
      reasons: ['kube-proxy has not written its rules since it started'],
      facts: { syncedAt: 0 },
    });
  });
});

describe.skipIf(impossible !== null)('the nft that validate-node.sh reads with', () => {
  test("is kube-proxy's own if the node has none, although it names no protocols", () => {
    const ran = validate({ tables: TABLE, nft: 'image' });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran)).toMatchObject({ pass: true, facts: { nftTables: 1, source: 'nft' } });
    expect(ran.stdout).toContain('service-ips 10.100.0.10 . udp . 53 : goto service-FY5PMXPG');
  });

  const OLD = 'netlink: Error: Relational expression size mismatch';
  const broken = { nft: `echo '${OLD}' >&2; exit 1` };

  test("is kube-proxy's own if the node's cannot read what kube-proxy wrote", () => {
    const ran = validate({ tables: TABLE, nft: 'image', programs: broken });
    expect(ran).toMatchObject({ exitCode: 0, stderr: '' });
    expect(judged(ran)).toMatchObject({ pass: true, facts: { nftTables: 1 } });
  });

  test('fails by name if none can read', () => {
    expect(validate({ tables: TABLE, nft: 'none', programs: broken })).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: `nft list map ip kube-proxy service-ips failed (1): ${OLD}\n`,
    });
  });

  test('fails by name if there is none', () => {
    expect(validate({ tables: TABLE, nft: 'none' })).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: 'there is no nft, neither on this node nor in the image of kube-proxy\n',
    });
  });

  test.each(['ipvs', 'iptables'])('in mode %s a node that has none does not report that there is no table', (mode) => {
    const parameters = { ...IPV4, Mode: mode, Scheduler: mode === 'ipvs' ? 'rr' : 'none' };
    const without = runOnNode('validate-node', parameters, { mode: 'iptables', tables: TABLE, nft: 'none' });
    expect(without.stdout).toContain('\nnftTables=unknown\n');
    const unreadable = runOnNode('validate-node', parameters, { mode: 'iptables', tables: TABLE, programs: broken });
    expect(unreadable.stdout).toContain('\nnftTables=unknown\n');
    const found = runOnNode('validate-node', parameters, { mode: 'iptables', tables: TABLE });
    expect(found.stdout).toContain('\nnftTables=1\n');
  });
});
