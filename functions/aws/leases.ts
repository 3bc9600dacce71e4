import { GetScheduleCommand, SchedulerClient } from '@aws-sdk/client-scheduler';
import { leaseName } from '../core/lease.ts';
import { isNamed, memoised } from './clients.ts';

/** The leases of this account and Region, which are schedules; the state machines take and release them. */
export interface Leases {
  /** Whether an execution works on the cluster. */
  held(cluster: string): Promise<boolean>;
}

const client = memoised((options) => new SchedulerClient(options));

/** The leases in this schedule group, which is looked up at the first call. */
export function leasesIn(group: () => string): Leases {
  return {
    async held(cluster) {
      try {
        await client().send(new GetScheduleCommand({ GroupName: group(), Name: leaseName(cluster) }));
        return true;
      } catch (error) {
        if (isNamed(error, 'ResourceNotFoundException')) return false;
        throw error;
      }
    },
  };
}
