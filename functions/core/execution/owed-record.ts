import * as z from 'zod/mini';

const Event = z.object({
  type: z.string(),
  stateEnteredEventDetails: z.exactOptional(z.object({ name: z.string() })),
  taskScheduledEventDetails: z.exactOptional(z.object({ parameters: z.string() })),
  taskSucceededEventDetails: z.exactOptional(z.object({ output: z.exactOptional(z.string()) })),
});
const Scheduled = z.object({ Payload: z.looseObject({ ending: z.string() }) });
const Succeeded = z.object({ Payload: z.object({ announced: z.boolean() }) });

/** The state of both state machines that records their ending. */
const RECORDING = 'RecordOutcome';

/** What an execution gave to the function that records its ending, and what came of it. */
export interface OwedRecord {
  payload: Record<string, unknown>;
  ending: string;
  /** The function ran at least once, and so has paged if it had to. */
  ran: boolean;
  /** The bus has the event. */
  announced: boolean;
}

/**
 * The record that an execution still owes, out of its history: one event a line, in their order, as the API gives them.
 * Null for an execution that did not come to record its ending.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export function owedRecord(history: readonly string[]): OwedRecord | null {
  let owed: OwedRecord | undefined;
  let inside = false;
  for (const line of history) {
    const event = z.safeParse(Event, JSON.parse(line)).data;
    if (!event) continue;
    const entered = event.stateEnteredEventDetails?.name;
    if (entered !== undefined) inside = entered === RECORDING;
    if (!inside) continue;
    const scheduled = payloadOf(event.taskScheduledEventDetails?.parameters);
    if (scheduled)
      owed = {
        ran: owed?.ran ?? false,
        announced: owed?.announced ?? false,
        payload: scheduled,
        ending: scheduled.ending,
      };
    const answer = answerOf(event.taskSucceededEventDetails?.output);
    if (owed && answer) owed = { ...owed, ran: true, announced: owed.announced || answer.announced };
  }
  return owed ?? null;
}

const payloadOf = (text: string | undefined) =>
  text === undefined ? null : (z.safeParse(Scheduled, JSON.parse(text)).data?.Payload ?? null);
const answerOf = (text: string | undefined) =>
  text === undefined ? null : (z.safeParse(Succeeded, JSON.parse(text)).data?.Payload ?? null);
