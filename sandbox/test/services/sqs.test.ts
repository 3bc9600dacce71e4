import { QueueDoesNotExist, SQS } from '@aws-sdk/client-sqs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Queues } from '../../services/sqs/queues.ts';
import { sqsService } from '../../services/sqs.ts';
import { TestRegion } from './region.ts';

let world: TestRegion;
let client: SQS;
let QueueUrl: string;
beforeEach(async () => {
  world = new TestRegion();
  const options = await world.listen();
  world.dispatcher.register('sqs', sqsService(world.region, new Queues(world.region), options.endpoint));
  client = new SQS(options);
  ({ QueueUrl = '' } = await client.createQueue({ QueueName: 'dead' }));
});
afterEach(() => world.close());

async function counts() {
  const { Attributes = {} } = await client.getQueueAttributes({ QueueUrl, AttributeNames: ['All'] });
  const { ApproximateNumberOfMessages: visible, ApproximateNumberOfMessagesNotVisible: hidden } = Attributes;
  return { visible, hidden };
}

test('a message is received, hidden from the next receiver, and gone when it is deleted', async () => {
  const attributes = { ERROR_CODE: { DataType: 'String', StringValue: 'NO_PERMISSIONS' } };
  await client.sendMessage({ QueueUrl, MessageBody: '{"a":1}', MessageAttributes: attributes });
  expect(await counts()).toEqual({ visible: '1', hidden: '0' });
  const { Messages } = await client.receiveMessage({
    QueueUrl,
    MessageAttributeNames: ['All'],
    AttributeNames: ['All'],
  });
  expect(Messages).toMatchObject([
    {
      Body: '{"a":1}',
      MessageAttributes: attributes,
      Attributes: { ApproximateReceiveCount: '1', SentTimestamp: '1795298400000' },
    },
  ]);
  expect(await counts()).toEqual({ visible: '0', hidden: '1' });
  expect((await client.receiveMessage({ QueueUrl })).Messages ?? []).toEqual([]);
  await client.deleteMessage({ QueueUrl, ReceiptHandle: Messages?.[0]?.ReceiptHandle });
  expect(await counts()).toEqual({ visible: '0', hidden: '0' });
});

test('a message that nobody deletes comes back after half a minute', async () => {
  await client.sendMessage({ QueueUrl, MessageBody: 'once' });
  await client.receiveMessage({ QueueUrl });
  await world.clock.skip(30_000);
  const { Messages } = await client.receiveMessage({ QueueUrl, MessageSystemAttributeNames: ['All'] });
  expect(Messages).toMatchObject([{ Body: 'once', Attributes: { ApproximateReceiveCount: '2' } }]);
});

test('a queue is found by its name and its URL, and an unknown queue by neither', async () => {
  expect(await client.getQueueUrl({ QueueName: 'dead' })).toMatchObject({ QueueUrl });
  expect(QueueUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/111122223333\/dead$/);
  await expect(client.getQueueUrl({ QueueName: 'other' })).rejects.toThrow(QueueDoesNotExist);
  await expect(client.sendMessage({ QueueUrl, MessageBody: '' })).rejects.toThrow('MessageBody');
  expect((await client.listQueues({ QueueNamePrefix: 'd' })).QueueUrls).toEqual([QueueUrl]);
});
