import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { MANUAL_SAMPLE } from '../functions/core/fixtures.ts';
import { call, ended, run, start } from './run.ts';

const RR = ['verify', '--service-cidr', '10.100.0.0/16', '--scheduler', 'rr'];

describe('verify', () => {
  test("passes the manual's own sample from stdin", async () => {
    const { code, stdout, stderr } = await run(RR, { stdin: MANUAL_SAMPLE });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const answer = JSON.parse(stdout);
    expect(Object.keys(answer)).toEqual(['pass', 'reasons', 'virtualServers', 'apiServer', 'dns']);
    expect(answer).toMatchObject({ pass: true, virtualServers: 3 });
    expect(answer.apiServer).toMatchObject({ protocol: 'TCP', scheduler: 'rr' });
    expect(answer.dns.map((server: { protocol: string }) => server.protocol)).toEqual(['TCP', 'UDP']);
  });

  test('reads a file, and - as stdin', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'nightshift-')), 'ipvsadm.txt');
    writeFileSync(file, MANUAL_SAMPLE);
    expect((await run([...RR, file])).code).toBe(0);
    expect((await run([...RR, '--mode', 'ipvs', '-'], { stdin: MANUAL_SAMPLE })).code).toBe(0);
  });

  test.each([
    ['alone', ['verify', '--mode', 'iptables']],
    ['with all else', [...RR, '--mode', 'iptables']],
  ])('refuses another mode with 2, and names what it judges: %s', async (_, args) => {
    expect(await call(args)).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'nightshift: verify does not judge the mode iptables, but ipvs by ipvsadm -L, ipvsadm -Ln, /proc/net/ip_vs or what nightshift-validate-node printed, and nftables by nft list map ip kube-proxy service-ips or what nightshift-validate-node printed\n',
    });
  });

  test('fails a different scheduler with 1 and prints why', async () => {
    const { code, stdout } = await run([...RR.slice(0, -1), 'lc'], { stdin: MANUAL_SAMPLE });
    expect(code).toBe(1);
    const answer = JSON.parse(stdout);
    expect(answer.pass).toBe(false);
    expect(answer.reasons[0]).toBe('the API server (TCP 10.100.0.1 port 443) has scheduler rr, not lc');
  });

  test('refuses what it cannot read with 2 and one sentence', async () => {
    const { code, stdout, stderr } = await run(RR, { stdin: 'Filesystem 1K-blocks Used\n/dev/sda1 1 1\n' });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/^next: give the whole output.*\nnightshift: .+\n$/);
  });

  const WRONG: [string, string[], string][] = [
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
    const { code, stdout, stderr } = await call(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(sentence);
  });

  test('keeps its exit code when its output is closed', async () => {
    const child = start(RR);
    const result = ended(child);
    child.stdout.destroy();
    child.stdin.end(MANUAL_SAMPLE);
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
