import {
  type CloudWatch,
  type DescribeAlarmsInput,
  type PutMetricAlarmInput,
  STATE_VALUES,
  type StateValue,
} from '../wire/cloudwatch-types.ts';
import { ServiceError } from '../wire/error.ts';
import { type Checked, type Operations, operations } from '../wire/operations.ts';
import type { Alarm, AlarmKind, Alarms } from './monitoring/alarms.ts';
import { page } from './paging.ts';

/** As many as CloudWatch answers at most; it does not publish how many it answers when it is not asked for a number. */
const LARGEST_PAGE = 100;

/** Amazon CloudWatch: alarms, without metrics and actions. */
export function monitoringService(alarms: Alarms): Operations {
  return operations<CloudWatch>({
    DescribeAlarms: (input) => describeAlarms(alarms, input),
    PutMetricAlarm: ({ AlarmName, Tags = [], ...configuration }) => {
      checkMetricAlarm(configuration);
      put(alarms, { name: AlarmName, kind: 'metric', configuration }, Tags);
      return {};
    },
    PutCompositeAlarm: ({ AlarmName, Tags = [], ...configuration }) => {
      put(alarms, { name: AlarmName, kind: 'composite', configuration }, Tags);
      return {};
    },
    SetAlarmState: ({ AlarmName, StateValue, StateReason, StateReasonData }) => {
      const value = readState(StateValue);
      if (StateReasonData !== undefined && !isJson(StateReasonData))
        throw new ServiceError('InvalidFormatFault', 'StateReasonData is not JSON');
      const alarm = alarms.find(AlarmName);
      if (!alarm) throw new ServiceError('ResourceNotFound', `Alarm ${AlarmName} does not exist`, 404);
      alarms.set(alarm, { value, reason: StateReason, reasonData: StateReasonData });
      return {};
    },
    DeleteAlarms: ({ AlarmNames }) => {
      deleteAlarms(alarms, AlarmNames);
      return {};
    },
    ListTagsForResource: ({ ResourceARN }) => ({
      Tags: [...byArn(alarms, ResourceARN).tags].map(([Key, Value]) => ({ Key, Value })),
    }),
    TagResource: ({ ResourceARN, Tags }) => {
      const { tags } = byArn(alarms, ResourceARN);
      for (const { Key, Value } of Tags) tags.set(Key, Value);
      return {};
    },
  });
}

/** Alarms that are not there are absent from the answer; composite ones are in it only when asked for. */
function describeAlarms(alarms: Alarms, input: DescribeAlarmsInput) {
  const { AlarmNames, AlarmNamePrefix, AlarmTypes = ['MetricAlarm'], MaxRecords = LARGEST_PAGE, NextToken } = input;
  if (input.ChildrenOfAlarmName !== undefined || input.ParentsOfAlarmName !== undefined)
    throw invalid('the sandbox does not list alarms by the rules of composite alarms');
  if (AlarmNames && AlarmNamePrefix !== undefined)
    throw invalid('AlarmNamePrefix and AlarmNames cannot be specified together.');
  if (AlarmNames && AlarmNames.length > LARGEST_PAGE) throw tooLong('alarmNames');
  if (!Number.isInteger(MaxRecords) || MaxRecords < 1 || MaxRecords > LARGEST_PAGE)
    throw constraint(String(MaxRecords), 'maxRecords', `Member must have value between 1 and ${LARGEST_PAGE}`);
  const kinds = new Set(AlarmTypes.map(readType));
  const state = input.StateValue === undefined ? undefined : readState(input.StateValue);
  const chosen = alarms
    .list()
    .filter(({ kind }) => kinds.has(kind))
    .filter(({ name }) => AlarmNames?.includes(name) ?? name.startsWith(AlarmNamePrefix ?? ''))
    .filter((alarm) => state === undefined || alarm.state.value === state)
    .filter((alarm) => input.ActionPrefix === undefined || actions(alarm).some(startsWith(input.ActionPrefix)));
  const { items, nextToken } = page(chosen, { token: NextToken, size: MaxRecords });
  const described = (wanted: AlarmKind) => items.filter(({ kind }) => kind === wanted).map(describe);
  return { MetricAlarms: described('metric'), CompositeAlarms: described('composite'), NextToken: nextToken };
}

