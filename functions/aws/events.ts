import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { memoised } from './clients.ts';

export type EndingEvent =
  | 'nightshift.MigrationSucceeded'
  | 'nightshift.MigrationFailed'
  | 'nightshift.MigrationRefused'
  | 'nightshift.MigrationRolledBack'
  | 'nightshift.RollbackFailed';

/** The events that nightshift publishes on its bus. */
export type EventName =
  | EndingEvent
  | 'nightshift.ApprovalRequested'
  | 'nightshift.BatchHeld'
  | 'nightshift.DriftDetected'
  | 'nightshift.RolloutEnded'
  | 'nightshift.StageEnded';

/** The event bus to which nightshift publishes the endings of migrations, drift, and held batches. */
export interface EventBus {
  /** Throws if the bus did not take the event: PutEvents answers 200 even then. */
  put(event: { detailType: EventName; resources: string[]; detail: Record<string, unknown> }): Promise<void>;
}

/** The version of the schemas in docs/events: it changes if a field is removed or changes its meaning. */
const DETAIL_VERSION = 1;

const client = memoised((options) => new EventBridgeClient(options));

/**
 * The bus of this name (or ARN), which is read at the first call. The source of every event is `nightshift`; each
 * detail has the version of its schema.
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
