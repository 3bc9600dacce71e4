import type * as Sdk from '@aws-sdk/client-eventbridge';
import type { Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import { type Operations, operations } from '../../wire/operations.ts';
import { busName, type EventBuses } from '../events.ts';
import { page } from '../paging.ts';
import { compile, type Rule, type Rules } from './rules.ts';

const MOST = 100;

/** Amazon EventBridge: buses, rules with a pattern and their targets. Rules on a schedule are refused: Scheduler has them. */
export function ruleOperations(region: Region, buses: EventBuses, rules: Rules): Operations {
  const busOf = (nameOrArn: string | undefined) => {
    const bus = busName(nameOrArn);
    if (buses.has(bus)) return bus;
    throw new ServiceError('ResourceNotFoundException', `Event bus ${bus} does not exist.`);
  };
  return operations<typeof Sdk>({
    CreateEventBus: ({ Name }) => {
      buses.create(Name);
      return { EventBusArn: `arn:aws:events:${region.name}:${region.account}:event-bus/${Name}` };
    },
    PutRule: ({ Name, EventBusName, EventPattern, ScheduleExpression, State, Description }) => {
      if (EventPattern === undefined || ScheduleExpression !== undefined)
        throw new ServiceError('ValidationException', 'The sandbox implements rules with an event pattern only.');
      const enabled = State !== 'DISABLED';
      const rule = { name: Name, bus: busOf(EventBusName), pattern: EventPattern, enabled, description: Description };
      return { RuleArn: rules.put(rule).arn };
    },
    DescribeRule: ({ Name, EventBusName }) => describe(rules.find(busOf(EventBusName), Name)),
    ListRules: ({ NamePrefix = '', EventBusName, NextToken, Limit = MOST }) => {
      const named = rules.list(busOf(EventBusName)).filter(({ name }) => name.startsWith(NamePrefix));
      const { items, nextToken } = page(named, { token: NextToken, size: Limit });
      return { Rules: items.map(describe), NextToken: nextToken };
    },
    DeleteRule: ({ Name, EventBusName }) => {
      rules.delete(busOf(EventBusName), Name);
      return {};
    },
    PutTargets: ({ Rule: name, EventBusName, Targets }) => {
      rules.putTargets(busOf(EventBusName), name, Targets);
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    RemoveTargets: ({ Rule: name, EventBusName, Ids }) => {
      rules.removeTargets(busOf(EventBusName), name, Ids);
      return { FailedEntryCount: 0, FailedEntries: [] };
    },
    ListTargetsByRule: ({ Rule: name, EventBusName, NextToken, Limit = MOST }) => {
      const { targets } = rules.find(busOf(EventBusName), name);
      const { items, nextToken } = page([...targets.values()], { token: NextToken, size: Limit });
      return { Targets: items, NextToken: nextToken };
    },
    TestEventPattern: ({ EventPattern, Event }) => ({ Result: compile(EventPattern)(parseEvent(Event)) }),
  });
}

function describe({ name, arn, bus, pattern, enabled, description }: Rule) {
  return {
    Name: name,
    Arn: arn,
    EventPattern: pattern,
    State: enabled ? ('ENABLED' as const) : ('DISABLED' as const),
    Description: description,
    EventBusName: bus,
  };
}

function parseEvent(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ServiceError('ValidationException', 'Parameter event is not valid JSON.');
  }
}
