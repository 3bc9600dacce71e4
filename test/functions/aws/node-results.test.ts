import { expect, test } from 'vitest';
import { resultOf } from '../../../functions/aws/ssm.ts';

test.each(['Pending', 'InProgress', 'Delayed', 'Cancelling'] as const)('%s is pending', (Status) => {
  expect(resultOf({ InstanceId: 'i-1', Status })).toEqual({ node: 'i-1', state: 'pending' });
});

test.each([
  ['Failed', 'Undeliverable'],
  ['Failed', 'InvalidPlatform'],
  ['Failed', 'AccessDenied'],
  ['TimedOut', 'DeliveryTimedOut'],
  ['Cancelled', 'Terminated'],
] as const)('%s with %s is a failed node with that status', (Status, StatusDetails) => {
  expect(resultOf({ InstanceId: 'i-1', Status, StatusDetails })).toEqual({
    node: 'i-1',
    state: 'failed',
    status: StatusDetails,
    output: '',
  });
});
