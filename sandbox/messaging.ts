import { like } from './iam/evaluate.ts';
import { admits, policyOf, type ResourceStatement } from './iam/resource-policies.ts';
import { publishFromRule, sendFromRule } from './iam/service-requests.ts';
import { AsynchronousInvocations } from './lambda/asynchronous.ts';
import type { FunctionDefinition, InvokeResult } from './lambda/host.ts';
import type { ApiCall, Region } from './region.ts';
import { type Deliver, destinations, type Guard, type Source } from './services/destinations.ts';
import { Delivery } from './services/events/delivery.ts';
import { ruleOperations } from './services/events/rule-operations.ts';
import { Rules } from './services/events/rules.ts';
import { EventBuses, eventsService } from './services/events.ts';
import { Queues } from './services/sqs/queues.ts';
import { sqsService } from './services/sqs.ts';
import { Topics } from './services/topics.ts';
import type { Dispatcher } from './wire/dispatcher.ts';
import { ServiceError } from './wire/error.ts';

export interface MessagingOptions {
  readonly region: Region;
  readonly calls: ApiCall[];
  readonly dispatcher: Dispatcher;
  /** Where the region's AWS APIs answer. */
  readonly endpoint: string;
  readonly findFunction: (name: string) => FunctionDefinition | undefined;
  readonly invoke: (functionName: string, event: unknown) => Promise<InvokeResult>;
}

/** What brings events from one part of the Region to another. */
export interface Messaging {
  readonly queues: Queues;
  readonly topics: Topics;
  readonly buses: EventBuses;
  readonly rules: Rules;
  readonly invocations: AsynchronousInvocations;
  readonly deliver: Deliver;
  /** Function name → ARNs (with wildcards) of the rules that may invoke it. A function that is not in it admits all. */
  readonly permissions: Map<string, string[]>;
  /** ARN of a queue, topic or key → the statements of its policy. One that is not in it takes all. */
  readonly policies: Map<string, readonly ResourceStatement[]>;
  /** ARN of a topic → ARN of the key that it is encrypted with. */
  readonly topicKeys: Map<string, string>;
  /** Throws ServiceError if the function does not exist. */
  requireFunction(name: string): void;
}

/** Opens buses, rules, queues, topics and asynchronous invocations, and registers their services. */
export function openMessaging(options: MessagingOptions): Messaging {
  const { region, calls, dispatcher, findFunction, invoke } = options;
  const queues = new Queues(region);
  const topics = new Topics(region, calls);
  const rules = new Rules(region);
  const policies = new Map<string, readonly ResourceStatement[]>();
  const topicKeys = new Map<string, string>();
  const guard: Guard = (arn, source) => {
    const requests = arn.includes(':sns:')
      ? publishFromRule({ arn, key: topicKeys.get(arn) })
      : [sendFromRule(arn, source.arn)];
    for (const { principal, need } of requests) {
      const statements = policyOf(policies, need);
      if (statements && !admits(statements, principal, need)) throw refused(need, source);
    }
  };
  const deliver = destinations({ dispatcher, topics, guard });
  const invocations = new AsynchronousInvocations({ region, calls, invoke, deliver });
  const permissions = new Map<string, string[]>();
  const requireFunction = (name: string) => {
    if (!findFunction(name)) throw new ServiceError('ResourceNotFoundException', `Function not found: ${name}`, 404);
  };
  const admit = (name: string, ruleArn: string) => {
    requireFunction(name);
    const allowed = permissions.get(name);
    if (!allowed || allowed.some((pattern) => like(pattern, ruleArn))) return;
    throw new ServiceError('AccessDeniedException', `${ruleArn} is not authorized to invoke ${name}`, 403);
  };
  const delivery: Delivery = new Delivery({
    region,
    calls,
    rules,
    dispatcher,
    invocations,
    deliver,
    admit,
    forward: (bus, event) => {
      if (buses.has(bus)) buses.put(bus, event);
    },
  });
  const buses = new EventBuses(region, { onEvent: (event, bus, delay) => delivery.route(event, bus, delay) });
  dispatcher.register('events', eventsService(buses));
  dispatcher.register('events', ruleOperations(region, buses, rules));
  dispatcher.register('sqs', sqsService(region, queues, options.endpoint));
  return { queues, topics, buses, rules, invocations, deliver, permissions, policies, topicKeys, requireFunction };
}

function refused({ action, resource }: { action: string; resource: string }, source: Source): ServiceError {
  const message = `${source.arn} is not authorized to perform ${action} on ${resource}`;
  return new ServiceError('AccessDeniedException', message, 403);
}
