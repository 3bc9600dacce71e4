import { describe, expect, it } from 'vitest';
import {
  failedForLeftovers,
  judgeCleanOutput,
  leftoversIn,
  strictly,
} from '../../../../functions/core/evidence/clean-output.ts';
import type { Verdict } from '../../../../functions/core/evidence/verdict.ts';

const NODE = { id: 'i-1', name: 'ip-1' };
const CLEANED = `nightshift-clean=1
mode=iptables
removedRules=2
removedChains=5
removedVirtualServers=34
removedIpsets=17
removedKubeIpvs0=yes
removedNftTables=0
end=nightshift-clean
`;
const judge = (output: string) => judgeCleanOutput(NODE, output, 'iptables');

describe('clean-node.sh', () => {
  it('cleaned a node when it says so to the end', () => {
    expect(judge(CLEANED)).toEqual({
      node: 'i-1',
      name: 'ip-1',
      pass: true,
      reasons: ['59 leftovers removed'],
      facts: {
        mode: 'iptables',
        removedRules: 2,
        removedChains: 5,
        removedVirtualServers: 34,
        removedIpsets: 17,
        removedKubeIpvs0: 'yes',
        removedNftTables: 0,
      },
      excerpt: CLEANED,
    });
  });

  it('cleaned it also if carriage returns stand before the newlines', () => {
    expect(judge(CLEANED.replaceAll('\n', '\r\n'))).toMatchObject({ pass: true, reasons: ['59 leftovers removed'] });
  });

  it('may warn', () => {
    const warned = CLEANED.replace('end=', 'warning=ipset is not installed\nend=');
    expect(judge(warned)).toMatchObject({ pass: true, reasons: ['59 leftovers removed', 'ipset is not installed'] });
  });

  it.each([
    ['cut', CLEANED.replace('end=nightshift-clean\n', ''), 'the output is cut: its last line is missing'],
    ['for the other mode', CLEANED.replace('=iptables', '=ipvs'), 'it was cleaned for mode ipvs, not iptables'],
    [
      'not understood',
      CLEANED.replace('=34', '=many'),
      'a line is not understood (removedVirtualServers has a value that it cannot have): removedVirtualServers=many',
    ],
    ['incomplete', CLEANED.replace('removedIpsets=17\n', ''), 'not reported: removedIpsets'],
    [
      'double',
      CLEANED.replace('mode=', 'mode=ipvs\nmode='),
      'a line is not understood (mode is there twice): mode=iptables',
    ],
    [
      'that of another document',
      `mode=ipvs\n${CLEANED}`,
      'the first line is not nightshift-clean=1: this is not the output of clean-node.sh',
    ],
    ['empty', '', 'the output is cut: its last line is missing'],
  ])('proves nothing with output that is %s', (_, output, reason) => {
    const verdict = judge(output);
    expect(verdict.pass).toBe(false);
    expect(verdict.reasons).toContain(reason);
  });
});

describe('leftovers', () => {
  const verdict = (pass: boolean, facts: Verdict['facts']): Verdict => ({
    node: 'i-1',
    name: 'ip-1',
    pass,
    reasons: [],
    facts,
    excerpt: '',
  });

  it('are the facts that validate names so', () => {
    expect(leftoversIn(verdict(true, { leftoverRejectRules: 3, rejectRules: 3 }))).toEqual(['leftoverRejectRules=3']);
    expect(leftoversIn(verdict(true, { rejectRules: 0 }))).toEqual([]);
  });

  it('that rules of others may keep are cleaned, and fail no node that keeps them', () => {
    const kept = verdict(true, { leftoverServiceChains: 12 });
    expect(leftoversIn(kept)).toEqual(['leftoverServiceChains=12']);
    expect(strictly(kept)).toEqual(kept);
    const both = verdict(true, { leftoverServiceChains: 12, leftoverInterface: 'kube-ipvs0' });
    expect(strictly(both)).toMatchObject({ pass: false, facts: { failedFor: 'leftovers' } });
  });

  it('are not what a node failed for that proved nothing else either', () => {
    expect(failedForLeftovers(strictly(verdict(false, { leftoverRejectRules: 1 })))).toBe(false);
  });
});
