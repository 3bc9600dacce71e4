import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { overwrittenFields } from '../../../../functions/core/preflight/config-map.ts';
import { goDuration } from '../../../../functions/core/values/go-duration.ts';
import { CONFIG_MAP } from '../fixtures.ts';

const edits = (from: string, to: string) => {
  expect(CONFIG_MAP).toContain(from);
  return overwrittenFields(CONFIG_MAP.replace(from, to), 'ipv4');
};

describe('edits that EKS would overwrite', () => {
  test.each([
    ['1h for 1h0m0s', 'tcpCloseWaitTimeout: 1h0m0s', 'tcpCloseWaitTimeout: 1h'],
    ['3600s for 1h0m0s', 'tcpCloseWaitTimeout: 1h0m0s', 'tcpCloseWaitTimeout: "3600s"'],
    ['nothing for 0s', '  minSyncPeriod: 0s\n  scheduler', '  scheduler'],
    ['0 for 0s', '  minSyncPeriod: 0s\n  scheduler', '  minSyncPeriod: "0"\n  scheduler'],
    ['max: 0 for nothing', 'conntrack:\n', 'conntrack:\n  max: 0\n'],
    ['tcpTimeout: 0s for nothing', 'ipvs:\n', 'ipvs:\n  tcpTimeout: 0s\n'],
    ['nothing for a default', '  min: 131072\n', ''],
    ['nothing for the default of a duration', '  tcpEstablishedTimeout: 24h0m0s\n', ''],
    ['a default for nothing', 'iptables:\n', 'iptables:\n  localhostNodePorts: true\n'],
    ['nothing for the default address', 'bindAddress: 0.0.0.0\nclient', 'client'],
    ['nothing for the default of the health check', 'healthzBindAddress: 0.0.0.0:10256\n', ''],
    ['an octal of YAML 1.1', 'masqueradeBit: 14', 'masqueradeBit: 016'],
    ['an empty mapping for nothing', 'kind: ', 'featureGates: {}\nkind: '],
    ['a number as a float', 'qps: 5', 'qps: 5.0'],
  ])('are not %s', (_, from, to) => {
    expect(edits(from, to)).toEqual([]);
  });

  test.each([
    ['a longer time', 'tcpCloseWaitTimeout: 1h0m0s', 'tcpCloseWaitTimeout: 1h1s', '"1h1s" → "1h0m0s"'],
    ['zero where zero means "leave it"', 'maxPerCore: 32768', 'maxPerCore: 0', '0 → 32768'],
    ['0s where it means "leave it"', 'tcpCloseWaitTimeout: 1h0m0s', 'tcpCloseWaitTimeout: 0s', '"0s" → "1h0m0s"'],
    ['nothing for what is not the default', 'oomScoreAdj: -998\n', '', 'not set → -998'],
    ['another address', 'metricsBindAddress: 0.0.0.0:10249\n', '', 'not set → "0.0.0.0:10249"'],
    ['a max', 'conntrack:\n', 'conntrack:\n  max: 1\n', '1 → not set'],
    [
      'a number that JavaScript cannot keep',
      'conntrack:\n',
      'conntrack:\n  max: 9007199254740993\n',
      '9007199254740993 → not set',
    ],
  ])('are %s', (_, from, to, change) => {
    expect(edits(from, to)?.map((edit) => edit.slice(edit.indexOf(': ') + 2))).toEqual([change]);
  });
});

test.each([
  ['0', 0n],
  ['1h', 3_600_000_000_000n],
  ['1h0m0s', 3_600_000_000_000n],
  ['1.5h', 5_400_000_000_000n],
  ['-1m30s', -90_000_000_000n],
  ['.5s', 500_000_000n],
  ['250ms', 250_000_000n],
  ['3us', 3_000n],
  ['3µs', 3_000n],
  ['', null],
  ['1', null],
  ['h', null],
  ['1h ', null],
  ['1d', null],
  ['.s', null],
])('the Go duration %j is %s ns', (text, expected) => {
  expect(goDuration(text)).toBe(expected);
});

test('a duration is the sum of its parts, in any of its forms', () => {
  fc.assert(
    fc.property(fc.nat(1e6), fc.nat(1e6), fc.nat(1e6), (hours, minutes, seconds) => {
      const total = BigInt(hours * 3600 + minutes * 60 + seconds);
      expect(goDuration(`${hours}h${minutes}m${seconds}s`)).toBe(goDuration(`${total}s`));
    }),
  );
});
