import type * as Sdk from '@aws-sdk/client-scheduler';
import { operations, ServiceError } from '@nightshift/sandbox/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { leasesIn } from '../../../functions/aws/leases.ts';
import { startWire, type Wire } from './wire.ts';

let wire: Wire;
beforeAll(async () => {
  wire = await startWire({
    scheduler: operations<typeof Sdk>({
      GetSchedule({ Name }) {
        if (Name === 'nightshift-demo') return { Name, GroupName: 'nightshift-leases' };
        if (Name === 'nightshift-held')
          return { Name, Target: { Arn: 'a', RoleArn: 'r', Input: '{"Input":"{\\"holder\\":\\"arn:e\\"}"}' } };
        if (Name === 'nightshift-shut') throw new ServiceError('ValidationException', 'no such group');
        throw new ServiceError('ResourceNotFoundException', `Schedule ${Name} does not exist.`, 404);
      },
    }),
  });
});
afterAll(() => wire.close());

const leases = leasesIn(() => 'nightshift-leases');

test('a lease is held as long as its schedule exists', async () => {
  expect([await leases.held('demo'), await leases.held('blue')]).toEqual([true, false]);
  expect(wire.calls.map(({ input }) => input)).toEqual([
    { GroupName: 'nightshift-leases', Name: 'nightshift-demo' },
    { GroupName: 'nightshift-leases', Name: 'nightshift-blue' },
  ]);
});

test('an error is not taken for a free lease', async () => {
  await expect(leases.held('shut')).rejects.toMatchObject({ name: 'ValidationException' });
});

test('its holder is the execution that took it; null if there is no schedule, or one of another kind', async () => {
  expect([await leases.holder('held'), await leases.holder('blue'), await leases.holder('demo')]).toEqual([
    'arn:e',
    null,
    null,
  ]);
});
