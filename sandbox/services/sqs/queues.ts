import { createHash } from 'node:crypto';
import type { Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';
import { uuid } from '../latency.ts';

/** An attribute of a message, as text: what the sandbox's own senders and the CLI use. */
export interface MessageAttribute {
  readonly DataType: string | undefined;
  readonly StringValue?: string | undefined;
  readonly BinaryValue?: Uint8Array | undefined;
}

export interface Message {
  readonly id: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  readonly sender: string;
  readonly sentAt: Date;
  visibleAt: number;
  receives: number;
  firstReceivedAt: Date | undefined;
  receipt: string | undefined;
}

export interface Queue {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: Date;
  /** As CreateQueue and the template set them. */
  readonly attributes: Readonly<Record<string, string>>;
  messages: Message[];
}

/** Seconds for which a received message is hidden from the next receiver, if the queue does not say. */
const VISIBILITY_SECONDS = 30;

/** The Region's SQS queues. A message stays until it is deleted: there is no retention period. */
export class Queues {
  readonly #region: Region;
  readonly #queues = new Map<string, Queue>();

  constructor(region: Region) {
    this.#region = region;
  }

  list(): Queue[] {
    return [...this.#queues.values()];
  }

  /** Returns an existing queue with the same attributes. Throws QueueNameExists if the attributes differ. */
  create(name: string, attributes: Record<string, string> = {}): Queue {
    const former = this.#queues.get(name);
    if (former) {
      if (JSON.stringify(former.attributes) === JSON.stringify(attributes)) return former;
      throw new ServiceError('QueueNameExists', 'A queue already exists with the same name and a different value.');
    }
    const { account, name: region, clock } = this.#region;
    const arn = `arn:aws:sqs:${region}:${account}:${name}`;
    const queue: Queue = { name, arn, createdAt: clock.now(), attributes, messages: [] };
    this.#queues.set(name, queue);
    return queue;
  }

  /** By name, ARN or URL; undefined when there is none. */
  lookup(queue: string): Queue | undefined {
    return this.#queues.get(queue.split(/[:/]/).at(-1) ?? '');
  }

  /** As `lookup`. Throws QueueDoesNotExist. */
  find(queue: string): Queue {
    const found = this.lookup(queue);
    if (found) return found;
    throw new ServiceError('QueueDoesNotExist', 'The specified queue does not exist.');
  }

  /** `delaySeconds`: for how long the message cannot be received. */
  send(
    queue: Queue,
    message: { body: string; sender: string; attributes?: Record<string, MessageAttribute>; delaySeconds?: number },
  ): Message {
    const sentAt = this.#region.clock.now();
    const sent: Message = {
      id: uuid(this.#region),
      body: message.body,
      attributes: message.attributes ?? {},
      sender: message.sender,
      sentAt,
      visibleAt: sentAt.getTime() + (message.delaySeconds ?? 0) * 1000,
      receives: 0,
      firstReceivedAt: undefined,
      receipt: undefined,
    };
    queue.messages.push(sent);
    return sent;
  }

  /** The oldest visible messages, hidden from other receivers for a while. */
  receive(queue: Queue, count: number, visibilitySeconds?: number): Message[] {
    const now = this.#region.clock.now();
    const seconds = visibilitySeconds ?? Number(queue.attributes['VisibilityTimeout'] ?? VISIBILITY_SECONDS);
    const received = this.visible(queue).slice(0, count);
    for (const message of received) {
      message.visibleAt = now.getTime() + seconds * 1000;
      message.receives += 1;
      message.firstReceivedAt ??= now;
      message.receipt = uuid(this.#region);
    }
    return received;
  }

  /** The messages that a receiver would get now. */
  visible(queue: Queue): Message[] {
    const now = this.#region.clock.now().getTime();
    return queue.messages.filter(({ visibleAt }) => visibleAt <= now);
  }
}

export function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
