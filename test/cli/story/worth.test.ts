import { expect, test } from 'vitest';
import type { NodeRecord } from '../../../cli/story/parts.ts';
import { buildWorth, worthSentences } from '../../../cli/story/worth.ts';

const record = (
  step: string,
  node: string,
  facts: NodeRecord['facts'],
  more: Partial<NodeRecord> = {},
): NodeRecord => ({
  ...{ execution: 'demo-1', step, node, name: node, pass: true, reasons: [], facts, excerpt: '' },
  ...more,
});
const before = (node: string, syncMicros: string, connectMicros = 'unknown') =>
  record('prepare-2-1', node, { syncMicros, connectMicros });
const after = (node: string, syncMicros: number | string, connectMicros: number | string = 'unknown') =>
  record('validate-2-1', node, { syncMicros, connectMicros });
const sentencesOf = (nodes: NodeRecord[]) => {
  const worth = buildWorth(nodes, 'demo-1');
  return worth && worthSentences(worth);
};

test('the median of the nodes before and after, for each figure', () => {
  const nodes = [
    ...[before('a', '812000', '1400'), before('b', '900000', '1500'), before('c', '100000', '9000')],
    ...[after('a', 9_400, 1_300), after('b', 9_600, 1_200), after('c', 8_000, 400)],
  ];
  expect(sentencesOf(nodes)).toEqual([
    'A sync of kube-proxy took 812 ms before the change and 9.4 ms after it (median of 3 nodes).',
    'A first connection to the API server took 1.5 ms before the change and 1.2 ms after it (median of 3 nodes).',
  ]);
});

test('a node counts only if it has the figure on both sides', () => {
  const nodes = [
    ...[before('a', '100000'), before('b', 'unknown', '1000'), before('gone', '5')],
    ...[after('a', 50_000), after('b', 7, 2_000), after('new', 3)],
  ];
  expect(sentencesOf(nodes)).toEqual([
    'A sync of kube-proxy took 100 ms before the change and 50 ms after it (one node).',
    'A first connection to the API server took 1.0 ms before the change and 2.0 ms after it (one node).',
  ]);
});

test('the last preparation and the last validation of a node count', () => {
  const nodes = [
    ...[record('prepare-1-1', 'a', { syncMicros: 7 }), record('prepare-2-1', 'a', { syncMicros: 20_000 })],
    ...[record('validate-2-1', 'a', { syncMicros: 9 }), record('validate-2-2', 'a', { syncMicros: 10_000 })],
  ];
  expect(sentencesOf(nodes)).toEqual([
    'A sync of kube-proxy took 20 ms before the change and 10 ms after it (one node).',
  ]);
});

test.each([
  ['no node was prepared', [after('a', 5)]],
  ['no figure is known', [before('a', 'unknown'), after('a', 'unknown')]],
  ['the validation is of another execution', [before('a', '5'), { ...after('a', 5), execution: 'other' }]],
  ['the node failed its validation', [before('a', '5'), { ...after('a', 5), pass: false }]],
])('nothing if %s', (_, nodes) => {
  expect(sentencesOf(nodes)).toBeNull();
});
