import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { verifyTables } from '../../../../functions/core/evidence/verify.ts';
import { UnparseableOutput } from '../../../../functions/core/modes/ipvs-tables.ts';
import { MANUAL_SAMPLE } from '../fixtures.ts';

const manual = { serviceCidr: '10.100.0.0/16', scheduler: 'rr' };
const cut = (name: string) =>
  `${name}: the port is not readable in a resolved, cut name; accepted by protocol and address`;

const REAL_SERVERS_CUT =
  'the API server (TCP 10.100.0.1 port 443): ports of real servers are cut off behind their names (2); ipvsadm -Ln prints them';

describe('verifying a node by hand', () => {
  it("passes the manual's own sample, and says what it could not read", () => {
    expect(verifyTables(MANUAL_SAMPLE, manual)).toMatchObject({
      pass: true,
      reasons: [
        cut('the API server (TCP 10.100.0.1 port 443)'),
        cut('DNS (TCP 10.100.0.10 port 53)'),
        cut('DNS (UDP 10.100.0.10 port 53)'),
      ],
      virtualServers: 3,
      apiServer: { address: '10.100.0.1', scheduler: 'rr' },
      dns: [
        { protocol: 'TCP', address: '10.100.0.10' },
        { protocol: 'UDP', address: '10.100.0.10' },
      ],
    });
  });

  it.each([
    ['real servers', 'ipvsadm-L-28-real-servers.txt', '10.100.0.0/16', REAL_SERVERS_CUT],
    ['a service', 'ipvsadm-L-28-service.txt', '172.20.0.0/16', cut('the API server (TCP 172.20.0.1 port 443)')],
  ])('passes names of %s that ipvsadm cut after 28 characters, and says so', (_, file, serviceCidr, note) => {
    const text = readFileSync(new URL(`../../../fixtures/${file}`, import.meta.url), 'utf8');
    expect(verifyTables(text, { serviceCidr, scheduler: 'rr' })).toMatchObject({ pass: true, reasons: [note] });
  });

  it('reads tables behind a byte order mark', () => {
    expect(verifyTables(`\uFEFF${MANUAL_SAMPLE}`, manual)).toMatchObject({ pass: true });
  });

  it('fails another scheduler and another service CIDR', () => {
    expect(verifyTables(MANUAL_SAMPLE, { ...manual, scheduler: 'lc' }).reasons[0]).toBe(
      'the API server (TCP 10.100.0.1 port 443) has scheduler rr, not lc',
    );
    expect(verifyTables(MANUAL_SAMPLE, { ...manual, serviceCidr: '172.20.0.0/16' })).toMatchObject({
      pass: false,
      apiServer: null,
      dns: [],
    });
  });

  it('takes no other port for the API server', () => {
    const tables = 'TCP  10.100.0.1:80 rr\n  -> 10.0.0.1:80 Masq 1 0 0\nTCP  10.100.0.1:postgresql rr\n';
    expect(verifyTables(tables, manual)).toMatchObject({ pass: false, virtualServers: 2, apiServer: null });
  });

  it('reads IPv6', () => {
    const real = '  -> [2001:db8::5]:53 Masq 1 0 0\n';
    const tables = `TCP  [fd00::1]:443 lc\n${real}TCP  [fd00::a]:53 lc\n${real}UDP  [fd00::a]:53 lc\n${real}`;
    expect(verifyTables(tables, { serviceCidr: 'fd00::/108', scheduler: 'lc' })).toMatchObject({
      pass: true,
      reasons: [],
    });
  });

  it("reads the validate document's output, and fails it for more than its tables", () => {
    const tables = ['TCP  10.100.0.1:443', 'TCP  10.100.0.10:53', 'UDP  10.100.0.10:53']
      .map((service) => `${service} rr\n  -> 10.0.0.1:53 Masq 1 0 0\n`)
      .join('');
    const output = (mode: string) =>
      `nightshift-validate=1\nkernel=6.1\nproxyMode=${mode}\nkubeIpvs0=present\nvirtualServers=34\nipsets=6\nrejectRules=0\niptablesServices=0\nforeignVirtualServers=0\nnftTables=0\nhealthz=ok\nstartedAt=1795000000.5\nsyncedAt=1795000003.25\nsyncFailures=0\nsyncFailuresLater=0\nsyncMicros=41000\nsource=ipvsadm\napiServerProbe=ok\ndnsProbe=ok\nconnectMicros=unknown\ntables<<\n${tables}>>\nend=nightshift-validate\n`;
    expect(verifyTables(output('ipvs'), manual)).toMatchObject({ pass: true, virtualServers: 34 });
    expect(verifyTables(output('iptables'), manual)).toMatchObject({
      pass: false,
      reasons: ['kube-proxy says its mode is iptables, not ipvs'],
    });
    expect(() => verifyTables(output('ipvs').slice(0, -10), manual)).toThrow(UnparseableOutput);
  });

  it('proves nothing by an empty table, or without DNS over UDP', () => {
    expect(verifyTables('', manual)).toMatchObject({ pass: false, virtualServers: 0 });
    expect(verifyTables(MANUAL_SAMPLE.slice(0, MANUAL_SAMPLE.indexOf('UDP')), manual).pass).toBe(false);
  });

  it('refuses a scheduler that is none of the ten, and a text that it does not understand', () => {
    expect(() => verifyTables('', { ...manual, scheduler: 'best' })).toThrow(
      'scheduler must be one of rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, but it is "best".',
    );
    expect(() => verifyTables('hello', manual)).toThrow(/^Line 1 is not understood \(.+\): "hello"$/);
  });
});
