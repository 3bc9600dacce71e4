import { z } from 'zod';
import type { Region } from '../../region.ts';
import type { BusEvent } from '../events.ts';
import { uuid } from '../latency.ts';

/** What `POST /_sandbox/events` does not take. */
export class InvalidEvent extends Error {
  override readonly name = 'InvalidEvent';
}

const Event = z.strictObject({
  'detail-type': z.string().min(1),
  source: z.string().min(1),
  detail: z.record(z.string(), z.unknown()),
  resources: z.array(z.string()).optional(),
  time: z.iso.datetime({ offset: true }).optional(),
  id: z.string().min(1).optional(),
  account: z
    .string()
    .regex(/^\d{12}$/)
    .optional(),
  region: z.string().min(1).optional(),
  version: z.literal('0').optional(),
});

/**
 * One AWS event or a list of them, with account, Region, time, id and resources filled in where they are left out.
 *
 * @throws InvalidEvent naming the place and the rule.
 */
export function readEvents(body: string, region: Region): BusEvent[] {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch (cause) {
    throw new InvalidEvent(`events: must be JSON: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  const list: unknown[] = Array.isArray(json) ? json : [json];
  return list.map((value, index) => readEvent(value, index, region));
}

function readEvent(value: unknown, index: number, { account, name, clock, random }: Region): BusEvent {
  const parsed = Event.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new InvalidEvent(`${['events', index, ...(issue?.path ?? [])].join('.')}: ${issue?.message}`);
  }
  const { resources = [], time, id, account: of = account, region: at = name, ...event } = parsed.data;
  return {
    ...event,
    account: of,
    region: at,
    version: '0',
    id: id ?? uuid({ random }),
    time:
      time ??
      clock
        .now()
        .toISOString()
        .replace(/\.\d+Z$/, 'Z'),
    resources,
  };
}
