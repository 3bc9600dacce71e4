import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ended, run, start } from './run.ts';

/** https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html#_validation */
const MANUAL = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  ip-10-100-0-1.us-east-1. rr
  -> ip-192-168-113-81.us-eas Masq        1      0          0
  -> ip-192-168-162-166.us-ea Masq        1      1          0
TCP  ip-10-100-0-10.us-east-1 rr
  -> ip-192-168-104-215.us-ea Masq        1      0          0
  -> ip-192-168-123-227.us-ea Masq        1      0          0
UDP  ip-10-100-0-10.us-east-1 rr
  -> ip-192-168-104-215.us-ea Masq        1      0          0
  -> ip-192-168-123-227.us-ea Masq        1      0          0
`;
const RR = ['verify', '--service-cidr', '10.100.0.0/16', '--scheduler', 'rr'];

describe('verify', () => {
  test("passes the manual's own sample from stdin", async () => {
    const { code, stdout, stderr } = await run(RR, { stdin: MANUAL });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const answer = JSON.parse(stdout);
    expect(Object.keys(answer)).toEqual(['pass', 'reasons', 'virtualServers', 'apiServer', 'dns']);
    expect(answer).toMatchObject({ pass: true, virtualServers: 3 });
    expect(answer.apiServer).toMatchObject({ protocol: 'TCP', scheduler: 'rr' });
    expect(answer.dns.map((server: { protocol: string }) => server.protocol)).toEqual(['TCP', 'UDP']);
  });

  test('reads a file, and - as stdin', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'nightshift-')), 'ipvsadm.txt');
    writeFileSync(file, MANUAL);
    expect((await run([...RR, file])).code).toBe(0);
    expect((await run([...RR, '-'], { stdin: MANUAL })).code).toBe(0);
  });

  test.each([
    ['10.100.0.0/16', 'ipvsadm-L-28-real-servers.txt'],
    ['172.20.0.0/16', 'ipvsadm-L-28-service.txt'],
  ])('passes %s with names that ipvsadm cut, with a note', async (cidr, file) => {
    const path = new URL(`../fixtures/${file}`, import.meta.url).pathname;
    const { code, stdout } = await run(['verify', '--service-cidr', cidr, '--scheduler', 'rr', path]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout).reasons).toEqual([expect.stringMatching(/cut/)]);
  });

  test('passes an IPv6 cluster whose nodes have names, from ipvsadm -L', async () => {
    const tables = `IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  [fd12:3456::1]:https lc
  -> [i-0abc.us-west-2.compute.internal]:https Masq    1      0          0
TCP  [fd12:3456::a]:domain lc
  -> [2600:1f14::5]:domain        Masq    1      0          0
UDP  [fd12:3456::a]:domain lc
  -> [2600:1f14::5]:domain        Masq    1      0          0
`;
    const args = ['verify', '--service-cidr', 'fd12:3456::/108', '--scheduler', 'lc'];
    const { code, stdout, stderr } = await run(args, { stdin: tables });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ pass: true, reasons: [], virtualServers: 3 });
  });

  test.each([
    ['alone', ['verify', '--mode', 'nftables']],
    ['with all else', [...RR, '--mode', 'nftables']],
  ])('refuses another mode with 2, and names what it judges: %s', async (_, call) => {
    expect(await run(call, { stdin: 'table ip kube-proxy {\n}\n' })).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'nightshift: verify judges the mode ipvs only, by ipvsadm -L, ipvsadm -Ln, /proc/net/ip_vs or what nightshift-validate-node printed, and not nftables\n',
    });
  });

  test('takes the mode to verify as an option', async () => {
    expect((await run([...RR, '--mode', 'ipvs'], { stdin: MANUAL })).code).toBe(0);
  });

  test('reads a file that an editor saved with a byte order mark', async () => {
    expect((await run(RR, { stdin: `\uFEFF${MANUAL}` })).code).toBe(0);
  });

  test('fails a different scheduler with 1 and prints why', async () => {
    const { code, stdout } = await run([...RR.slice(0, -1), 'lc'], { stdin: MANUAL });
    expect(code).toBe(1);
    const answer = JSON.parse(stdout);
    expect(answer.pass).toBe(false);
    expect(answer.reasons[0]).toBe('the API server (TCP 10.100.0.1 port 443) has scheduler rr, not lc');
  });

  test('fails a node without DNS over UDP', async () => {
    const { code, stdout } = await run(RR, { stdin: MANUAL.slice(0, MANUAL.indexOf('UDP')) });
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ pass: false });
  });

  const UNREADABLE: [string, string][] = [
    ['nothing at all', ''],
    ['something else', 'Filesystem 1K-blocks Used\n/dev/sda1 1 1\n'],
    ['a line that is cut off', MANUAL.slice(0, -40)],
    ['output of the validate document without its end', 'nightshift-validate=1\nkernel=6.1.0\nproxyMode=ipvs\n'],
    ['binary', '\u0000\u0001\u0002'],
  ];
  test.each(UNREADABLE)('refuses %s with 2 and one sentence', async (_, stdin) => {
    const { code, stdout, stderr } = await run(RR, { stdin });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^next: give the whole output.*\nnightshift: .+\n$/);
  });

  const WRONG: [string, string[], string][] = [
    ['an invalid CIDR', ['verify', '--service-cidr', '10.100.0.0', '--scheduler', 'rr'], '10.100.0.0'],
    [
      'a CIDR with an impossible prefix',
      ['verify', '--service-cidr', '10.0.0.0/33', '--scheduler', 'rr'],
      '10.0.0.0/33',
    ],
    [
      'an unknown scheduler',
      ['verify', '--service-cidr', '10.0.0.0/16', '--scheduler', 'fair'],
      'Allowed choices are rr',
    ],
    ['no CIDR', ['verify', '--scheduler', 'rr'], "required option '--service-cidr <cidr>'"],
    ['a file that is not there', [...RR, '/nonexistent/x'], 'cannot read /nonexistent/x: there is no such file'],
    ['a directory', [...RR, '/tmp'], 'cannot read /tmp: it is a directory'],
  ];
  test.each(WRONG)('%s ends with 2', async (_, args, sentence) => {
    const { code, stdout, stderr } = await run(args, { stdin: MANUAL });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });

  test('keeps its exit code when its output is closed', async () => {
    const child = start(RR);
    const result = ended(child);
    child.stdout.destroy();
    child.stdin.end(MANUAL);
    const { code, stderr } = await result;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('refuses an invalid service CIDR before it waits for stdin, and names the option', async () => {
    const child = start(['verify', '--service-cidr', '10.100.0.0', '--scheduler', 'rr']);
    const { code, stdout, stderr } = await ended(child);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('nightshift: --service-cidr is wrong: ');
  });
});
