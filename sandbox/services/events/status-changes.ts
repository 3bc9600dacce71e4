import { createHash } from 'node:crypto';
import type { EventFault } from '../../faults/kinds.ts';
import type { Region } from '../../region.ts';
import type { Execution, ExecutionStatus } from '../../step-functions/execution.ts';
import type { BusEvent } from '../events.ts';
import { DELIVERY_MS } from './delivery.ts';

export interface StatusChangesOptions {
  readonly region: Region;
  /** Puts an event on the default bus, from which it is delivered after so long. */
  readonly put: (event: BusEvent, milliseconds: number) => void;
  /** Takes the fault that is armed for the event of a status. */
  readonly fault: (status: ExecutionStatus) => EventFault['events'] | undefined;
}

/** When a held event is delivered at the latest, if no event of its execution follows. */
const LATE_MS = 600_000;

/**
 * Step Functions' status-change events on their way to the default bus: best effort, at least once and in no order, if
 * a fault asks for it.
 * https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
 */
export class StatusChanges {
  readonly #options: StatusChangesOptions;
  /** Events that the next one of their execution overtakes, by its ARN. */
  readonly #held = new Map<string, BusEvent[]>();

  constructor(options: StatusChangesOptions) {
    this.#options = options;
  }

  /** Sends the event of the status that the execution has now. */
  announce(execution: Execution): void {
    const event = statusChangeEvent(this.#options.region, execution);
    const { put } = this.#options;
    const fault = this.#options.fault(execution.status);
    if (fault === 'lost') return;
    if (fault === 'out-of-order') {
      if (execution.status === 'RUNNING') this.#held.set(execution.arn, [event]);
      else put(event, LATE_MS);
      return;
    }
    put(event, DELIVERY_MS);
    if (fault === 'twice') put(event, 2 * DELIVERY_MS);
    for (const overtaken of this.#held.get(execution.arn) ?? []) put(overtaken, 2 * DELIVERY_MS);
    this.#held.delete(execution.arn);
  }
}

/** Times are milliseconds; what an execution does not have yet is null. */
function statusChangeEvent({ account, name: region, clock }: Region, execution: Execution): BusEvent {
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
      stateMachineVersionArn: execution.origin.versionArn ?? null,
      stateMachineAliasArn: execution.origin.aliasArn ?? null,
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
