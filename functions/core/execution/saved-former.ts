import * as z from 'zod/mini';
import { taskEvents } from './task-history.ts';

const PutObject = z.object({ Body: z.record(z.string(), z.unknown()) });

/** The state of migrate-cluster that saves the former state before the change. */
const SAVING = 'SaveFormer';

/**
 * The text of the `former.json` that an execution saved, read from its history: one event a line, in order, as the API
 * returns them. The state machine saved an object, so this text and the text in the bucket are the same JSON, perhaps
 * in a different layout. Null if the history has no such state, or the state did not succeed.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export function savedFormer(history: readonly string[]): string | null {
  let saved: string | null = null;
  let sent: string | null = null;
  for (const event of taskEvents(history, SAVING)) {
    if (event.kind === 'sent') sent = bodyOf(event.parameters);
    else saved = sent;
  }
  return saved;
}

function bodyOf(parameters: string): string | null {
  const { data } = z.safeParse(PutObject, JSON.parse(parameters));
  return data ? JSON.stringify(data.Body) : null;
}
