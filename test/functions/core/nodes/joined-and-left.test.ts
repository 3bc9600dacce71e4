import { expect, test } from 'vitest';
import { turnover } from '../../../../functions/core/nodes/joined-and-left.ts';
import { inventoryNode as node } from '../fixtures.ts';

test('a node that joined and one that left are told by name', () => {
  expect(turnover([node('i-1'), node('i-2')], [node('i-2'), node('i-3')])).toEqual({
    newcomers: ['i-3'],
    gone: ['i-1'],
    notes: ['1 node joined meanwhile: ip-i-3 (i-3).', '1 node left meanwhile and is dropped: ip-i-1 (i-1).'],
  });
});

test('the same nodes are no change', () => {
  expect(turnover([node('i-1')], [node('i-1')])).toEqual({ newcomers: [], gone: [], notes: [] });
});

test('a newcomer whose agent is not there yet counts: nobody has prepared it', () => {
  expect(turnover([], [node('i-1', { by: 'blocked', reason: 'no agent' })]).newcomers).toEqual(['i-1']);
});

test('a node that could not be worked with before is a newcomer when it can', () => {
  expect(turnover([node('i-1', { by: 'blocked', reason: 'no agent' })], [node('i-1')]).newcomers).toEqual(['i-1']);
});

test('Windows and Bottlerocket nodes that join need no preparation', () => {
  const fresh = [node('i-1', { by: 'excluded', reason: 'Windows' }), node('i-2', { by: 'proxy-mode', mode: 'ipvs' })];
  expect(turnover([], fresh).newcomers).toEqual([]);
});

test('five are named, the others counted', () => {
  const many = Array.from({ length: 7 }, (_, index) => node(`i-${index}`));
  expect(turnover(many, []).notes).toEqual([
    '7 nodes left meanwhile and are dropped: ip-i-0 (i-0), ip-i-1 (i-1), ip-i-2 (i-2), ip-i-3 (i-3), ip-i-4 (i-4), and 2 more.',
  ]);
});
