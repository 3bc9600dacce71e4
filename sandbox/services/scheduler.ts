import type * as Sdk from '@aws-sdk/client-scheduler';
import type { Region } from '../region.ts';
import { serviceModel } from '../wire/catalog.ts';
import { checkValue, isRecord } from '../wire/check.ts';
import { ServiceError } from '../wire/error.ts';
import { fromJson } from '../wire/json.ts';
import { type Checked, type Operations, operations } from '../wire/operations.ts';
import { page } from './paging.ts';
import type { Schedule, ScheduleDefinition, Schedules } from './scheduler/schedules.ts';

type Definition = Checked<Sdk.CreateScheduleInput> | Checked<Sdk.UpdateScheduleInput>;

/** Amazon EventBridge Scheduler. */
export function schedulerService(region: Region, schedules: Schedules): Operations {
  return operations<typeof Sdk>({
    ...groupHandlers(region, schedules),
    CreateSchedule: (input) => ({ ScheduleArn: schedules.create(readDefinition(input)).arn }),
    UpdateSchedule: (input) => ({ ScheduleArn: schedules.update(readDefinition(input)).arn }),
    GetSchedule: ({ Name, GroupName = 'default' }) => describe(schedules.find(GroupName, Name)),
    DeleteSchedule: ({ Name, GroupName = 'default' }) => {
      schedules.delete(GroupName, Name);
      return {};
    },
    ListSchedules: ({ GroupName, NamePrefix = '', State, NextToken, MaxResults = 100 }) => {
      if (GroupName !== undefined) schedules.requireGroup(GroupName);
      const chosen = schedules
        .list()
        .filter(
          ({ group, name, state }) =>
            (GroupName ?? group) === group && name.startsWith(NamePrefix) && (State ?? state) === state,
        );
      const { items, nextToken } = page(chosen, { token: NextToken, size: MaxResults });
      return {
        Schedules: items.map(({ arn, name, group, state, createdAt, modifiedAt, target }) => ({
          Arn: arn,
          Name: name,
          GroupName: group,
          State: state,
          CreationDate: createdAt,
          LastModificationDate: modifiedAt,
          Target: { Arn: target.Arn },
        })),
        NextToken: nextToken,
      };
    },
  });
}

function groupHandlers(region: Region, schedules: Schedules) {
  const arnOf = (name: string) => `arn:aws:scheduler:${region.name}:${region.account}:schedule-group/${name}`;
  const describeGroup = ({ name, createdAt }: { name: string; createdAt: Date }) => ({
    Arn: arnOf(name),
    Name: name,
    State: 'ACTIVE' as const,
    CreationDate: createdAt,
    LastModificationDate: createdAt,
  });
  return {
    CreateScheduleGroup: ({ Name }: { Name: string }) => {
      checkName('name', Name);
      schedules.createGroup(Name);
      return { ScheduleGroupArn: arnOf(Name) };
    },
    GetScheduleGroup: ({ Name }: { Name: string }) => {
      schedules.requireGroup(Name);
      const group = schedules.groups().find(({ name }) => name === Name);
      return group ? describeGroup(group) : {};
    },
    DeleteScheduleGroup: ({ Name }: { Name: string }) => {
      schedules.deleteGroup(Name);
      return {};
    },
    ListScheduleGroups: ({ NamePrefix = '' }: { NamePrefix?: string | undefined }) => ({
      ScheduleGroups: schedules
        .groups()
        .filter(({ name }) => name.startsWith(NamePrefix))
        .map(describeGroup),
    }),
  };
}

/** A schedule out of a CloudFormation resource's properties, whose names are those of CreateSchedule. Throws ServiceError. */
export function readSchedule(properties: Record<string, unknown>): ScheduleDefinition {
  const { input } = serviceModel('scheduler').operations.get('CreateSchedule') ?? {};
  const request = input && fromJson(input, properties);
  const problems = input ? checkValue(input, request) : [];
  if (problems.length > 0 || !isDefinition(request))
    throw invalid(problems.map(({ path, rule }) => `${path}: ${rule}`).join('; '));
  return readDefinition(request);
}

/** What has passed the check against the operation's schema is its input. */
function isDefinition(value: unknown): value is Definition {
  return isRecord(value);
}

function readDefinition(input: Definition): ScheduleDefinition {
  checkName('name', input.Name);
  const { Mode, MaximumWindowInMinutes: minutes } = input.FlexibleTimeWindow;
  if (Mode !== 'OFF' && Mode !== 'FLEXIBLE')
    throw invalid(`FlexibleTimeWindow.Mode must be OFF or FLEXIBLE, not ${Mode}.`);
  if (Mode === 'OFF' ? minutes !== undefined : minutes === undefined || minutes < 1 || minutes > 1440)
    throw invalid(
      'FlexibleTimeWindow.MaximumWindowInMinutes must be from 1 to 1440 with Mode FLEXIBLE, and absent with OFF.',
    );
  const { MaximumRetryAttempts: attempts = 185 } = input.Target.RetryPolicy ?? {};
  if (attempts < 0 || attempts > 185) throw invalid('Target.RetryPolicy.MaximumRetryAttempts must be from 0 to 185.');
  checkTarget(input.Target);
  return {
    name: input.Name,
    group: input.GroupName ?? 'default',
    expression: input.ScheduleExpression,
    timezone: input.ScheduleExpressionTimezone ?? 'UTC',
    target: input.Target,
    window: input.FlexibleTimeWindow,
    state: input.State === 'DISABLED' ? 'DISABLED' : 'ENABLED',
    description: input.Description,
    startDate: input.StartDate,
    endDate: input.EndDate,
    actionAfterCompletion: input.ActionAfterCompletion === 'DELETE' ? 'DELETE' : 'NONE',
    clientToken: input.ClientToken,
  };
}

function checkName(member: string, name: string): void {
  if (/^[0-9a-zA-Z\-_.]{1,64}$/.test(name)) return;
  throw invalid(
    `1 validation error detected: Value '${name}' at '${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[0-9a-zA-Z-_.]+$ and have length from 1 to 64`,
  );
}

function checkTarget({ Arn, RoleArn, Input }: { Arn: string; RoleArn: string; Input?: string | undefined }): void {
  if (!/^arn:aws[\w-]*:.+$/.test(Arn)) throw invalid(`Provided Arn ${Arn} is not in correct format.`);
  if (!/^arn:aws[\w-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/.test(RoleArn))
    throw invalid(`Provided RoleArn ${RoleArn} is not in correct format.`);
  if (!Arn.startsWith('arn:aws:scheduler:::aws-sdk:')) return;
  try {
    JSON.parse(Input ?? '');
  } catch {
    throw invalid('A universal target needs an Input that is JSON.');
  }
}

function describe(schedule: Schedule) {
  return {
    Arn: schedule.arn,
    GroupName: schedule.group,
    Name: schedule.name,
    ScheduleExpression: schedule.expression,
    ScheduleExpressionTimezone: schedule.timezone,
    StartDate: schedule.startDate,
    EndDate: schedule.endDate,
    Description: schedule.description,
    State: schedule.state,
    CreationDate: schedule.createdAt,
    LastModificationDate: schedule.modifiedAt,
    Target: schedule.target,
    FlexibleTimeWindow: {
      Mode: schedule.window.Mode === 'FLEXIBLE' ? ('FLEXIBLE' as const) : ('OFF' as const),
      MaximumWindowInMinutes: schedule.window.MaximumWindowInMinutes,
    },
    ActionAfterCompletion: schedule.actionAfterCompletion,
  };
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}
