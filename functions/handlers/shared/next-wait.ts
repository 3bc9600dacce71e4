import { waitSeconds } from '../../core/execution/estimate.ts';

/**
 * Seconds that the state machine waits after poll number `poll` (from 1) of something that takes about
 * `expectedSeconds`. The wait never ends after the deadline: the last poll is made at the deadline.
 */
export function nextWait(poll: number, expectedSeconds: number, time: { now: Date; deadline: Date }): number {
  const left = Math.ceil((time.deadline.getTime() - time.now.getTime()) / 1000);
  return Math.max(1, Math.min(waitSeconds(poll, expectedSeconds), left));
}
