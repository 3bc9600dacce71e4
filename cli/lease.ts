import { z } from 'zod';
import { momentOf } from '../functions/core/schedule.ts';
import { parseJson, type Step } from './history.ts';
import { leaseLeft } from './story-parts.ts';

/** CreateSchedule and UpdateSchedule, as far as the lease tells when it starts what. */
const Schedule = z.object({
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.string(),
  Target: z.object({ Input: z.string() }),
});
const StartExecution = z.object({ Name: z.string() });

/**
 * When the lease that executions left on their cluster starts the execution `name`; null where none of them left a
 * lease, or where it starts another execution. Only a call that EventBridge Scheduler has answered has set a lease.
 */
export function leaseStarts(steps: readonly Step[], name: string): Date | null {
  const schedule = Schedule.safeParse(parseJson(leaseLeft(steps)?.parameters ?? undefined)).data;
  const start = StartExecution.safeParse(parseJson(schedule?.Target.Input)).data;
  if (!schedule || start?.Name !== name) return null;
  return momentOf(schedule.ScheduleExpression, schedule.ScheduleExpressionTimezone);
}
