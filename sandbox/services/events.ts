import type * as Sdk from '@aws-sdk/client-eventbridge';
import type { Region } from '../region.ts';
import { ServiceError } from '../wire/error.ts';
import { type Operations, operations } from '../wire/operations.ts';
import { uuid } from './latency.ts';

/** An event as rules and their targets see it. */
export interface BusEvent {
  readonly version: '0';
  readonly id: string;
  readonly 'detail-type': string;
  readonly source: string;
  readonly account: string;
  /** ISO, whole seconds. */
  readonly time: string;
  readonly region: string;
  readonly resources: readonly string[];
  readonly detail: unknown;
}

/** Hears an event right after it was stored; `milliseconds`: when it is to be delivered, if not as usual. */
export type OnEvent = (event: BusEvent, bus: string, milliseconds?: number) => void;

/** The Region's event buses: what was put on them, in order. */
export class EventBuses {
  readonly #region: Region;
  readonly #names: Set<string>;
  readonly #onEvent: OnEvent;
  readonly #events: { bus: string; event: BusEvent }[] = [];

  /** `default` is always there. */
  constructor(region: Region, options: { buses?: readonly string[]; onEvent?: OnEvent } = {}) {
    this.#region = region;
    this.#names = new Set(['default', ...(options.buses ?? [])]);
    this.#onEvent = options.onEvent ?? (() => undefined);
  }

  get events(): readonly { bus: string; event: BusEvent }[] {
    return this.#events;
  }

  has(bus: string): boolean {
    return this.#names.has(bus);
  }

  /** Throws ResourceAlreadyExistsException. */
  create(bus: string): void {
    if (this.has(bus)) throw new ServiceError('ResourceAlreadyExistsException', `Event bus ${bus} already exists.`);
    this.#names.add(bus);
  }

  put(bus: string, event: BusEvent, milliseconds?: number): void {
    this.#events.push({ bus, event });
    this.#onEvent(event, bus, milliseconds);
  }

  /** Makes an event out of one entry of PutEvents, or returns why the entry is invalid. */
  read(entry: Sdk.PutEventsRequestEntry): BusEvent | { ErrorCode: string; ErrorMessage: string } {
    const { Source, DetailType, Detail, Resources = [], Time } = entry;
    for (const [name, value] of Object.entries({ Source, DetailType, Detail }))
      if (!value)
        return {
          ErrorCode: 'InvalidArgument',
          ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
        };
    if (Source?.startsWith('aws.'))
      return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
    const detail = parse(Detail ?? '');
    if (typeof detail !== 'object' || detail === null)
      return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    return {
      version: '0',
      id: uuid(this.#region),
      'detail-type': DetailType ?? '',
      source: Source ?? '',
      account: this.#region.account,
      time: (Time ?? this.#region.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z'),
      region: this.#region.name,
      resources: Resources,
      detail,
    };
  }
}

/** Amazon EventBridge: PutEvents. A refused entry is listed in the reply, which is still a success. */
export function eventsService(buses: EventBuses): Operations {
  return operations<typeof Sdk>({
    PutEvents: ({ Entries }) => {
      if (Entries.length < 1 || Entries.length > 10)
        throw new ServiceError(
          'ValidationException',
          `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length between 1 and 10`,
        );
      const results = Entries.map((entry) => {
        const bus = busName(entry.EventBusName);
        // As AWS does: an event for a bus that does not exist is taken and lost.
        const event = buses.read(entry);
        if ('ErrorCode' in event) return event;
        if (buses.has(bus)) buses.put(bus, event);
        return { EventId: event.id };
      });
      return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
    },
  });
}

/** By name or ARN; `default` if the entry names no bus. */
export function busName(nameOrArn = 'default'): string {
  return nameOrArn.replace(/^arn:.*:event-bus\//, '');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