const startsWith = (prefix: string) => (text: unknown) => typeof text === 'string' && text.startsWith(prefix);

function actions({ configuration: { OKActions, AlarmActions, InsufficientDataActions } }: Alarm): unknown[] {
  return [OKActions, AlarmActions, InsufficientDataActions].flatMap((list) => (Array.isArray(list) ? list : []));
}

function describe(alarm: Alarm): object {
  const { name, arn, configuration, configuredAt, state, updatedAt, changedAt } = alarm;
  return {
    ActionsEnabled: true,
    OKActions: [],
    AlarmActions: [],
    InsufficientDataActions: [],
    ...(alarm.kind === 'metric' && { Dimensions: [] }),
    ...configuration,
    AlarmName: name,
    AlarmArn: arn,
    AlarmConfigurationUpdatedTimestamp: configuredAt,
    StateValue: state.value,
    StateReason: state.reason,
    StateReasonData: state.reasonData,
    StateUpdatedTimestamp: updatedAt,
    StateTransitionedTimestamp: changedAt,
  };
}

function put(
  alarms: Alarms,
  alarm: Parameters<Alarms['put']>[0],
  tags: readonly { Key: string; Value: string }[],
): void {
  const { name, kind } = alarm;
  if (name.length < 1 || name.length > 255)
    throw constraint(name, 'alarmName', 'Member must have length between 1 and 255');
  const known = alarms.find(name);
  if (known && known.kind !== kind) throw invalid(`An alarm of another type has the name ${name} already.`);
  const made = alarms.put(alarm);
  // Of an alarm that is there already, CloudWatch leaves the tags as they are.
  if (!known) for (const { Key, Value } of tags) made.tags.set(Key, Value);
}

function deleteAlarms(alarms: Alarms, names: readonly string[]): void {
  if (names.length > LARGEST_PAGE) throw tooLong('alarmNames');
  const composite = names.filter((name) => alarms.find(name)?.kind === 'composite');
  if (composite.length > 1) throw invalid('One request deletes no more than one composite alarm.');
  for (const name of names) alarms.delete(name);
}

function checkMetricAlarm(given: Omit<Checked<PutMetricAlarmInput>, 'AlarmName'>): void {
  const { MetricName, Namespace, Metrics, EvaluationPeriods, ComparisonOperator } = given;
  if ((MetricName === undefined || Namespace === undefined) && Metrics === undefined)
    throw invalid('Exactly one of MetricName with Namespace, or Metrics, must be given.');
  if (EvaluationPeriods === undefined || EvaluationPeriods < 1)
    throw constraint(String(EvaluationPeriods ?? null), 'evaluationPeriods', 'Member must be at least 1');
  if (ComparisonOperator === undefined) throw constraint('null', 'comparisonOperator', 'Member must not be null');
}

function byArn(alarms: Alarms, wanted: string): Alarm {
  const found = alarms.list().find(({ arn }) => arn === wanted);
  if (found) return found;
  throw new ServiceError('ResourceNotFoundException', `Resource ${wanted} does not exist`, 404);
}

function readType(type: string): AlarmKind {
  if (type === 'MetricAlarm') return 'metric';
  if (type === 'CompositeAlarm') return 'composite';
  throw constraint(type, 'alarmTypes', 'Member must satisfy enum value set: [CompositeAlarm, MetricAlarm]');
}

function readState(value: string): StateValue {
  const known = STATE_VALUES.find((each) => each === value);
  if (known) return known;
  throw constraint(value, 'stateValue', `Member must satisfy enum value set: [${STATE_VALUES.join(', ')}]`);
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function tooLong(member: string): ServiceError {
  return constraint('[…]', member, `Member must have length less than or equal to ${LARGEST_PAGE}`);
}

function constraint(value: string, member: string, rule: string): ServiceError {
  return invalid(`1 validation error detected: Value '${value}' at '${member}' failed to satisfy constraint: ${rule}`);
}

function invalid(message: string): ServiceError {
  return new ServiceError('ValidationException', message);
}
