import { z } from 'zod';
import { holderOf } from '../../functions/core/execution/lease.ts';
import { momentOf } from '../../functions/core/window/schedule.ts';
import type { Connection } from '../aws.ts';
import { parseJson, type Step } from '../story/history.ts';
import { leaseLeft } from '../story/parts.ts';
import { type ExecutionName, parseExecutionArn } from './executions.ts';

/** The members of CreateSchedule and UpdateSchedule that show when the lease starts which execution. */
const Schedule = z.object({
  ScheduleExpression: z.string(),
  ScheduleExpressionTimezone: z.string(),
  Target: z.object({ Input: z.string() }),
});
const StartExecution = z.object({ Name: z.string() });

/**
 * When the lease that executions left on their cluster starts the execution `name`; null if they left no
 * lease, or if it starts a different execution. Only a call that EventBridge Scheduler has answered has set a lease.
 */
export function leaseStarts(steps: readonly Step[], name: string): Date | null {
  const schedule = Schedule.safeParse(parseJson(leaseLeft(steps)?.parameters ?? undefined)).data;
  const start = StartExecution.safeParse(parseJson(schedule?.Target.Input)).data;
  if (!schedule || start?.Name !== name) return null;
  return momentOf(schedule.ScheduleExpression, schedule.ScheduleExpressionTimezone);
}

const Lease = z.object({ GroupName: z.string(), Name: z.string() });

/**
 * The execution that holds the lease which `steps` found taken; null if no execution holds it now, or if these
 * credentials may not read it. It is read after the end, so the holder may have changed meanwhile.
 */
export async function holderNow(connection: Connection, steps: readonly Step[]): Promise<ExecutionName | null> {
  const refused = steps.findLast((step) => step.kind === 'failed' && step.calls === 'scheduler:createSchedule');
  const lease = Lease.safeParse(refused && parseJson(parametersOf(refused))).data;
  if (!lease) return null;
  const input = await scheduleInput(connection, lease).catch(() => null);
  const holder = input === null ? null : holderOf(input);
  return holder === null ? null : parseExecutionArn(holder);
}

function parametersOf(step: Step): string | undefined {
  return step.kind === 'failed' ? (step.parameters ?? undefined) : undefined;
}

async function scheduleInput(connection: Connection, lease: { GroupName: string; Name: string }): Promise<string> {
  const { GetScheduleCommand, SchedulerClient } = await import('@aws-sdk/client-scheduler');
  const client = new SchedulerClient(connection.settings);
  try {
    const { Target } = await client.send(new GetScheduleCommand(lease));
    return Target?.Input ?? '';
  } finally {
    client.destroy();
  }
}
