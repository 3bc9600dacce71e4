import { ServiceError } from '../wire/error.ts';
import { ReportedFailure, type StateFailure } from './failure.ts';
import { uuid } from './functions.ts';
import type { Json } from './json.ts';

/** A task that waits for somebody to report its result. */
interface Waiting {
  resolve(result: Json): void;
  reject(failure: StateFailure): void;
  beat(): void;
}

const INVALID = new ServiceError('InvalidToken', "Invalid Token: 'Invalid token'");

/**
 * The tokens of tasks with `.waitForTaskToken`. Each attempt of a task has its own; it is worthless when the attempt has
 * ended.
 * https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html#connect-wait-token
 */
export class TaskTokens {
  readonly #random: () => number;
  /** null: the attempt has ended. */
  readonly #waiting = new Map<string, Waiting | null>();

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A new token; `result` settles when somebody reports the task's end, `beat` hears heartbeats. */
  issue(beat: () => void): { token: string; result: Promise<Json> } {
    const token = `AQCoAAAAKgAAAAMAAAAAAAAAA${Buffer.from(uuid(this.#random) + uuid(this.#random)).toString('base64')}`;
    const { promise, resolve, reject } = Promise.withResolvers<Json>();
    // A failure may be reported before the task has begun to wait for it.
    promise.catch(() => undefined);
    this.#waiting.set(token, { resolve, reject, beat });
    return { token, result: promise };
  }

  /** Ends an attempt: its token is refused from now on. */
  close(token: string): void {
    this.#waiting.set(token, null);
  }

  succeed(token: string, result: Json): void {
    this.#take(token).resolve(result);
    this.close(token);
  }

  fail(token: string, error: string | undefined, cause: string | undefined): void {
    this.#take(token).reject(new ReportedFailure(error, cause));
    this.close(token);
  }

  heartbeat(token: string): void {
    this.#take(token).beat();
  }

  /** Throws InvalidToken, and TaskTimedOut for the token of an attempt that has ended. */
  #take(token: string): Waiting {
    const waiting = this.#waiting.get(token);
    if (waiting) return waiting;
    if (waiting === undefined) throw INVALID;
    throw new ServiceError('TaskTimedOut', "Task Timed Out: 'Provided task does not exist anymore'");
  }
}
