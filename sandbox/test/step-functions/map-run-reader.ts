import type { SFN } from '@aws-sdk/client-sfn';

/** A child that waits for as many seconds as its input says, and answers ten times as many. */
export const waits = {
  One: { Type: 'Wait', Seconds: '{% $states.input %}', Output: '{% $states.input * 10 %}', End: true },
};
/** A child that fails at once if its input is negative, and otherwise waits so long. */
export const mayFail = {
  Look: { Type: 'Choice', Choices: [{ Condition: '{% $states.input < 0 %}', Next: 'No' }], Default: 'One' },
  No: { Type: 'Fail', Error: 'TooSmall', Cause: 'it is negative' },
  ...waits,
};

/** What the API shows of executions with Map Runs. */
export class MapRunReader {
  readonly #sfn: SFN;

  constructor(sfn: SFN) {
    this.#sfn = sfn;
  }

  /** Types of the execution's events. */
  async types(executionArn: string) {
    const { events } = await this.#sfn.getExecutionHistory({ executionArn });
    return events?.map(({ type }) => String(type));
  }

  /** ARN of the execution's newest Map Run. */
  async mapRun(executionArn: string): Promise<string> {
    const { mapRuns = [] } = await this.#sfn.listMapRuns({ executionArn });
    return String(mapRuns[0]?.mapRunArn);
  }

  async outcome(executionArn: string) {
    const { status, output, error, cause } = await this.#sfn.describeExecution({ executionArn });
    return { status, error, cause, output: output === undefined ? undefined : JSON.parse(output) };
  }

  /** The counts of a Map Run that are not 0. */
  async counts(mapRunArn: string) {
    const { executionCounts, itemCounts, status } = await this.#sfn.describeMapRun({ mapRunArn });
    const set = (each: object | undefined) => Object.fromEntries(Object.entries(each ?? {}).filter(([, n]) => n !== 0));
    return { status, executions: set(executionCounts), items: set(itemCounts) };
  }
}
