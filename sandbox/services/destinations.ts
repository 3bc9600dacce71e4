import type { Dispatcher } from '../wire/dispatcher.ts';
import { ServiceError } from '../wire/error.ts';
import type { Caller } from '../wire/operations.ts';
import type { Topics } from './topics.ts';

/** Sends a text to a queue or a topic by its ARN, as the caller. Throws ServiceError when that fails. */
export type Deliver = (
  arn: string,
  text: string,
  caller: Caller,
  attributes?: Readonly<Record<string, string>>,
) => Promise<void>;

/** Where dead letters and events can go: queues by SendMessage, topics by Publish. */
export function destinations({ dispatcher, topics }: { dispatcher: Dispatcher; topics: Topics }): Deliver {
  return async (arn, text, caller, attributes = {}) => {
    const [, , service, region, account, name = ''] = arn.split(':');
    const MessageAttributes = Object.fromEntries(
      Object.entries(attributes).map(([key, StringValue]) => [key, { DataType: 'String', StringValue }]),
    );
    switch (service) {
      case 'sqs': {
        const QueueUrl = `https://sqs.${region}.amazonaws.com/${account}/${name}`;
        const input = { QueueUrl, MessageBody: text, MessageAttributes };
        await dispatcher.call({ service, operation: 'SendMessage', input, ...caller });
        return;
      }
      case 'sns':
        topics.publish(arn, text, caller);
        return;
      default:
        throw new ServiceError('InvalidParameterException', `the sandbox cannot send to ${arn}`);
    }
  };
}
