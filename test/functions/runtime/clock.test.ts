import { expect, test } from 'vitest';
import { clock, readAt } from '../../../functions/runtime/clock.ts';

test("a virtual sandbox's time is a function's", () => {
  expect(clock({ NIGHTSHIFT_NOW: '2026-11-20T22:00:00.000Z' })).toEqual(new Date('2026-11-20T22:00:00Z'));
});

test('without one it is the time of the machine', () => {
  const before = new Date();
  expect(clock({}).getTime()).toBeGreaterThanOrEqual(before.getTime());
});

test('a time that is none is refused by name', () => {
  expect(() => clock({ NIGHTSHIFT_NOW: 'soon' })).toThrow('The environment variable NIGHTSHIFT_NOW is no moment.');
});

test('an event is read when it comes, but never before it happened', () => {
  const [friday, saturday] = [new Date('2026-11-20T22:00:00Z'), new Date('2026-11-21T22:00:00Z')];
  expect([readAt(friday, saturday), readAt(saturday, friday)]).toEqual([saturday, saturday]);
});
