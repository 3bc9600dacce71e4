import { shortDigest } from './digest.ts';

const LONGEST = 64;
const PREFIX = 'nightshift-';

/**
 * The name of the EventBridge Scheduler schedule that is a cluster's lease. A name that is too long is cut and told
 * apart by a digest behind a dot, which no cluster's name has, so two clusters never share a lease.
 * https://docs.aws.amazon.com/scheduler/latest/APIReference/API_CreateSchedule.html
 */
export function leaseName(cluster: string): string {
  const name = `${PREFIX}${cluster}`;
  if (name.length <= LONGEST) return name;
  const digest = shortDigest(cluster);
  return `${name.slice(0, LONGEST - digest.length - 1)}.${digest}`;
}
