import type * as Sdk from '@aws-sdk/client-cloudwatch';
import { operations, ServiceError } from '@nightshift/sandbox/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cloudwatch } from '../../../functions/aws/cloudwatch.ts';
import { startWire, type Wire } from './wire.ts';

let denied = false;
let wire: Wire;
beforeAll(async () => {
  wire = await startWire({
    monitoring: operations<Pick<typeof Sdk, 'DescribeAlarmsCommand'>>({
      DescribeAlarms({ AlarmNames = [], AlarmTypes = ['MetricAlarm'] }) {
        if (denied) throw new ServiceError('AccessDenied', 'User is not authorized', 403);
        const described = (type: string, wanted: string) =>
          AlarmTypes.includes(type === 'metric' ? 'MetricAlarm' : 'CompositeAlarm')
            ? AlarmNames.filter((name) => name.startsWith(wanted)).map((AlarmName) => ({
                AlarmName,
                StateValue: 'ALARM' as const,
                StateReason: `it is a ${type} alarm`,
              }))
            : [];
        return { MetricAlarms: described('metric', 'm'), CompositeAlarms: described('composite', 'c') };
      },
    }),
  });
});
afterAll(() => wire.close());

test('metric and composite alarms are read together; one that does not exist is absent', async () => {
  expect(await cloudwatch.alarms(['m1', 'c1', 'gone'])).toEqual({
    kind: 'read',
    alarms: [
      { name: 'm1', state: 'ALARM', reason: 'it is a metric alarm' },
      { name: 'c1', state: 'ALARM', reason: 'it is a composite alarm' },
    ],
  });
});

test('a call asks for at most 100 alarms, and none is made without names', async () => {
  const before = wire.calls.length;
  expect(await cloudwatch.alarms([])).toEqual({ kind: 'read', alarms: [] });
  expect(wire.calls.length).toBe(before);
  const names = Array.from({ length: 101 }, (_, index) => `m${index}`);
  expect(await cloudwatch.alarms(names)).toMatchObject({ kind: 'read', alarms: { length: 101 } });
  expect(wire.calls.length).toBe(before + 2);
});

test('alarms that CloudWatch does not let one read are an answer, with the error of CloudWatch', async () => {
  denied = true;
  expect(await cloudwatch.alarms(['m1'])).toEqual({
    kind: 'unreadable',
    reason: 'AccessDenied: User is not authorized',
  });
});
