import { describe, expect, it, test } from 'vitest';
import { Batch, exceeds, failedClusters, failureKey, holdReason } from '../../../../functions/core/fleet/batch.ts';
import { readWith } from '../../../../functions/core/values/parse-input.ts';

const read = (batch: unknown) => readWith(Batch, batch, 'The batch');

describe('a batch', () => {
  it.each(['nights/weekend/20261128T2200', 'rollouts/R/staging', 'a', 'a..b/c', `${'a/'.repeat(11)}a`])(
    'may have the name %s',
    (name) => {
      expect(read({ name, tolerate: 0 })).toEqual({ kind: 'parsed', data: { name, tolerate: 0 } });
    },
  );

  it.each(['', '/a', 'a/', 'a//b', '..', 'a/../b', './a', 'a b', 'ä', 'a'.repeat(129), `${'a/'.repeat(12)}a`])(
    'may not have the name "%s"',
    (name) => {
      expect(read({ name, tolerate: 0 })).toMatchObject({
        kind: 'broken',
        sentence: expect.stringMatching(/^name must be a batch's name: 1 to 128 letters/),
      });
    },
  );

  it.each([[-1], [1.5], ['1'], [null]])('may not tolerate %s', (tolerate) => {
    expect(read({ name: 'a', tolerate })).toMatchObject({
      kind: 'broken',
      sentence: `tolerate must be a whole number from 0: how many clusters of the batch may fail, but it is ${JSON.stringify(tolerate)}.`,
    });
  });

  it('has no other member', () => {
    expect(read({ name: 'a', tolerate: 0, cluster: 'b' })).toMatchObject({ kind: 'broken' });
  });
});

test('a batch is exceeded by one failure more than it tolerates', () => {
  expect([exceeds([], 0), exceeds(['a'], 0), exceeds(['a'], 1), exceeds(['a', 'b'], 1)]).toEqual([
    false,
    true,
    false,
    true,
  ]);
});

test('the failures of a batch whose name begins with this one are not its failures', () => {
  const keys = [failureKey('night', 'a'), failureKey('night/failed', 'b'), 'batches/night/held.json'];
  expect(keys[0]).toBe('batches/night/failed/a.json');
  expect(failedClusters('night', keys)).toEqual(['a']);
});

test('the reason of a hold names as many clusters as fit', () => {
  const failed = ['a', 'b'];
  expect(holdReason(failed, 1)).toBe('2 clusters of the batch failed, and 1 may: a, b');
  const many = Array.from({ length: 60 }, (_, index) => `cluster-${index + 100}`);
  const reason = holdReason(many, 59);
  expect(reason).toMatch(/^60 clusters of the batch failed, and 59 may: cluster-100, .*cluster-117 and 42 more$/);
  expect(reason.length).toBeLessThanOrEqual(300);
});
