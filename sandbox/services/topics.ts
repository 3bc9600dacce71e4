import { recordCall } from '../calls.ts';
import type { ApiCall, Region } from '../region.ts';
import { ServiceError } from '../wire/error.ts';
import type { Caller } from '../wire/operations.ts';

/** The Region's SNS topics and what was published to them. Without subscribers: messages are kept for inspection. */
export class Topics {
  readonly #region: Region;
  readonly #calls: ApiCall[];
  readonly #messages = new Map<string, string[]>();

  constructor(region: Region, calls: ApiCall[]) {
    this.#region = region;
    this.#calls = calls;
  }

  create(arn: string): void {
    if (!this.#messages.has(arn)) this.#messages.set(arn, []);
  }

  list(): { arn: string; messages: readonly string[] }[] {
    return [...this.#messages].map(([arn, messages]) => ({ arn, messages }));
  }

  /** Throws ServiceError NotFound. */
  publish(arn: string, message: string, { principal }: Caller): void {
    const input = { TopicArn: arn, Message: message };
    const at = this.#region.clock.now();
    const entry = recordCall(this.#calls, { at, service: 'sns', operation: 'Publish', principal, input });
    const messages = this.#messages.get(arn);
    if (!messages) {
      entry.error = 'NotFound';
      throw new ServiceError('NotFound', 'Topic does not exist', 404);
    }
    messages.push(message);
  }
}
