/** An error inside an execution, as `Retry`, `Catch` and the history see it. */
export class StateFailure extends Error {
  override readonly name = 'StateFailure';
  readonly error: string | undefined;
  readonly detail: string | undefined;
  /**
   * What a catcher gets for an Error or Cause that is not there. The two values are AWS's: LocalStack's snapshots record
   * them against it.
   */
  readonly absent: '' | null = '';
  readonly #alias: string | undefined;

  /** Step Functions calls the two `Error` and `Cause`. `alias` is a further name by which it can be caught. */
  constructor(error: string | undefined, detail: string | undefined, alias?: string) {
    super(`${error ?? 'no error name'}: ${detail ?? 'no cause'}`);
    this.error = error;
    this.detail = detail;
    this.#alias = alias;
  }

  /**
   * Whether `ErrorEquals` names this error. `States.ALL` leaves out `States.DataLimitExceeded`, `States.TaskFailed`
   * leaves out `States.Timeout` too, and nothing catches `States.Runtime`.
   * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
   */
  matches(errorEquals: readonly string[]): boolean {
    if (this.error === 'States.Runtime') return false;
    if (this.error !== undefined && errorEquals.includes(this.error)) return true;
    if (this.#alias !== undefined && errorEquals.includes(this.#alias)) return true;
    if (this.error === 'States.DataLimitExceeded') return false;
    if (errorEquals.includes('States.ALL')) return true;
    return errorEquals.includes('States.TaskFailed') && this.error !== 'States.Timeout';
  }
}

/** What somebody reported with SendTaskFailure. */
export class ReportedFailure extends StateFailure {
  override readonly absent = null;
}

/** What unwinds a state when its execution (or its Map) has ended meanwhile. It is not an error of the workflow. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** A definition that CreateStateMachine refuses. */
export class InvalidDefinition extends Error {
  override readonly name = 'InvalidDefinition';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`Invalid State Machine Definition: ${problems.join('; ')}`);
    this.problems = problems;
  }
}
