import { describe, expect, it } from 'vitest';
import {
  estimateChange,
  estimateCommand,
  waitSeconds,
  windowNeeded,
} from '../../../../functions/core/execution/estimate.ts';

describe('the estimate', () => {
  it.each([
    [0, { update: 90, restart: 0, validate: 0, change: 90, total: 180 }],
    [3, { update: 90, restart: 135, validate: 32, change: 257, total: 514 }],
    [500, { update: 90, restart: 450, validate: 50, change: 590, total: 1180 }],
    [5000, { update: 90, restart: 450, validate: 230, change: 770, total: 1540 }],
  ])('for %i nodes is a change and its rollback, in seconds', (nodes, expected) => {
    expect(estimateChange(nodes)).toEqual(expected);
  });

  it('is refused for what is no number of nodes', () => {
    expect(() => estimateChange(-1)).toThrow(RangeError);
    expect(() => estimateChange(1.5)).toThrow(RangeError);
  });

  it.each([
    [0, 180, 180],
    [3, 514, 1384],
    [5000, 1540, 2410],
  ])('asks a window for the longest update of %i nodes if EKS restarts them', (nodes, api, annotations) => {
    expect(windowNeeded(nodes, 'kubernetes-api')).toBe(api);
    expect(windowNeeded(nodes, 'pod-annotations')).toBe(annotations);
  });

  it('gives preparing more time than asking', () => {
    expect(estimateCommand(3, 'prepare')).toBe(92);
    expect(estimateCommand(3, 'validate')).toBe(32);
  });
});

describe('the pauses between polls', () => {
  it('grow with the expected time', () => {
    expect([0, 1, 2, 3, 4, 5].map((poll) => waitSeconds(poll, 60))).toEqual([30, 30, 60, 120, 240, 240]);
  });

  it('stay between 5 and 900 seconds', () => {
    expect(waitSeconds(0, 1)).toBe(5);
    expect(waitSeconds(4, 3600)).toBe(900);
  });

  it.each([
    [10, 80],
    [92, 736],
    [225, 1801],
    [450, 2700],
  ])('let five polls of what should take %i seconds see it end after %i', (expected, seen) => {
    expect([0, 1, 2, 3, 4].reduce((sum, poll) => sum + waitSeconds(poll, expected), 0)).toBe(seen);
  });
});
