import { expect, test } from 'vitest';
import { nodesByMode } from '../../../functions/core/modes.ts';

const said = (node: string, proxyMode?: string) => ({
  node,
  name: `ip-${node}`,
  pass: true,
  reasons: [],
  facts: proxyMode === undefined ? {} : { proxyMode },
  excerpt: '',
});

test("a node stands where its last verdict says, whatever the verdicts' order", () => {
  const later = { sentAt: '2026-11-21T08:00:00.000Z', verdicts: [said('i-1', 'iptables')] };
  const earlier = { sentAt: '2026-11-21T07:00:00.000Z', verdicts: [said('i-1', 'ipvs'), said('i-2', 'ipvs')] };
  expect(nodesByMode([later, earlier])).toEqual([
    { mode: 'iptables', nodes: 1, names: ['ip-i-1'] },
    { mode: 'ipvs', nodes: 1, names: ['ip-i-2'] },
  ]);
});

test('a node that did not tell the last time is unknown, and nothing that it said before is repeated', () => {
  expect(
    nodesByMode([
      { sentAt: '2026-11-21T07:00:00.000Z', verdicts: [said('i-1', 'ipvs')] },
      { sentAt: '2026-11-21T08:00:00.000Z', verdicts: [said('i-1')] },
    ]),
  ).toEqual([{ mode: 'unknown', nodes: 1, names: ['ip-i-1'] }]);
});

test('twenty names are kept', () => {
  const verdicts = Array.from({ length: 30 }, (_, index) => said(`i-${index}`, 'ipvs'));
  const [ipvs] = nodesByMode([{ sentAt: '2026-11-21T07:00:00.000Z', verdicts }]);
  expect([ipvs?.nodes, ipvs?.names.length]).toEqual([30, 20]);
});
