import type { ObjectStore } from '../../aws/s3.ts';
import type { ScheduleGroup, StartSchedule } from '../../aws/scheduler.ts';
import { assertNever } from '../../core/errors.ts';
import { type Planned, type Subject, scheduleName } from '../../core/fleet/schedule-plan.ts';
import { recordAfter, type ScheduleRecord } from '../../core/fleet/schedule-record.ts';
import type { PlannedSlot } from '../../core/fleet/slots.ts';
import { atExpression } from '../../core/window/schedule.ts';
import type { Log } from '../../runtime/wrap.ts';
import { writeScheduleRecord } from './evidence.ts';

interface Deps {
  schedules: ScheduleGroup;
  store: Pick<ObjectStore, 'put'>;
}

/** `stored`: the record as it was read. */
export type Seen = Subject & { stored: ScheduleRecord };

/**
 * Carries out the decision on a cluster's schedule, and stores it. The stored record never names a schedule that does
 * not exist: the next run would conclude that a person had deleted it.
 */
export async function carryOut(deps: Deps, { subject, decision }: Planned<Seen>, log: Log): Promise<void> {
  const { cluster, record, stored } = subject;
  const name = scheduleName(cluster);
  const remember = async () => {
    const after = recordAfter(record, decision);
    if (JSON.stringify(after) !== JSON.stringify(stored)) await writeScheduleRecord(deps.store, cluster, after);
  };
  switch (decision.kind) {
    case 'none':
      break;
    case 'delete':
      await remember();
      await deps.schedules.delete(name);
      break;
    case 'keep':
      await remember();
      break;
    case 'create':
    case 'move':
      await put(deps.schedules, decision.kind, definitionOf(cluster, decision.slot));
      await remember();
      break;
    default:
      assertNever(decision);
  }
  const at = 'slot' in decision ? (decision.slot?.at.toISOString() ?? null) : null;
  const { kind, standing, reason } = decision;
  if (standing === 'refused') log.decision('cluster.refused', { cluster, reason });
  if (kind !== 'none') log.decision(`schedule.${kind}`, { cluster, schedule: name, at, reason });
}

/** Another invocation may have made or deleted the schedule a moment ago: the present decision counts. */
async function put(schedules: ScheduleGroup, kind: 'create' | 'move', schedule: StartSchedule): Promise<void> {
  if (kind === 'move' && (await schedules.update(schedule)).updated) return;
  if ((await schedules.create(schedule)).created) return;
  await schedules.update(schedule);
}

function definitionOf(cluster: string, { at, window, timezone, windowStart, input }: PlannedSlot): StartSchedule {
  const description = `Migrates ${cluster} in window ${window} of ${windowStart.toISOString()}; delete it to cancel`;
  return { name: scheduleName(cluster), ...atExpression(at, timezone), input, description };
}
