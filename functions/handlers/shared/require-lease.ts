import type { Leases } from '../../aws/leases.ts';
import type { Execution } from '../../contracts/shared/input.ts';
import { LeaseLost } from '../../core/errors.ts';

/**
 * Refuses a disruptive step of an execution that does not hold the cluster's lease. EventBridge Scheduler has no
 * conditional calls, so between this read and the step are milliseconds in which the lease could still be lost.
 * @throws LeaseLost
 */
export async function requireLease(
  leases: Pick<Leases, 'holder'>,
  { execution, cluster }: { execution: Execution; cluster: { name: string } },
): Promise<void> {
  const holder = await leases.holder(cluster.name);
  if (holder === execution.arn) return;
  const who = holder === null ? 'no execution' : holder;
  throw new LeaseLost(`Execution ${execution.name} does not hold the lease of ${cluster.name}: ${who} does.`);
}
