import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { memoised } from './clients.ts';

export type EndingEvent =
  | 'nightshift.MigrationSucceeded'
  | 'nightshift.MigrationFailed'
  | 'nightshift.MigrationRefused'
  | 'nightshift.MigrationRolledBack'
  | 'nightshift.RollbackFailed';

/** What nightshift says on its bus. */
export type EventName = EndingEvent | 'nightshift.DriftDetected';

/** The event bus on which nightshift says how a migration ended, and what it noticed. */
export interface EventBus {
  /** Throws when the bus did not take the event: PutEvents answers 200 for that too. */
  put(event: { detailType: EventName; resources: string[]; detail: Record<string, unknown> }): Promise<void>;
}

/** Of the schemas in docs/events: a field that goes, or that means something else, makes a new one. */
const DETAIL_VERSION = 1;

const client = memoised((options) => new EventBridgeClient(options));

/**
 * The bus of this name (or ARN); it is looked up at the first call. Source of every event: `nightshift`; each detail
 * carries the version of its schema.
 */
export function eventBus(name: () => string): EventBus {
  return {
    async put({ detailType, resources, detail }) {
      const entry = {
        Source: 'nightshift',
        DetailType: detailType,
        Resources: resources,
        Detail: JSON.stringify({ version: DETAIL_VERSION, ...detail }),
      };
      const answer = await client().send(new PutEventsCommand({ Entries: [{ ...entry, EventBusName: name() }] }));
      const refused = answer.Entries?.find(({ ErrorCode }) => ErrorCode !== undefined);
      if (answer.FailedEntryCount || refused)
        throw new Error(`the event bus refused ${detailType}: ${refused?.ErrorCode} ${refused?.ErrorMessage}`);
    },
  };
}
