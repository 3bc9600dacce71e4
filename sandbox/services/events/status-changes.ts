import { createHash } from 'node:crypto';
import { recordCall } from '../../calls.ts';
import type { EventFault } from '../../faults/kinds.ts';
import type { InvokeResult } from '../../lambda/host.ts';
import type { ApiCall, Region } from '../../region.ts';
import type { Execution, ExecutionStatus } from '../../step-functions/execution.ts';
import { after } from '../latency.ts';

export interface StatusChangesOptions {
  readonly region: Region;
  readonly calls: ApiCall[];
  /** The function that hears of the changes. */
  readonly functionName: string;
  readonly invoke: (functionName: string, event: unknown) => Promise<InvokeResult>;
  /** Takes the fault that befalls the event of a status. */
  readonly fault: (status: ExecutionStatus) => EventFault['events'] | undefined;
}

/** From a change to its first delivery. */
const DELIVERY_MS = 500;
/** Waits before the two retries of an asynchronous invocation. https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html */
const RETRY_MS = [60_000, 120_000];
/** An event that is late although no other follows it. */
const LATE_MS = 600_000;

/**
 * Step Functions' status-change events on their way through EventBridge to a function: each a moment later, with the
 * retries of an asynchronous invocation. Best effort, at least once and in no order, when a fault says so.
 * https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export class StatusChanges {
  readonly #options: StatusChangesOptions;
  /** Events that the next one of their execution overtakes, by its ARN. */
  readonly #held = new Map<string, object[]>();

  constructor(options: StatusChangesOptions) {
    this.#options = options;
  }

  /** Sends the event of the status that the execution has now. */
  announce(execution: Execution): void {
    const event = statusChangeEvent(this.#options.region, execution);
    const fault = this.#options.fault(execution.status);
    if (fault === 'lost') return;
    if (fault === 'out-of-order') {
      if (execution.status === 'RUNNING') this.#held.set(execution.arn, [event]);
      else this.#send(event, LATE_MS);
      return;
    }
    this.#send(event, DELIVERY_MS);
    if (fault === 'twice') this.#send(event, 2 * DELIVERY_MS);
    for (const overtaken of this.#held.get(execution.arn) ?? []) this.#send(overtaken, 2 * DELIVERY_MS);
    this.#held.delete(execution.arn);
  }

  #send(event: object, milliseconds: number, attempt = 0): void {
    const { region } = this.#options;
    region.clock.at(after(region, milliseconds), async () => {
      const wait = RETRY_MS[attempt];
      if (!(await this.#deliver(event)) && wait !== undefined) this.#send(event, wait, attempt + 1);
    });
  }

  async #deliver(event: object): Promise<boolean> {
    const { region, calls, functionName: FunctionName, invoke } = this.#options;
    const input = { FunctionName, InvocationType: 'Event', Payload: event };
    const call = { at: region.clock.now(), service: 'lambda', operation: 'Invoke', principal: 'events', input };
    const entry = recordCall(calls, call);
    try {
      const result = await invoke(FunctionName, event);
      if ('error' in result) entry.error = result.error.errorType;
    } catch (error) {
      entry.error = error instanceof Error ? error.name : String(error);
    }
    return entry.error === undefined;
  }
}

/** Times are milliseconds; what an execution does not have yet is null. */
function statusChangeEvent({ account, name: region, clock }: Region, execution: Execution): object {
  const { arn, machine, status, startDate, stopDate, output } = execution;
  return {
    version: '0',
    id: eventId(`${arn} ${status}`),
    'detail-type': 'Step Functions Execution Status Change',
    source: 'aws.states',
    account,
    time: clock
      .now()
      .toISOString()
      .replace(/\.\d+Z$/, 'Z'),
    region,
    resources: [arn],
    detail: {
      executionArn: arn,
      stateMachineArn: machine.arn,
      name: execution.name,
      status,
      startDate: startDate.getTime(),
      stopDate: stopDate?.getTime() ?? null,
      input: execution.input.text,
      inputDetails: { included: true },
      output: output?.text ?? null,
      outputDetails: output ? { included: true } : null,
      error: execution.error ?? null,
      cause: execution.cause ?? null,
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      redriveCount: 0,
      redriveDate: null,
      redriveStatus: 'NOT_REDRIVABLE',
      redriveStatusReason: `Execution is ${status} and cannot be redriven`,
    },
  };
}

/** A delivery that comes twice has one id. */
function eventId(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}
