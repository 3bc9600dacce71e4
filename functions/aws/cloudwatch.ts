import { CloudWatchClient, paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import type { AlarmAnswer, DescribedAlarm } from '../core/guards/alarms.ts';
import { memoised } from './clients.ts';

/** The CloudWatch calls that nightshift makes. */
export interface CloudWatch {
  /**
   * The metric and composite alarms of these names that exist in this account and Region. Without names nothing is
   * asked. Any failure is an answer of its own, not an error: whether an unknown state stops a change is the
   * settings' decision.
   */
  alarms(names: readonly string[]): Promise<AlarmAnswer>;
}

/** As many names as one call takes, and as many alarms as one answer holds. */
const PAGE = 100;

/**
 * CloudWatch is asked while a migration waits, so an outage of CloudWatch must be an answer within the time of the
 * function that asks: three attempts of 8 seconds at most.
 */
const client = memoised(
  (options) =>
    new CloudWatchClient({
      ...options,
      maxAttempts: 3,
      requestHandler: { ...options.requestHandler, connectionTimeout: 3_000, requestTimeout: 5_000 },
    }),
);

export const cloudwatch: CloudWatch = {
  async alarms(names) {
    try {
      const alarms: DescribedAlarm[] = [];
      for (let start = 0; start < names.length; start += PAGE)
        alarms.push(...(await describe(names.slice(start, start + PAGE))));
      return { kind: 'read', alarms };
    } catch (error) {
      return { kind: 'unreadable', reason: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
    }
  },
};

/**
 * Without `AlarmTypes` CloudWatch answers metric alarms alone.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
 */
async function describe(names: readonly string[]): Promise<DescribedAlarm[]> {
  const request = {
    AlarmNames: [...names],
    AlarmTypes: ['MetricAlarm' as const, 'CompositeAlarm' as const],
    MaxRecords: PAGE,
  };
  const found: DescribedAlarm[] = [];
  for await (const page of paginateDescribeAlarms({ client: client() }, request))
    for (const { AlarmName, StateValue, StateReason = '' } of [
      ...(page.MetricAlarms ?? []),
      ...(page.CompositeAlarms ?? []),
    ]) {
      if (AlarmName === undefined || StateValue === undefined)
        throw new Error('CloudWatch described an alarm without its name or state');
      found.push({ name: AlarmName, state: StateValue, reason: StateReason });
    }
  return found;
}
