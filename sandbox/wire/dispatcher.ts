import { recordCall } from '../calls.ts';
import type { Clock } from '../clock.ts';
import type { ApiCall } from '../region.ts';
import { type OperationModel, type ServiceId, type ServiceModel, serviceModel } from './catalog.ts';
import { checkValue } from './check.ts';
import { EmulatorBug, LostReply, ServiceError } from './error.ts';
import type { Caller, Operation, Operations } from './operations.ts';

export interface Call extends Caller {
  readonly service: ServiceId;
  /** AWS's name: `UpdateAddon`. */
  readonly operation: string;
  /** Member names as in the service's model; times are Date, blobs Uint8Array. */
  readonly input: Record<string, unknown>;
  /** No scripted fault strikes this call: it is part of one. */
  readonly undisturbed?: true;
}

/** What goes wrong with calls by script. */
export interface CallFaults {
  /** The code of the error with which this call fails before anything was done. */
  strike(service: string, operation: string, input: Record<string, unknown>): { readonly error: string } | undefined;
  /** Asked before a call is carried out; what it answers is asked afterwards: whether the answer is lost. */
  reply(service: string, operation: string, input: Record<string, unknown>): () => boolean;
}

/** How often operations may be called. */
export interface CallRates {
  /** Whether this call may go on; it counts. */
  admit(service: ServiceId, operation: string): boolean;
}

/** The one way into every service, whether over HTTP or from a state machine's SDK integration. */
export class Dispatcher {
  readonly #clock: Clock;
  readonly #calls: ApiCall[];
  readonly #faults: CallFaults;
  readonly #rates: CallRates | undefined;
  readonly #services = new Map<ServiceId, Operations>();

  /** Without rates no call is throttled. */
  constructor(options: { clock: Clock; calls: ApiCall[]; faults: CallFaults; rates?: CallRates }) {
    this.#clock = options.clock;
    this.#calls = options.calls;
    this.#faults = options.faults;
    this.#rates = options.rates;
  }

  /** Adds a service's operations; what was registered before stays. Throws EmulatorBug for a name AWS does not have. */
  register(service: ServiceId, operations: Operations): void {
    const { operations: known } = serviceModel(service);
    for (const name of Object.keys(operations))
      if (!known.has(name)) throw new EmulatorBug(`${service} has no operation ${name}`);
    this.#services.set(service, { ...this.#services.get(service), ...operations });
  }

  /**
   * Checks the input, logs the call, lets a scripted fault strike, runs the handler and checks its output.
   * Throws ServiceError with the service's own code, or EmulatorBug when the sandbox itself is at fault.
   */
  async call(call: Call): Promise<Record<string, unknown>> {
    const { service, operation, principal, input } = call;
    const entry = recordCall(this.#calls, { at: this.#clock.now(), service, operation, principal, input });
    try {
      const isLost = call.undisturbed ? () => false : this.#faults.reply(service, operation, input);
      const output = await this.#run(call);
      if (!isLost()) return output;
    } catch (error) {
      const known = error instanceof ServiceError || error instanceof EmulatorBug;
      const thrown = known
        ? error
        : new EmulatorBug(`${service}.${operation} failed: ${describe(error)}`, { cause: error });
      entry.error = thrown.name;
      throw thrown;
    }
    // The log has no error: the call had its effect.
    entry.lostReply = true;
    throw new LostReply();
  }

  async #run(call: Call): Promise<Record<string, unknown>> {
    const service = serviceModel(call.service);
    const { model, run } = this.#find(service, call.operation);
    if (!call.undisturbed && this.#rates?.admit(call.service, call.operation) === false)
      throw scriptedError(service, service.throttled.code);
    const problems = checkValue(model.input, call.input);
    if (problems.length > 0) throw service.invalid(problems);
    const fault = call.undisturbed ? undefined : this.#faults.strike(call.service, call.operation, call.input);
    if (fault) throw scriptedError(service, fault.error);
    const output = await run(call.input, { principal: call.principal, principalArn: call.principalArn });
    const broken = checkValue(model.output, output);
    if (broken.length > 0) {
      const list = broken.map(({ path, rule }) => `${path || 'output'}: ${rule}`).join('; ');
      throw new EmulatorBug(`the reply of ${call.service}.${call.operation} breaks its schema: ${list}`);
    }
    return output;
  }

  #find(service: ServiceModel, name: string): { model: OperationModel; run: Operation } {
    const model = service.operations.get(name);
    if (!model) throw new ServiceError('UnknownOperationException', `${service.id} has no operation ${name}`, 404);
    const registered = this.#services.get(service.id);
    const run = registered && Object.hasOwn(registered, name) ? registered[name] : undefined;
    if (!run) throw new ServiceError('NotImplemented', `the sandbox does not implement ${service.id}.${name}`, 501);
    return { model, run };
  }
}

/** Codes that stand for a fault of the service; every other one is a fault of the caller. */
const SERVER_ERRORS = /^(Internal|Server|ServiceUnavailable)/;

/** A service's error with this code; `ThrottlingException` is whatever the service calls it. */
export function scriptedError(service: ServiceModel, code: string): ServiceError {
  const { throttled } = service;
  if (code === 'ThrottlingException' || code === throttled.code)
    return new ServiceError(throttled.code, throttled.message, throttled.status);
  return new ServiceError(code, `${code} (a scripted fault of the sandbox)`, SERVER_ERRORS.test(code) ? 500 : 400);
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
