import { labelOf, type PhaseName } from '../../state-machines/phases.ts';
import type { HistoryError, Step } from './history.ts';
import { wentWrong } from './narrate.ts';
import { type NodeRecord, outcomeOf } from './parts.ts';

/** What broke: where, why, and the nodes whose verdicts failed then. */
export interface Failure {
  /** The state that failed, or in which the execution was cut off. */
  state: string;
  phase: string | null;
  error: HistoryError;
  nodes: { node: string; name: string; step: string; reasons: string[] }[];
}

/** The states that the workflow enters when it gives up. */
const GIVES_UP: ReadonlySet<string> = new Set([
  'RecordRefusal',
  'FailedBeforeChange',
  'FailedAfterChange',
  'RollbackFailed',
]);

/** Null if nothing failed, or the history does not show what failed. */
export function buildFailure(steps: readonly Step[], nodes: readonly NodeRecord[], execution: string): Failure | null {
  const own = nodes.filter((node) => node.execution === execution);
  const turn = steps.findIndex((step) => step.kind === 'entered' && GIVES_UP.has(step.state));
  const broke = turn < 0 ? cutOffIn(steps) : gaveUpOver(steps.slice(0, turn), steps.slice(turn));
  if (!broke?.error) return null;
  const { state, phase, error } = broke;
  return { state, phase: phase && labelOf(phase), error, nodes: failedIn(error, own) };
}

interface Broke {
  state: string;
  phase: PhaseName | null;
  error: HistoryError | null;
}

/** If an execution was cut off, it was in the state that it had entered last. */
function cutOffIn(steps: readonly Step[]): Broke | null {
  const end = steps.find((step) => step.kind === 'ended');
  const last = steps.findLast((step) => step.kind === 'entered' && step.phase !== null);
  if (!end || !last || !('state' in last) || end.status === 'SUCCEEDED') return null;
  return { state: last.state, phase: last.phase, error: end.error };
}

/**
 * An execution that gives up records why: with the cause of the failed step, perhaps under a different error name (a
 * failed proof of the canary is CanaryFailed), or with a cause of its own. Failures of its cleanup are not the reason.
 */
function gaveUpOver(before: readonly Step[], after: readonly Step[]): Broke | null {
  const recorded = outcomeOf(after)?.error ?? null;
  const saying = (steps: readonly Step[]) =>
    steps.filter((step) => step.kind === 'failed').findLast(({ error }) => error.cause === recorded?.cause);
  const last = before.findLast((step) => (step.kind === 'failed' || step.kind === 'succeeded') && step.phase !== null);
  const failed = saying(before) ?? last;
  if (!failed || !('state' in failed)) return null;
  const own = wentWrong(failed);
  const later = recorded !== null && failed === last && saying(before) === undefined && saying(after) !== undefined;
  return { state: failed.state, phase: failed.phase, error: later ? own : (recorded ?? own) };
}

/** The cause of a failed step names its evidence. */
function failedIn({ cause }: HistoryError, nodes: readonly NodeRecord[]): Failure['nodes'] {
  const step = /\/(?<step>[^/\s]+)\/evidence\.ndjson\.gz/.exec(cause)?.groups?.['step'];
  return nodes
    .filter((node) => node.step === step && !node.pass)
    .map(({ node, name, step, reasons }) => ({ node, name, step, reasons }));
}
