import { GetScheduleCommand, type GetScheduleCommandOutput, SchedulerClient } from '@aws-sdk/client-scheduler';
import { holderOf, leaseName } from '../core/execution/lease.ts';
import { isNamed, memoised } from './clients.ts';

/** The leases of this account and Region, which are schedules; the state machines take and release them. */
export interface Leases {
  /** Whether an execution works on the cluster. */
  held(cluster: string): Promise<boolean>;
  /** The ARN of the execution that holds the cluster's lease; null if no execution holds it. */
  holder(cluster: string): Promise<string | null>;
}

const client = memoised((options) => new SchedulerClient(options));

/** The leases in this schedule group, whose name is read at the first call. */
export function leasesIn(group: () => string): Leases {
  return {
    held: async (cluster) => (await find(group(), cluster)) !== null,
    async holder(cluster) {
      const schedule = await find(group(), cluster);
      return schedule && holderOf(schedule.Target?.Input ?? '');
    },
  };
}

async function find(group: string, cluster: string): Promise<GetScheduleCommandOutput | null> {
  try {
    return await client().send(new GetScheduleCommand({ GroupName: group, Name: leaseName(cluster) }));
  } catch (error) {
    if (isNamed(error, 'ResourceNotFoundException')) return null;
    throw error;
  }
}
