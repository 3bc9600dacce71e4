import { recordCall } from '../calls.ts';
import type { ApiCall, Region } from '../region.ts';
import type { Deliver } from '../services/destinations.ts';
import { after } from '../services/latency.ts';
import type { Caller } from '../wire/operations.ts';
import type { InvokeResult } from './host.ts';

/** How a function takes asynchronous invocations; Lambda's own values where left out. */
export interface AsynchronousConfiguration {
  /** After the first attempt. Default 2. */
  readonly retries?: number;
  /** Default 6 hours. */
  readonly maximumAgeSeconds?: number;
  /** Of a queue or topic: gets the event as it was. */
  readonly deadLetterArn?: string;
  /** Of a queue or topic: gets a record of what failed. */
  readonly onFailureArn?: string;
  /** The function's role, which Lambda sends as. */
  readonly sender?: Caller;
}

export interface AsynchronousOptions {
  readonly region: Region;
  readonly calls: ApiCall[];
  readonly invoke: (functionName: string, event: unknown) => Promise<InvokeResult>;
  readonly deliver: Deliver;
}

interface Queued {
  readonly functionName: string;
  readonly event: unknown;
  readonly principal: string;
  readonly logged: boolean;
  readonly since: Date;
  readonly attempt: number;
}

/** Waits before the retries. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const RETRY_MS = [60_000, 120_000];
const MAXIMUM_AGE_SECONDS = 21_600;

/** Lambda's queue of asynchronous invocations: retries failed invocations, and forwards those that it gives up. */
export class AsynchronousInvocations {
  readonly #options: AsynchronousOptions;
  readonly #configurations = new Map<string, AsynchronousConfiguration>();
  readonly #failures = new Map<string, number>();

  constructor(options: AsynchronousOptions) {
    this.#options = options;
  }

  configure(functionName: string, configuration: AsynchronousConfiguration): void {
    this.#configurations.set(functionName, { ...this.#configurations.get(functionName), ...configuration });
  }

  /** How many attempts have failed so far. */
  failures(functionName: string): number {
    return this.#failures.get(functionName) ?? 0;
  }

  /**
   * Resolves when the first attempt is over; retries come on the region's clock. Every attempt is logged, but the first
   * one not where the log has the call already.
   */
  invoke(
    functionName: string,
    event: unknown,
    { principal, logged = false }: { principal: string; logged?: boolean },
  ): Promise<void> {
    const since = this.#options.region.clock.now();
    return this.#attempt({ functionName, event, principal, logged, since, attempt: 0 });
  }

  async #attempt(queued: Queued): Promise<void> {
    const { region } = this.#options;
    const failure = await this.#run(queued);
    if (!failure) return;
    this.#failures.set(queued.functionName, this.failures(queued.functionName) + 1);
    const { retries = RETRY_MS.length, maximumAgeSeconds = MAXIMUM_AGE_SECONDS } =
      this.#configurations.get(queued.functionName) ?? {};
    const wait = queued.attempt < retries ? RETRY_MS[queued.attempt] : undefined;
    if (wait === undefined) return this.#giveUp(queued, failure, 'RetriesExhausted');
    const next = after(region, wait);
    if (next.getTime() - queued.since.getTime() > maximumAgeSeconds * 1000)
      return this.#giveUp(queued, failure, 'EventAgeExceeded');
    region.clock.at(next, () => this.#attempt({ ...queued, logged: false, attempt: queued.attempt + 1 }));
  }

  /** The error of the attempt; undefined when it succeeded. */
  async #run({ functionName: FunctionName, event, principal, logged }: Queued): Promise<Failure | undefined> {
    const { region, calls, invoke } = this.#options;
    const input = { FunctionName, InvocationType: 'Event', Payload: event };
    const call = { at: region.clock.now(), service: 'lambda', operation: 'Invoke', principal, input };
    const entry = recordCall(logged ? [] : calls, call);
    try {
      const result = await invoke(FunctionName, event);
      if (!('error' in result)) return undefined;
      entry.error = result.error.errorType;
      return result.error;
    } catch (error) {
      entry.error = error instanceof Error ? error.name : String(error);
      return { errorType: entry.error, errorMessage: error instanceof Error ? error.message : String(error) };
    }
  }

  async #giveUp({ functionName, event, attempt }: Queued, failure: Failure, condition: string): Promise<void> {
    const { region, deliver } = this.#options;
    const { deadLetterArn, onFailureArn, sender } = this.#configurations.get(functionName) ?? {};
    const caller = sender ?? { principal: 'lambda', principalArn: 'lambda.amazonaws.com' };
    const { errorType, errorMessage } = failure;
    if (deadLetterArn)
      await deliver(deadLetterArn, JSON.stringify(event), caller, {
        attributes: { ErrorCode: '200', ErrorMessage: errorMessage },
      });
    if (!onFailureArn) return;
    const functionArn = `arn:aws:lambda:${region.name}:${region.account}:function:${functionName}:$LATEST`;
    const record = {
      version: '1.0',
      timestamp: region.clock.now().toISOString(),
      requestContext: { functionArn, condition, approximateInvokeCount: attempt + 1 },
      requestPayload: event,
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      responsePayload: { errorType, errorMessage },
    };
    await deliver(onFailureArn, JSON.stringify(record), caller);
  }
}

interface Failure {
  readonly errorType: string;
  readonly errorMessage: string;
}
