import { EventBridge } from '@aws-sdk/client-eventbridge';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type BusEvent, EventBuses, eventsService } from '../../services/events.ts';
import { TestRegion } from './region.ts';

let world: TestRegion;
let client: EventBridge;
let heard: { bus: string; event: BusEvent }[];
beforeEach(async () => {
  world = new TestRegion();
  heard = [];
  const buses = new EventBuses(world.region, { buses: ['ops'], onEvent: (event, bus) => heard.push({ bus, event }) });
  world.dispatcher.register('events', eventsService(buses));
  client = new EventBridge(await world.listen());
});
afterEach(() => world.close());

const entry = { Source: 'nightshift', DetailType: 'nightshift.MigrationSucceeded', Detail: '{"cluster":"demo"}' };

test('an event is stored in the envelope that rules see', async () => {
  const { FailedEntryCount, Entries } = await client.putEvents({
    Entries: [{ ...entry, EventBusName: 'ops', Resources: ['arn:aws:eks:x'] }],
  });
  expect(FailedEntryCount).toBe(0);
  expect(heard).toEqual([
    {
      bus: 'ops',
      event: {
        version: '0',
        id: Entries?.[0]?.EventId,
        'detail-type': 'nightshift.MigrationSucceeded',
        source: 'nightshift',
        account: '111122223333',
        time: '2026-11-21T22:00:00Z',
        region: 'us-east-1',
        resources: ['arn:aws:eks:x'],
        detail: { cluster: 'demo' },
      },
    },
  ]);
});

test('an invalid entry fails alone, in a reply that succeeds', async () => {
  const { FailedEntryCount, Entries } = await client.putEvents({
    Entries: [entry, { ...entry, Detail: 'no json' }, { ...entry, Source: 'aws.eks' }, { Detail: '{}', Source: 's' }],
  });
  expect(FailedEntryCount).toBe(3);
  expect(Entries?.map(({ ErrorCode }) => ErrorCode)).toEqual([
    undefined,
    'MalformedDetail',
    'NotAuthorizedForSourceException',
    'InvalidArgument',
  ]);
  expect(heard).toHaveLength(1);
});

test('eleven entries are too many', async () => {
  await expect(client.putEvents({ Entries: Array.from({ length: 11 }, () => entry) })).rejects.toMatchObject({
    name: 'ValidationException',
  });
});
