import { expect, test } from 'vitest';
import { nodesByMode } from '../../../../functions/core/evidence/nodes-by-mode.ts';

const said = (node: string, proxyMode?: string) => ({
  node,
  name: `ip-${node}`,
  pass: true,
  reasons: [],
  facts: proxyMode === undefined ? {} : { proxyMode },
  excerpt: '',
});

const whole = { limited: false };
const at = (hour: number) => `2026-11-21T0${hour}:00:00.000Z`;

test('a node that was not asked again since all were is not repeated: it may have been restarted', () => {
  const later = { ...whole, sentAt: at(8), verdicts: [said('i-1', 'iptables')] };
  const earlier = { ...whole, sentAt: at(7), verdicts: [said('i-1', 'ipvs'), said('i-2', 'ipvs')] };
  expect(nodesByMode([later, earlier])).toEqual([{ mode: 'iptables', nodes: 1, names: ['ip-i-1'] }]);
});

test('what single nodes said after all were asked counts instead of what they had said', () => {
  const all = { ...whole, sentAt: at(7), verdicts: [said('i-1', 'iptables'), said('i-2', 'ipvs')] };
  const one = { limited: true, sentAt: at(8), verdicts: [said('i-1', 'ipvs')] };
  expect(nodesByMode([one, all])).toEqual([{ mode: 'ipvs', nodes: 2, names: ['ip-i-1', 'ip-i-2'] }]);
});

test('a node that did not tell the last time is unknown, and nothing that it said before is repeated', () => {
  expect(
    nodesByMode([
      { ...whole, sentAt: '2026-11-21T07:00:00.000Z', verdicts: [said('i-1', 'ipvs')] },
      { ...whole, sentAt: '2026-11-21T08:00:00.000Z', verdicts: [said('i-1')] },
    ]),
  ).toEqual([{ mode: 'unknown', nodes: 1, names: ['ip-i-1'] }]);
});

test('twenty names are kept', () => {
  const verdicts = Array.from({ length: 30 }, (_, index) => said(`i-${index}`, 'ipvs'));
  const [ipvs] = nodesByMode([{ ...whole, sentAt: '2026-11-21T07:00:00.000Z', verdicts }]);
  expect([ipvs?.nodes, ipvs?.names.length]).toEqual([30, 20]);
});
