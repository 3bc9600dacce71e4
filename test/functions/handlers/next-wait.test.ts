import { expect, test } from 'vitest';
import { nextWait } from '../../../functions/handlers/shared/next-wait.ts';

const now = new Date('2026-11-21T07:00:00Z');
const deadlineIn = (seconds: number) => ({ now, deadline: new Date(now.getTime() + seconds * 1000) });

test('polls space out with the expected time and then keep their distance', () => {
  const waits = [1, 2, 3, 4, 5, 20].map((poll) => nextWait(poll, 60, deadlineIn(7200)));
  expect(waits).toEqual([30, 60, 120, 240, 240, 240]);
});

test('the last poll is at the deadline', () => {
  expect(nextWait(9, 60, deadlineIn(40))).toBe(40);
});

test('a deadline that has passed is asked about once more, a second later', () => {
  expect(nextWait(1, 60, deadlineIn(-5))).toBe(1);
});
