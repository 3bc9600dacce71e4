import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { restoredConfigMap, restoredValues } from '../../../../functions/core/execution/restore.ts';
import {
  mergeTarget,
  parseConfiguration,
  withRestartAnnotation,
} from '../../../../functions/core/modes/addon-config.ts';

const TARGET = { mode: 'ipvs', scheduler: 'rr' } as const;
const IPTABLES = { mode: 'iptables' } as const;
const sentFor = (former: string | null) => mergeTarget(parseConfiguration(former), TARGET);
const restored = (former: string | null, now: string | null, sent: string | null = sentFor(former)) =>
  restoredValues({ former, sent, now });
const write = (text: string) => ({ kind: 'write', text });

describe("the add-on's values", () => {
  test.each([[null], [''], ['{}'], ['mode: iptables # ours\n'], ['{"mode":"ipvs","ipvs":{"scheduler":"lc"}}']])(
    'come back exactly (%j) where nothing but the change was made',
    (former) => {
      const exact = write(former === null || former === '' ? '{}' : former);
      expect(restored(former, sentFor(former))).toEqual(exact);
      expect(restored(former, former)).toEqual(exact);
    },
  );

  test.each([
    ['added', '{"a":1}', '{"a":1,"b":2,"mode":"ipvs","ipvs":{"scheduler":"rr"}}', { a: 1, b: 2 }],
    ['changed', '{"a":1}', '{"a":2,"mode":"ipvs","ipvs":{"scheduler":"rr"}}', { a: 2 }],
    ['took away', '{"a":1,"b":2}', '{"b":2,"mode":"ipvs","ipvs":{"scheduler":"rr"}}', { b: 2 }],
    ['added beside the scheduler', '{}', '{"mode":"ipvs","ipvs":{"scheduler":"rr","x":1}}', { ipvs: { x: 1 } }],
  ])('that another %s stay, and mode and scheduler go back', (_, former, now, after) => {
    const result = restored(former, now);
    expect(result.kind === 'write' && JSON.parse(result.text)).toEqual(after);
  });

  test('in the former mode are left as another set them', () => {
    expect(restored('{"a":1}', '{"a":2}')).toEqual(write('{"a":2}'));
    expect(restored('{"a":1}', '{"mode":"iptables"}')).toEqual(write('{"mode":"iptables"}'));
  });

  test.each([
    ['{"mode":"ipvs","ipvs":{"scheduler":"sh"}}', 'it asks for ipvs (sh)'],
    [
      '{"mode":"userspace"}',
      'the values are new: The configuration value mode is "userspace": only iptables, ipvs and nftables are known.',
    ],
    ['{"mode":', expect.stringMatching(/^the values are new: /)],
  ])('with a mode that is neither (%s) are left, and it is said why', (now, why) => {
    expect(restored('{"a":1}', now)).toEqual({ kind: 'changed', why });
  });

  test('lose the annotation that made EKS restart the pods, and no other', () => {
    const sent = withRestartAnnotation(sentFor('{"podAnnotations":{"a":"b"}}'), 'demo-1');
    const now = JSON.stringify({ ...JSON.parse(sent), podLabels: { c: 'd' } });
    const result = restored('{"podAnnotations":{"a":"b"}}', now, sent);
    expect(result.kind === 'write' && JSON.parse(result.text)).toEqual({
      podAnnotations: { a: 'b' },
      podLabels: { c: 'd' },
    });
  });

  test('of others survive a rollback, whatever they are', () => {
    const keys = fc.stringMatching(/^[a-z]{1,5}$/).filter((key) => !['mode', 'ipvs'].includes(key));
    const theirs = fc.dictionary(keys, fc.integer());
    fc.assert(
      fc.property(theirs, theirs, (before, after) => {
        const now = JSON.stringify({ ...after, mode: 'ipvs', ipvs: { scheduler: 'rr' } });
        const result = restored(JSON.stringify(before), now);
        expect(result.kind === 'write' && JSON.parse(result.text)).toEqual(after);
      }),
    );
  });
});

describe('the ConfigMap', () => {
  const former = { text: 'mode: iptables # ours\nipvs:\n  scheduler: ""\n', proxying: IPTABLES };
  const OURS = 'mode: ipvs # ours\nipvs:\n  scheduler: "rr"\n';
  const back = (now: string, writtenBy: 'nightshift' | 'eks' = 'nightshift') =>
    restoredConfigMap({ former, target: TARGET, values: null, writtenBy, now });

  test('comes back byte by byte where nothing but the change was made', () => {
    expect(back(OURS)).toEqual(write(former.text));
    expect(back(former.text)).toEqual(write(former.text));
  });

  test('comes back byte by byte where EKS had written a text of its own in its place', () => {
    expect(back('mode: ipvs\nipvs: {scheduler: rr, syncPeriod: 30s}\n', 'eks')).toEqual(write(former.text));
  });

  test("keeps another's edits, in the former mode", () => {
    const result = back(`${OURS}oomScoreAdj: -1\n`);
    expect(result.kind === 'write' && result.text).toMatch(/^mode: iptables # ours\n[\s\S]*oomScoreAdj: -1\n$/);
    expect(back('mode: iptables\noomScoreAdj: -1\n')).toEqual(write('mode: iptables\noomScoreAdj: -1\n'));
  });

  test.each(['mode: ipvs\nipvs: {scheduler: sh}\n', 'mode: userspace\n', '['])(
    'with another mode (%j) is left',
    (now) => {
      expect(back(now).kind).toBe('changed');
    },
  );
});
