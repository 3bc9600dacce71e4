import * as z from 'zod/mini';
import { taskEvents } from './task-history.ts';

const PutObject = z.object({ Body: z.record(z.string(), z.unknown()) });

/** The state of migrate-cluster that saves the former state before the change. */
const SAVING = 'SaveFormer';

/**
 * The text of the `former.json` that an execution saved, out of its history: one event a line, in their order, as the
 * API gives them. The state machine saved an object, and so its text here differs from the one in the bucket in nothing
 * that JSON means. Null for an execution whose history has no such state, or none that succeeded.
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
