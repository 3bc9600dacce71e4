import { describe, expect, it } from 'vitest';
import { alreadyTarget, mergeTarget, parseConfiguration } from '../../../../functions/core/modes/addon-config.ts';
import { withProxying } from '../../../../functions/core/modes/kube-proxy-config.ts';
import { isKernelSince, judgeNftablesPreparation } from '../../../../functions/core/modes/nftables-preparation.ts';

const NODE = { id: 'i-1', name: 'node-1' };
const PREPARED = `nightshift-prepare=1
mode=nftables
kernel=6.18.3-45.amzn2023.x86_64
nft=already
missing=
probes=ok
foreign-virtual-servers=
localhostNodePorts=0
invalidPackets=0
dropChains=
syncMicros=41000
connectMicros=52
end=nightshift-prepare
`;
const prepare = (changes: Record<string, string>, acknowledge: string[] = []) =>
  judgeNftablesPreparation(
    NODE,
    Object.entries(changes).reduce(
      (output, [key, value]) => output.replace(new RegExp(`^${key}=.*$`, 'm'), `${key}=${value}`),
      PREPARED,
    ),
    acknowledge,
  );

describe('the values of the add-on, for nftables', () => {
  it.each([
    [
      '{"mode":"ipvs","ipvs":{"scheduler":"lc"},"podLabels":{"team":"net"}}',
      '{"mode":"nftables","podLabels":{"team":"net"}}',
    ],
    ['{"ipvs":{"scheduler":"lc","syncPeriod":"1m"}}', '{"ipvs":{"syncPeriod":"1m"},"mode":"nftables"}'],
    ['{"mode":"ipvs","ipvs":{}}', '{"mode":"nftables","ipvs":{}}'],
    ['', '{"mode":"nftables"}'],
  ])('lose the scheduler and nothing else: %s', (before, after) => {
    const current = parseConfiguration(before);
    expect(mergeTarget(current, { mode: 'nftables' })).toBe(after);
    expect(alreadyTarget(parseConfiguration(after), { mode: 'nftables' })).toBe(true);
    expect(alreadyTarget(current, { mode: 'nftables' })).toBe(false);
  });

  it('change the mode alone in a ConfigMap: kube-proxy does not read the scheduler there', () => {
    expect(withProxying('mode: ipvs # as agreed\nipvs:\n  scheduler: lc\n', { mode: 'nftables' })).toBe(
      'mode: nftables # as agreed\nipvs:\n  scheduler: lc\n',
    );
  });
});

describe('a node that is prepared for nftables', () => {
  it('passes with its figures from before the change', () => {
    expect(prepare({})).toMatchObject({
      pass: true,
      reasons: ['kernel and programs are ready for nftables mode'],
      facts: { syncMicros: 41_000, connectMicros: 52 },
    });
  });

  it.each([
    [
      { kernel: '5.10.240-238.955.amzn2.x86_64' },
      'kernel 5.10.240-238.955.amzn2.x86_64 is older than 5.13: kube-proxy does not start in nftables mode',
    ],
    [{ missing: 'nft_fib_ipv4,nft_numgen' }, 'kernel modules are missing: nft_fib_ipv4, nft_numgen'],
    [{ nft: 'failed' }, 'there is no nft to read kube-proxy’s maps for the proof'],
    [{ probes: 'missing' }, 'programs that ask the API server and DNS: missing'],
    [
      { 'foreign-virtual-servers': 'tcp/10.0.0.5:80' },
      'kube-proxy in nftables mode deletes virtual servers that it did not make: tcp/10.0.0.5:80 (acknowledge foreign-virtual-servers to accept that)',
    ],
    [
      { localhostNodePorts: '12' },
      '12 packets to node ports on 127.0.0.1 were accepted: in nftables mode node ports do not answer there (acknowledge localhost-node-ports to accept that)',
    ],
    [
      { dropChains: 'inet/filter/input' },
      'a firewall on the node drops what it does not know (inet/filter/input), and kube-proxy opens nothing in nftables mode (acknowledge host-firewall to accept that)',
    ],
  ])('fails with %j', (changes, reason) => {
    expect(prepare(changes)).toMatchObject({ pass: false, reasons: [reason] });
  });

  it('passes with what the request accepts, and says so', () => {
    expect(
      prepare({ localhostNodePorts: '1', dropChains: 'ip/filter/INPUT' }, ['localhost-node-ports', 'host-firewall']),
    ).toMatchObject({
      pass: true,
      reasons: [
        'kernel and programs are ready for nftables mode',
        'accepted: 1 packets to node ports on 127.0.0.1 were accepted: in nftables mode node ports do not answer there',
        'accepted: a firewall on the node drops what it does not know (ip/filter/INPUT), and kube-proxy opens nothing in nftables mode',
      ],
    });
  });

  it('warns of invalid packets on a kernel on which they reset connections', () => {
    const changes = { invalidPackets: '7', kernel: '5.15.0-1051-aws' };
    expect(prepare(changes).reasons[1]).toContain('kube-proxy has dropped 7 invalid packets');
    expect(prepare({ ...changes, kernel: '6.1.0' }).reasons).toHaveLength(1);
    expect(prepare({ ...changes, invalidPackets: 'unknown' }).reasons).toHaveLength(1);
  });

  it.each(['mode=nftables\n', 'nft=already\n', 'end=nightshift-prepare\n'])('proves nothing without %j', (line) => {
    expect(judgeNftablesPreparation(NODE, PREPARED.replace(line, ''), []).pass).toBe(false);
  });
});

it('kernel releases are compared as numbers', () => {
  expect(isKernelSince('5.13.0', [5, 13])).toBe(true);
  expect(isKernelSince('5.9.0', [5, 13])).toBe(false);
  expect(isKernelSince('10.0-rc1', [5, 13])).toBe(true);
  expect(isKernelSince('linux', [5, 13])).toBeNull();
});
