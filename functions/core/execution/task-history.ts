import * as z from 'zod/mini';

const Event = z.object({
  stateEnteredEventDetails: z.exactOptional(z.object({ name: z.string() })),
  taskScheduledEventDetails: z.exactOptional(z.object({ parameters: z.string() })),
  taskSucceededEventDetails: z.exactOptional(z.object({ output: z.exactOptional(z.string()) })),
});

/** What a Task state sent, and what came back: both texts of JSON. `output` is null if the history does not hold it. */
export type TaskEvent = { kind: 'sent'; parameters: string } | { kind: 'succeeded'; output: string | null };

/**
 * What one Task state of an execution did, in order, read from the execution's history: one event a line, as the API
 * returns them.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export function taskEvents(history: readonly string[], state: string): TaskEvent[] {
  const found: TaskEvent[] = [];
  let isInside = false;
  for (const line of history) {
    const event = z.safeParse(Event, JSON.parse(line)).data;
    if (!event) continue;
    const { stateEnteredEventDetails, taskScheduledEventDetails, taskSucceededEventDetails } = event;
    if (stateEnteredEventDetails) isInside = stateEnteredEventDetails.name === state;
    if (!isInside) continue;
    if (taskScheduledEventDetails) found.push({ kind: 'sent', parameters: taskScheduledEventDetails.parameters });
    if (taskSucceededEventDetails) found.push({ kind: 'succeeded', output: taskSucceededEventDetails.output ?? null });
  }
  return found;
}
