import { recordCall } from '../../calls.ts';
import type { AsynchronousInvocations } from '../../lambda/asynchronous.ts';
import type { ApiCall, Region } from '../../region.ts';
import type { Dispatcher } from '../../wire/dispatcher.ts';
import { ServiceError } from '../../wire/error.ts';
import type { Caller } from '../../wire/operations.ts';
import type { Deliver } from '../destinations.ts';
import type { BusEvent } from '../events.ts';
import { after } from '../latency.ts';
import { type GivenUp, tryUntil } from '../retry.ts';
import type { Rule, Rules, RuleTarget } from './rules.ts';
import { targetInput } from './target-input.ts';

export interface DeliveryOptions {
  readonly region: Region;
  readonly calls: ApiCall[];
  readonly rules: Rules;
  readonly dispatcher: Dispatcher;
  readonly invocations: AsynchronousInvocations;
  readonly deliver: Deliver;
  /** Throws ServiceError where the function is not there, or does not let this rule invoke it. */
  readonly admit: (functionName: string, ruleArn: string) => void;
  /** Puts an event on a second bus of this account and Region. */
  readonly forward: (bus: string, event: BusEvent) => void;
}

/** From an event to its first delivery. */
export const DELIVERY_MS = 500;
const EVENTS: Caller = { principal: 'events', principalArn: 'events.amazonaws.com' };
interface Item {
  readonly rule: Rule;
  readonly target: RuleTarget;
  readonly event: BusEvent;
}

/**
 * Brings events to the targets of the rules that match them, with EventBridge's retries and dead-letter queues.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-event-delivery.html
 */
export class Delivery {
  readonly #options: DeliveryOptions;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Delivers after `milliseconds`, to the rules that match now. */
  route(event: BusEvent, bus: string, milliseconds = DELIVERY_MS): void {
    const { region, rules } = this.#options;
    for (const rule of rules.matching(bus, event))
      for (const target of rule.targets.values()) {
        const item = { rule, target, event };
        region.clock.at(after(region, milliseconds), () =>
          tryUntil(
            region,
            target.RetryPolicy,
            () => this.#send(item),
            (end) => this.#toDeadLetters(item, end),
          ),
        );
      }
  }

  /** Into the target's dead-letter queue; an event without one, or with one that refuses it, is lost. */
  async #toDeadLetters({ rule, target, event }: Item, { error, retries, exhausted }: GivenUp): Promise<void> {
    const queue = target.DeadLetterConfig?.Arn;
    if (queue === undefined) return;
    try {
      const attributes = {
        RULE_ARN: rule.arn,
        TARGET_ARN: target.Arn,
        ERROR_CODE: error.name,
        ERROR_MESSAGE: error.message,
        RETRY_ATTEMPTS: String(retries),
        ...(exhausted && { EXHAUSTED_RETRY_CONDITION: exhausted }),
      };
      const source = { arn: rule.arn, account: this.#options.region.account };
      await this.#options.deliver(queue, JSON.stringify(event), EVENTS, { attributes, source });
    } catch (lost) {
      if (!(lost instanceof ServiceError)) throw lost;
    }
  }

  async #send({ rule, target, event }: Item): Promise<void> {
    const { region, dispatcher, invocations, deliver, admit } = this.#options;
    const text = targetInput(target, event);
    const [, , service, , , ...rest] = target.Arn.split(':');
    switch (service) {
      case 'lambda': {
        const name = rest[1] ?? '';
        admit(name, rule.arn);
        await invocations.invoke(name, JSON.parse(text), EVENTS);
        return;
      }
      case 'sqs':
      case 'sns':
        await deliver(target.Arn, text, EVENTS, { source: { arn: rule.arn, account: region.account } });
        return;
      case 'states': {
        const input = { stateMachineArn: target.Arn, input: text };
        await dispatcher.call({ service, operation: 'StartExecution', input, ...roleOf(target, region) });
        return;
      }
      case 'events':
        this.#forward(target, event);
        return;
      default:
        throw new ServiceError('InvalidTarget', `the sandbox cannot send events to ${target.Arn}`);
    }
  }

  /**
   * Forwards the event unchanged to a second bus. The sandbox has no bus of another account or Region: then the call
   * is only in the log.
   */
  #forward(target: RuleTarget, event: BusEvent): void {
    const { region, calls, forward } = this.#options;
    const input = { Entries: [{ EventBusName: target.Arn, Source: event.source, DetailType: event['detail-type'] }] };
    const { principal } = target.RoleArn === undefined ? EVENTS : roleOf(target, region);
    recordCall(calls, { at: region.clock.now(), service: 'events', operation: 'PutEvents', principal, input });
    const own = `arn:aws:events:${region.name}:${region.account}:event-bus/`;
    if (target.Arn.startsWith(own)) forward(target.Arn.slice(own.length), event);
  }
}

/** EventBridge's identity when it calls as a target's role. Throws ServiceError if the target has no role. */
function roleOf({ Arn, RoleArn }: RuleTarget, { account }: Region): Caller {
  if (RoleArn === undefined) throw new ServiceError('InvalidTarget', `the target ${Arn} needs a role`);
  const principal = RoleArn.slice(RoleArn.lastIndexOf('/') + 1);
  return { principal, principalArn: `arn:aws:sts::${account}:assumed-role/${principal}/events` };
}
