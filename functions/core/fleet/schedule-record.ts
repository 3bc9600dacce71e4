import * as z from 'zod/mini';
import type { PlannedSlot } from './slots.ts';

const moment = z.iso.datetime();

/** What is remembered of a cluster's schedule; times are ISO 8601 in UTC. */
export const ScheduleRecord = z.object({
  /** The schedule that was made last; null where none is to be. */
  planned: z.nullable(z.object({ window: z.string(), windowStart: moment, at: moment })),
  /** Starts of windows to come for which somebody deleted the schedule. */
  cancelled: z.array(moment),
});
export type ScheduleRecord = z.output<typeof ScheduleRecord>;

export const NOTHING_PLANNED: ScheduleRecord = { planned: null, cancelled: [] };

/**
 * The record with what was cancelled since it was written: a schedule that is gone before it could fire was deleted by
 * hand. Windows that have begun are forgotten.
 */
export function noticeCancelled({ planned, cancelled }: ScheduleRecord, isThere: boolean, now: Date): ScheduleRecord {
  const wasDeleted = planned !== null && !isThere && new Date(planned.at) > now;
  const starts = wasDeleted ? [...cancelled, planned.windowStart] : cancelled;
  const toCome = [...new Set(starts)].filter((start) => new Date(start) > now).sort();
  return { planned: wasDeleted ? null : planned, cancelled: toCome };
}

const plannedOf = ({ window, windowStart, at }: PlannedSlot): ScheduleRecord['planned'] => ({
  window,
  windowStart: windowStart.toISOString(),
  at: at.toISOString(),
});

/** The record after a decision was carried out. */
export function recordAfter(
  record: ScheduleRecord,
  decision: { kind: string; slot?: PlannedSlot | null },
): ScheduleRecord {
  if (decision.slot === undefined) return { ...record, planned: null };
  return decision.slot === null ? record : { ...record, planned: plannedOf(decision.slot) };
}
