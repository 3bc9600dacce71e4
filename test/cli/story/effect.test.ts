import { expect, test } from 'vitest';
import { buildEffect, effectSentence, showMicros } from '../../../cli/story/effect.ts';

const MIGRATED = [{ kind: 'migrated', error: null }];

/** What a node reported in a step; a figure that is left out is unknown. */
const said = (step: string, node: string, syncMicros?: number, connectMicros?: number, pass = true) => ({
  execution: 'demo-1',
  step,
  node,
  name: node,
  pass,
  reasons: [],
  facts: { syncMicros: syncMicros ?? 'unknown', connectMicros: connectMicros ?? 'unknown' },
  excerpt: '',
});

test('the effect is the median of the nodes that reported a figure on both sides', () => {
  const nodes = [
    said('prepare-1-1', 'i-1', 812_000, 1_400),
    said('prepare-1-1', 'i-2', 900_000, 1_200),
    said('prepare-1-1', 'i-3', 700_000),
    said('prepare-1-1', 'left', 5, 5),
    said('validate-1-1', 'i-1', 9_000, 1_300),
    said('validate-1-1', 'i-2', 20_000, 1_100),
    said('validate-1-1', 'i-3', 8_000, 900),
  ];
  const effect = buildEffect(nodes, MIGRATED);
  expect(effect).toEqual({
    sync: { before: 812_000, after: 9_000, nodes: 3 },
    connect: { before: 1_300, after: 1_200, nodes: 2 },
  });
  expect(effect && effectSentence(effect)).toBe(
    "kube-proxy's sync took 812 ms before and 9 ms after (median of 3 nodes); a connection to the API server 1.3 ms before and 1.2 ms after (median of 2 nodes).",
  );
});

test.each([
  [
    'a figure is missing before',
    [said('prepare-1-1', 'i-1', 5_000), said('validate-1-1', 'i-1', 4_000, 90)],
    "kube-proxy's sync took 5 ms before and 4 ms after (one node).",
  ],
  [
    'a figure is missing after',
    [said('prepare-1-1', 'i-1', 5_000, 95), said('validate-1-1', 'i-1', undefined, 90)],
    'A connection to the API server took 95 µs before and 90 µs after (one node).',
  ],
  [
    'nodes were asked twice',
    [
      said('prepare-1-1', 'i-1', 7_000),
      said('prepare-2-1', 'i-1', 5_000),
      said('canary-2-1-1', 'i-1', 3_000),
      said('validate-2-1', 'i-1', 2_000),
      said('validate-2-2', 'i-1', 1_000, undefined, false),
    ],
    "kube-proxy's sync took 5 ms before and 2 ms after (one node).",
  ],
])('if %s, the sentence is about the rest', (_, nodes, sentence) => {
  const effect = buildEffect(nodes, MIGRATED);
  expect(effect && effectSentence(effect)).toBe(sentence);
});

test.each([
  ['no node was prepared', [said('compliance-1', 'i-1', 4_000, 90)], MIGRATED],
  [
    'the node joined after the change',
    [said('newcomers-1-1', 'i-1', 5_000, 95), said('validate-1-1', 'i-1', 4_000, 90)],
    MIGRATED,
  ],
  [
    'the change was rolled back',
    [said('prepare-1-1', 'i-1', 5_000, 95), said('validate-1-1', 'i-1', 4_000, 90)],
    [
      { kind: 'failed', error: null },
      { kind: 'rolled-back', error: null },
    ],
  ],
  [
    'the execution is still running',
    [said('prepare-1-1', 'i-1', 5_000, 95), said('canary-1-1-1', 'i-1', 4_000, 90)],
    [{ kind: 'running', error: null }],
  ],
])('there is none if %s', (_, nodes, endings) => {
  expect(buildEffect(nodes, endings)).toBeNull();
});

test.each([
  [9, '9 µs'],
  [999, '999 µs'],
  [1_000, '1 ms'],
  [1_349, '1.3 ms'],
  [9_000, '9 ms'],
  [9_960, '10 ms'],
  [812_400, '812 ms'],
  [999_600, '1 s'],
  [133_000_000, '133 s'],
])('%d microseconds are shown as %s', (micros, shown) => {
  expect(showMicros(micros)).toBe(shown);
});
