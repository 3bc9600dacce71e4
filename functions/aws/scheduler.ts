import {
  ActionAfterCompletion,
  CreateScheduleCommand,
  DeleteScheduleCommand,
  GetScheduleCommand,
  type GetScheduleCommandOutput,
  paginateListSchedules,
  SchedulerClient,
  UpdateScheduleCommand,
  type UpdateScheduleCommandInput,
} from '@aws-sdk/client-scheduler';
import { isNamed, memoised } from './clients.ts';

/** A one-time schedule that starts an execution; `input` is StartExecution's, JSON text. */
export interface StartSchedule {
  name: string;
  /** `at(...)`, local time in `timezone`. */
  expression: string;
  timezone: string;
  input: string;
  description: string;
}

/** A schedule as EventBridge Scheduler has it; somebody may have edited it. */
export type FoundSchedule = Pick<StartSchedule, 'expression' | 'timezone' | 'input'> & {
  enabled: boolean;
  modifiedAt: Date | null;
};

/** A schedule in a list, which does not show when it fires. */
export interface ListedSchedule {
  name: string;
  modifiedAt: Date | null;
}

/** One group of EventBridge Scheduler. */
export interface ScheduleGroup {
  /** The schedules whose names begin with the prefix, with one call per hundred. */
  list(prefix: string): Promise<ListedSchedule[]>;
  /** The schedule of this name; null if there is none. */
  find(name: string): Promise<FoundSchedule | null>;
  /** Returns false if a schedule of this name exists already. */
  create(schedule: StartSchedule): Promise<{ created: boolean }>;
  /** Replaces the whole schedule. Returns false if no schedule has this name any more. */
  update(schedule: StartSchedule): Promise<{ updated: boolean }>;
  /** Deletes the schedule; does nothing if it is gone. */
  delete(name: string): Promise<void>;
}

/** The group's name, the role that starts executions, and the dead-letter queue. */
export interface GroupOptions {
  group: string;
  roleArn: string;
  deadLetterArn: string;
}

const client = memoised((options) => new SchedulerClient(options));

const PAGE = 100;
// After an hour without an answer EventBridge Scheduler sends it to the queue, and the next sweep plans again.
const RETRY_SECONDS = 3_600;
const RETRIES = 20;

/** The group of these options, which are read at the first call. */
export function scheduleGroup(options: () => GroupOptions): ScheduleGroup {
  return {
    async list(prefix) {
      const listed: ListedSchedule[] = [];
      const input = { GroupName: options().group, NamePrefix: prefix };
      for await (const page of paginateListSchedules({ client: client(), pageSize: PAGE }, input))
        for (const { Name, LastModificationDate } of page.Schedules ?? [])
          if (Name !== undefined) listed.push({ name: Name, modifiedAt: LastModificationDate ?? null });
      return listed;
    },

    async find(name) {
      try {
        return found(await client().send(new GetScheduleCommand({ GroupName: options().group, Name: name })));
      } catch (error) {
        if (isNamed(error, 'ResourceNotFoundException')) return null;
        throw error;
      }
    },

    async create(schedule) {
      try {
        await client().send(new CreateScheduleCommand(definition(schedule, options())));
        return { created: true };
      } catch (error) {
        if (isNamed(error, 'ConflictException')) return { created: false };
        throw error;
      }
    },

    async update(schedule) {
      try {
        await client().send(new UpdateScheduleCommand(definition(schedule, options())));
        return { updated: true };
      } catch (error) {
        if (isNamed(error, 'ResourceNotFoundException')) return { updated: false };
        throw error;
      }
    },

    async delete(name) {
      try {
        await client().send(new DeleteScheduleCommand({ GroupName: options().group, Name: name }));
      } catch (error) {
        if (!isNamed(error, 'ResourceNotFoundException')) throw error;
      }
    },
  };
}

function definition(schedule: StartSchedule, options: GroupOptions): UpdateScheduleCommandInput {
  const { name, expression, timezone, input, description } = schedule;
  const { group, roleArn, deadLetterArn } = options;
  const [, partition = 'aws'] = roleArn.split(':');
  return {
    GroupName: group,
    Name: name,
    Description: description,
    ScheduleExpression: expression,
    ScheduleExpressionTimezone: timezone,
    FlexibleTimeWindow: { Mode: 'OFF' },
    ActionAfterCompletion: ActionAfterCompletion.DELETE,
    Target: {
      Arn: `arn:${partition}:scheduler:::aws-sdk:sfn:startExecution`,
      RoleArn: roleArn,
      Input: input,
      DeadLetterConfig: { Arn: deadLetterArn },
      RetryPolicy: { MaximumEventAgeInSeconds: RETRY_SECONDS, MaximumRetryAttempts: RETRIES },
    },
  };
}

function found({ ScheduleExpression, ...rest }: GetScheduleCommandOutput): FoundSchedule {
  if (ScheduleExpression === undefined) throw new Error('EventBridge Scheduler answered GetSchedule without a time');
  return {
    expression: ScheduleExpression,
    timezone: rest.ScheduleExpressionTimezone ?? 'UTC',
    enabled: rest.State !== 'DISABLED',
    modifiedAt: rest.LastModificationDate ?? null,
    input: rest.Target?.Input ?? '',
  };
}
