import type { Dispatcher } from '../wire/dispatcher.ts';
import { ServiceError } from '../wire/error.ts';
import type { Caller } from '../wire/operations.ts';
import type { Topics } from './topics.ts';

/** A rule on whose behalf EventBridge sends. */
export interface Source {
  readonly arn: string;
  readonly account: string;
}

/** Throws ServiceError if the policy of the queue or topic, or of the topic's key, does not let EventBridge send. */
export type Guard = (arn: string, source: Source) => void;

/** Sends a text to a queue or a topic by its ARN, as the caller. Throws ServiceError when that fails. */
export type Deliver = (
  arn: string,
  text: string,
  caller: Caller,
  options?: { readonly attributes?: Readonly<Record<string, string>>; readonly source?: Source },
) => Promise<void>;

/** Where dead letters and events can go: queues by SendMessage, topics by Publish. */
export function destinations(options: { dispatcher: Dispatcher; topics: Topics; guard: Guard }): Deliver {
  const { dispatcher, topics, guard } = options;
  return async (arn, text, caller, { attributes = {}, source } = {}) => {
    const [, , service, region, account, name = ''] = arn.split(':');
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([key, StringValue]) => [key, { DataType: 'String', StringValue }]),
    );
    switch (service) {
      case 'sqs': {
        if (source) guard(arn, source);
        const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
        const input = { QueueUrl, MessageBody: text, MessageAttributes };
        await dispatcher.call({ service, operation: 'SendMessage', input, ...caller });
        return;
      }
      case 'sns':
        if (source) guard(arn, source);
        topics.publish(arn, text, caller);
        return;
      default:
        throw new ServiceError('InvalidParameterException', `the sandbox cannot send to ${arn}`);
    }
  };
}
