import { waitSeconds } from '../../core/execution/estimate.ts';

/**
 * Seconds until the state machine shall ask again after its poll number `poll` (from 1) of something that takes about
 * `expectedSeconds`: never past the deadline, at which the last question is asked.
 */
export function nextWait(poll: number, expectedSeconds: number, time: { now: Date; deadline: Date }): number {
  const left = Math.ceil((time.deadline.getTime() - time.now.getTime()) / 1000);
  return Math.max(1, Math.min(waitSeconds(poll, expectedSeconds), left));
}
