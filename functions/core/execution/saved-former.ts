import * as z from 'zod/mini';

const Event = z.object({
  stateEnteredEventDetails: z.exactOptional(z.object({ name: z.string() })),
  taskScheduledEventDetails: z.exactOptional(z.object({ parameters: z.string() })),
  taskSucceededEventDetails: z.exactOptional(z.object({ resource: z.string() })),
});
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
  let inside = false;
  for (const line of history) {
    const event = z.safeParse(Event, JSON.parse(line)).data;
    if (!event) continue;
    const entered = event.stateEnteredEventDetails?.name;
    if (entered !== undefined) inside = entered === SAVING;
    if (!inside) continue;
    const { parameters } = event.taskScheduledEventDetails ?? {};
    if (parameters !== undefined) sent = bodyOf(parameters);
    if (event.taskSucceededEventDetails) saved = sent;
  }
  return saved;
}

function bodyOf(parameters: string): string | null {
  const { data } = z.safeParse(PutObject, JSON.parse(parameters));
  return data ? JSON.stringify(data.Body) : null;
}
