import { expect, test } from 'vitest';
import { readAt } from '../../../functions/runtime/clock.ts';

test('an event is read when it comes, but never before it happened', () => {
  const [friday, saturday] = [new Date('2026-11-20T22:00:00Z'), new Date('2026-11-21T22:00:00Z')];
  expect([readAt(friday, saturday), readAt(saturday, friday)]).toEqual([saturday, saturday]);
});
