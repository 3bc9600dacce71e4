import { createHash } from 'node:crypto';
import type * as Sdk from '@aws-sdk/client-sqs';
import type { Region } from '../region.ts';
import { ServiceError } from '../wire/error.ts';
import { type Operations, operations } from '../wire/operations.ts';
import { page } from './paging.ts';
import { type Message, type MessageAttribute, md5, type Queue, type Queues } from './sqs/queues.ts';

const LARGEST = 1_048_576;

/**
 * Amazon SQS: standard queues, sent to and read one message or up to ten at a time. `endpoint` is where queue URLs lead.
 */
export function sqsService(region: Region, queues: Queues, endpoint: string): Operations {
  const urlOf = (queue: Queue) => `${endpoint}/${region.account}/${queue.name}`;
  return operations<typeof Sdk>({
    CreateQueue: ({ QueueName, Attributes = {} }) => {
      if (!/^[\w-]{1,80}$/.test(QueueName))
        throw invalid('Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length');
      return { QueueUrl: urlOf(queues.create(QueueName, { ...Attributes })) };
    },
    GetQueueUrl: ({ QueueName }) => ({ QueueUrl: urlOf(queues.find(QueueName)) }),
    ListQueues: ({ QueueNamePrefix = '', NextToken, MaxResults = 1000 }) => {
      const named = queues.list().filter(({ name }) => name.startsWith(QueueNamePrefix));
      const { items, nextToken } = page(named, { token: NextToken, size: MaxResults });
      return { QueueUrls: items.map(urlOf), NextToken: nextToken };
    },
    GetQueueAttributes: ({ QueueUrl, AttributeNames = [] }) => ({
      Attributes: chosen(attributesOf(queues, queues.find(QueueUrl)), AttributeNames),
    }),
    SendMessage: ({ QueueUrl, MessageBody, MessageAttributes = {}, DelaySeconds }, { principalArn }) => {
      const queue = queues.find(QueueUrl);
      checkBody(MessageBody);
      const sent = queues.send(queue, {
        body: MessageBody,
        sender: principalArn,
        attributes: readAttributes(MessageAttributes),
        ...(DelaySeconds === undefined ? {} : { delaySeconds: DelaySeconds }),
      });
      return {
        MessageId: sent.id,
        MD5OfMessageBody: md5(sent.body),
        MD5OfMessageAttributes: md5OfAttributes(sent.attributes),
      };
    },
    ReceiveMessage: (input) => {
      const { QueueUrl, MaxNumberOfMessages = 1, VisibilityTimeout } = input;
      if (MaxNumberOfMessages < 1 || MaxNumberOfMessages > 10)
        throw invalid(`Value ${MaxNumberOfMessages} for parameter MaxNumberOfMessages is invalid. 1 to 10`);
      const received = queues.receive(queues.find(QueueUrl), MaxNumberOfMessages, VisibilityTimeout);
      const system = [...(input.AttributeNames ?? []), ...(input.MessageSystemAttributeNames ?? [])];
      return {
        Messages: received.map((message) => describeMessage(message, system, input.MessageAttributeNames ?? [])),
      };
    },
    DeleteMessage: ({ QueueUrl, ReceiptHandle }) => {
      const queue = queues.find(QueueUrl);
      queue.messages = queue.messages.filter(({ receipt }) => receipt !== ReceiptHandle);
      return {};
    },
    PurgeQueue: ({ QueueUrl }) => {
      queues.find(QueueUrl).messages = [];
      return {};
    },
  });
}

/** The attributes of GetQueueAttributes that the sandbox keeps. */
function attributesOf(queues: Queues, queue: Queue): Record<string, string> {
  const visible = queues.visible(queue).length;
  const unseen = (messages: readonly Message[]) => messages.filter(({ receives }) => receives === 0).length;
  const delayed = unseen(queue.messages) - unseen(queues.visible(queue));
  return {
    VisibilityTimeout: '30',
    ...queue.attributes,
    QueueArn: queue.arn,
    CreatedTimestamp: String(Math.floor(queue.createdAt.getTime() / 1000)),
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesDelayed: String(delayed),
    ApproximateNumberOfMessagesNotVisible: String(queue.messages.length - visible - delayed),
  };
}

function chosen(attributes: Record<string, string>, names: readonly string[]): Record<string, string> {
  if (names.includes('All')) return attributes;
  return Object.fromEntries(Object.entries(attributes).filter(([name]) => names.includes(name)));
}

function describeMessage(message: Message, system: readonly string[], names: readonly string[]): Sdk.Message {
  const attributes = Object.fromEntries(
    Object.entries(message.attributes).filter(([name]) =>
      names.some((wanted) => wanted === 'All' || wanted === '.*' || wanted === name),
    ),
  );
  const Attributes = chosen(
    {
      SenderId: message.sender,
      SentTimestamp: String(message.sentAt.getTime()),
      ApproximateReceiveCount: String(message.receives),
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt?.getTime() ?? 0),
    },
    system,
  );
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt,
    Body: message.body,
    MD5OfBody: md5(message.body),
    ...(Object.keys(Attributes).length > 0 && { Attributes }),
    ...(Object.keys(attributes).length > 0 && {
      MessageAttributes: attributes,
      MD5OfMessageAttributes: md5OfAttributes(attributes),
    }),
  };
}

function readAttributes(given: Record<string, MessageAttribute>): Record<string, MessageAttribute> {
  for (const [name, { DataType, StringValue, BinaryValue }] of Object.entries(given))
    if (
      !/^(String|Number|Binary)(\.|$)/.test(DataType ?? '') ||
      (StringValue === undefined) === (BinaryValue === undefined)
    )
      throw invalid(`The message attribute '${name}' must contain a data type and one value.`);
  return { ...given };
}

function checkBody(body: string): void {
  if (body === '') throw new ServiceError('MissingParameter', 'The request must contain the parameter MessageBody.');
  if (Buffer.byteLength(body) > LARGEST)
    throw invalid(`One or more parameters are invalid. Reason: Message must be shorter than ${LARGEST} bytes.`);
}

/** https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html#sqs-attributes-md5-message-digest-calculation */
function md5OfAttributes(attributes: Readonly<Record<string, MessageAttribute>>): string | undefined {
  const sorted = Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));
  if (sorted.length === 0) return undefined;
  const hash = createHash('md5');
  const add = (bytes: Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.byteLength);
    hash.update(length).update(bytes);
  };
  for (const [name, { DataType = '', StringValue, BinaryValue }] of sorted) {
    add(Buffer.from(name));
    add(Buffer.from(DataType));
    hash.update(Uint8Array.of(BinaryValue ? 2 : 1));
    add(BinaryValue ?? Buffer.from(StringValue ?? ''));
  }
  return hash.digest('hex');
}

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameterValue', message);
}
