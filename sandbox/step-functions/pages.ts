import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { ServiceError } from '../wire/error.ts';

const LARGEST_PAGE = 1000;

/**
 * One page of a list. `maxResults` 0 or absent means `usual`; the token is opaque to the caller.
 * Throws InvalidToken.
 */
export function page<T>(
  all: readonly T[],
  maxResults: number | undefined,
  usual: number,
  token: string | undefined,
): { items: T[]; rest: { nextToken?: string } } {
  const [, offset] =
    /^from:(\d+)$/.exec(token === undefined ? 'from:0' : Buffer.from(token, 'base64url').toString()) ?? [];
  if (offset === undefined) throw new ServiceError('InvalidToken', `Invalid Token: '${token}'`);
  const start = Number(offset);
  const end = start + Math.min(maxResults || usual, LARGEST_PAGE);
  const rest = end < all.length ? { nextToken: Buffer.from(`from:${end}`).toString('base64url') } : {};
  return { items: all.slice(start, end), rest };
}

/** The API calls an event's input and output its execution data. A task's `parameters` are a required member and stay. */
const DATA = new Set(['input', 'output', 'assignedVariables']);

/**
 * An event without the data that went through the execution (`includeExecutionData: false`).
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_GetExecutionHistory.html
 */
export function withoutData(event: HistoryEvent): HistoryEvent {
  const bare = { ...event };
  for (const [key, details] of Object.entries(event))
    if (key.endsWith('EventDetails') && typeof details === 'object' && details !== null)
      Object.assign(bare, { [key]: Object.fromEntries(Object.entries(details).filter(([name]) => !DATA.has(name))) });
  return bare;
}
