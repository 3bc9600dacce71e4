import { afterAll, describe, expect, test } from 'vitest';
import { rideAll } from '../../bench/bursts.ts';
import { ways } from '../../bench/compare.ts';
import { extrapolated } from '../../bench/costs.ts';
import { rollouts } from '../../bench/fleets.ts';
import { dollars, gbSeconds, quantities } from '../../bench/prices.ts';
import { countsOf } from '../../bench/runs/counts.ts';
import { table, withSection } from '../../bench/runs/page.ts';
import { BenchRegion } from '../../bench/runs/region.ts';

const COUNTS = {
  transitions: 100_000,
  events: 350_000,
  calls: { 's3:PutObject': 1_000, 's3:GetObject': 1_000, 'events:PutEvents': 1_000, 'ssm:SendCommand': 5 },
  invocations: { 'decide-window': 4, 'inspect-cluster': 2 },
  logBytes: 2e9,
};

describe('prices', () => {
  test('weigh each function with the memory that it is deployed with', () => {
    expect(gbSeconds(COUNTS.invocations, 0.5)).toBe(1.5);
    expect(() => gbSeconds({ unknown: 1 }, 1)).toThrow('no function unknown is deployed');
  });

  test('times counts are dollars', () => {
    const of = quantities(COUNTS, 0.5);
    expect(of).toMatchObject({ transition: 100_000, request: 6, s3Write: 1_000, s3Read: 1_000, kms: 2_000, logGb: 2 });
    // 2.50 for transitions, 1.00 for logs, and 1.26 cents for the rest.
    expect(dollars(of).toFixed(4)).toBe('3.5124');
  });
});

describe('counts', () => {
  test('have a transition for each state that is entered, and for each retry', () => {
    const types = ['TaskStateEntered', 'TaskScheduled', 'TaskFailed', 'TaskScheduled', 'TaskStateExited'] as const;
    const history = types.map((type, id) => ({ type, id, timestamp: undefined }));
    const call = { at: '', service: 'lambda', operation: 'Invoke', principal: 'p' };
    const input = { FunctionName: 'arn:aws:lambda:us-east-1:111122223333:function:nightshift-read-request' };
    const counts = countsOf([{ history }], [{ ...call, input }], 7);
    expect(counts).toEqual({ transitions: 2, events: 5, calls: {}, invocations: { 'read-request': 1 }, logBytes: 7 });
  });

  test('are extrapolated only if they are linear', () => {
    const ten = {
      clusters: 10,
      counts: { ...COUNTS, transitions: 1_000, events: 100, invocations: {}, calls: { a: 10 } },
    };
    const counts = { ...COUNTS, transitions: 2_000, events: 200, invocations: {}, calls: { a: 20 } };
    const linear = () => extrapolated(ten, { clusters: 20, counts }, 100);
    const steeper = () => extrapolated(ten, { clusters: 20, counts: { ...counts, transitions: 4_000 } }, 100);
    expect(steeper).toThrow('the counts are not linear');
    expect(linear()).toMatchObject({ transitions: 10_000, events: 1_000, calls: { a: 100 } });
  });
});

describe('docs/costs.md', () => {
  test('gets the section of a bench, and keeps the others', () => {
    const page = 'a\n<!-- x: written by bench/run.ts -->\nold\n<!-- end of x -->\nb\n';
    const renewed = 'a\n<!-- x: written by bench/run.ts -->\n\nnew\n\n<!-- end of x -->\nb\n';
    expect(withSection(page, 'x', ['new'])).toBe(renewed);
    expect(withSection(renewed, 'x', ['new'])).toBe(renewed);
    expect(() => withSection(page, 'y', [])).toThrow('docs/costs.md has no section of y');
  });

  test('has numbers with separators', () => {
    expect(table(['', 'n'], [['a', 1234]])).toEqual(['|  | n |', '| --- | ---: |', '| a | 1,234 |']);
  });
});

describe('the benches run at a small size', async () => {
  const region = await BenchRegion.start();
  afterAll(() => region.stop());

  test('a rollout adds at most ten transitions to the migration of each cluster', async () => {
    const [rollout] = await rollouts(region, [2], 1);
    expect(rollout?.above).toBeGreaterThan(0);
    expect(rollout?.above).toBeLessThanOrEqual(10);
  });

  test('every cluster of a burst migrates', async () => {
    expect((await rideAll(region, 2)).map(({ migrated }) => migrated)).toEqual([2, 2, 2]);
  });

  test('three ways lead one cluster to its target', async () => {
    const done = await ways(region, 3, 4);
    expect(done.map(({ what }) => what)).toEqual([
      'nightshift',
      'a script, node after node',
      'an inline Map, 50 nodes an iteration',
    ]);
    expect(done.every(({ disruption, rollout }) => disruption > 0 && rollout > 0)).toBe(true);
  });
});
