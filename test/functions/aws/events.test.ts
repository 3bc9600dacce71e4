import type * as Sdk from '@aws-sdk/client-eventbridge';
import { operations } from '@nightshift/sandbox/wire';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventBus } from '../../../functions/aws/events.ts';
import { startWire, type Wire } from './wire.ts';

let refuse = false;
let wire: Wire;
beforeAll(async () => {
  wire = await startWire({
    events: operations<typeof Sdk>({
      PutEvents: () =>
        refuse
          ? { FailedEntryCount: 1, Entries: [{ ErrorCode: 'InternalFailure', ErrorMessage: 'try again' }] }
          : { FailedEntryCount: 0, Entries: [{ EventId: 'e-1' }] },
    }),
  });
});
afterAll(() => wire.close());

const bus = eventBus(() => 'nightshift');
const event = {
  detailType: 'nightshift.MigrationSucceeded' as const,
  resources: ['arn:x'],
  detail: { ending: 'migrated' },
};

test('an ending goes to the named bus under the source nightshift', async () => {
  await bus.put(event);
  expect(wire.calls[0]?.input).toEqual({
    Entries: [
      {
        EventBusName: 'nightshift',
        Source: 'nightshift',
        DetailType: 'nightshift.MigrationSucceeded',
        Resources: ['arn:x'],
        Detail: '{"version":1,"ending":"migrated"}',
      },
    ],
  });
});

test('an event that the bus did not take is an error, although the call succeeded', async () => {
  refuse = true;
  await expect(bus.put(event)).rejects.toThrow(
    'the event bus refused nightshift.MigrationSucceeded: InternalFailure try again',
  );
});
