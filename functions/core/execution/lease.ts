import * as z from 'zod/mini';
import { cutName } from '../values/digest.ts';

/*
 * The format of a lease: its name, and who holds it. What a lease is for: docs/decisions/lease.md.
 * - taken: AcquireLease of migrate-cluster; TakeLease and TakeOverLease of rollback-cluster
 * - renewed: RenewLease, right before the change
 * - checked before each disruptive call: functions/handlers/shared/require-lease.ts
 * - read: functions/aws/leases.ts
 * - released: ReleaseLease of both machines; ReleaseLeaseForWait before a long wait
 */

const LONGEST = 64;
const PREFIX = 'nightshift-';

/**
 * The name of the EventBridge Scheduler schedule that is a cluster's lease. A name that is too long is cut, and gets a
 * digest behind a dot. No cluster's name has a dot, so two clusters never share a lease.
 * https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
 */
export function leaseName(cluster: string): string {
  return cutName(`${PREFIX}${cluster}`, { of: cluster, longest: LONGEST, separator: '.' });
}

const Target = z.object({ Input: z.string() });
const Held = z.object({ holder: z.string().check(z.minLength(1)) });

/**
 * The ARN of the execution that holds a lease, read from the input of the schedule's target. The target is the
 * StartExecution call that the schedule makes if it is not deleted; that call's own input carries `holder`. Null for a
 * schedule that was not made by an execution: then no execution holds the lease.
 */
export function holderOf(targetInput: string): string | null {
  const target = Target.safeParse(json(targetInput));
  const held = Held.safeParse(target.success ? json(target.data.Input) : undefined);
  return held.success ? held.data.holder : null;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
