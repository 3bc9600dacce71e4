import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { ApiCall } from '@nightshift/sandbox';

/** What AWS counts of a run. */
export interface Counts {
  /** Transitions of Step Functions: each state that was entered, and each retry. */
  transitions: number;
  /** Events in the histories of all executions. */
  events: number;
  /** API calls by `service:Operation`, those that failed included. Invocations are not among them. */
  calls: Record<string, number>;
  /** Invocations of Lambda by the function's name without `nightshift-`. */
  invocations: Record<string, number>;
  /** Bytes that the functions logged. */
  logBytes: number;
}

/** What is counted of an execution. */
interface Counted {
  readonly history: readonly HistoryEvent[];
}

function transitionsOf(history: readonly HistoryEvent[]): number {
  const having = (end: string) => history.filter(({ type }) => type?.endsWith(end)).length;
  const retries = having('Scheduled') - having('TaskStateEntered');
  return having('StateEntered') + Math.max(0, retries);
}

/** How often each name is in a list, in the order of the names. */
export function tally(names: readonly string[]): Record<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

const isInvocation = ({ service, operation }: ApiCall): boolean => service === 'lambda' && operation === 'Invoke';

function functionOf({ input }: ApiCall): string {
  const name = typeof input === 'object' && input !== null && 'FunctionName' in input ? input.FunctionName : '';
  return String(name)
    .replace(/^arn:.*:function:/, '')
    .replace(/^nightshift-/, '');
}

/** Counts what executions and calls of one run come to. */
export function countsOf(executions: readonly Counted[], calls: readonly ApiCall[], logBytes: number): Counts {
  let transitions = 0;
  let events = 0;
  for (const { history } of executions) {
    transitions += transitionsOf(history);
    events += history.length;
  }
  return {
    transitions,
    events,
    calls: tally(
      calls.filter((call) => !isInvocation(call)).map(({ service, operation }) => `${service}:${operation}`),
    ),
    invocations: tally(calls.filter(isInvocation).map(functionOf)),
    logBytes,
  };
}

/** The sum of a tally, or of those of its counts whose names fit. */
export const total = (counts: Readonly<Record<string, number>>, names = /^/): number =>
  Object.entries(counts).reduce((sum, [name, count]) => sum + (names.test(name) ? count : 0), 0);
