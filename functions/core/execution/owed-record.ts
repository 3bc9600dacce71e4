import * as z from 'zod/mini';
import { taskEvents } from './task-history.ts';

const Scheduled = z.object({ Payload: z.looseObject({ ending: z.string() }) });
const Succeeded = z.object({ Payload: z.object({ announced: z.boolean() }) });

/** The state, in both state machines, that records the ending. */
const RECORDING = 'RecordOutcome';

/** The input that an execution passed to the function that records its ending, and the result. */
export interface OwedRecord {
  payload: Record<string, unknown>;
  ending: string;
  /** The function ran at least once, and has therefore paged a person if that was due. */
  ran: boolean;
  /** The bus has the event. */
  announced: boolean;
}

/**
 * The record that an execution still owes, read from its history: one event a line, in order, as the API returns them.
 * Null for an execution that did not reach the state that records its ending.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_HistoryEvent.html
 */
export function owedRecord(history: readonly string[]): OwedRecord | null {
  let owed: OwedRecord | undefined;
  for (const event of taskEvents(history, RECORDING)) {
    if (event.kind === 'sent') {
      const payload = payloadOf(event.parameters);
      if (payload) owed = { ran: false, announced: false, ...owed, payload, ending: payload.ending };
      continue;
    }
    const answer = event.output === null ? null : answerOf(event.output);
    if (owed && answer) owed = { ...owed, ran: true, announced: owed.announced || answer.announced };
  }
  return owed ?? null;
}

const payloadOf = (text: string) => z.safeParse(Scheduled, JSON.parse(text)).data?.Payload ?? null;
const answerOf = (text: string) => z.safeParse(Succeeded, JSON.parse(text)).data?.Payload ?? null;
