import { oneLine } from '../exit.ts';
import { showTarget } from '../terminal/format.ts';
import type { HistoryError, Step } from './history.ts';
import { narrateAnswer } from './narrate-answers.ts';
import { Nested, Requested, RequestedRollback } from './views.ts';

/** A step in one line for a person; null if a later step shows the same. */
export function narrate(step: Step): string | null {
  switch (step.kind) {
    case 'started':
      return narrateRequest(step.input);
    case 'entered':
      return step.words;
    case 'succeeded':
      return clean(narrateAnswer(step));
    case 'submitted':
      return clean(submitted(step.value));
    case 'failed':
      return clean(attempted(step));
    case 'left':
    case 'ended':
      return null;
  }
}

/** The line of a step whose failure is expected; null if the failure is an error. */
export function expectedAnswer(step: Step): string | null {
  return step.kind === 'failed' ? (step.answers.get(step.error.name) ?? null) : null;
}

/** The error of a step that failed unexpectedly and was not retried; null otherwise. */
export function wentWrong(step: Step): HistoryError | null {
  return step.kind === 'failed' && step.next === 'over' && expectedAnswer(step) === null ? step.error : null;
}

/** Errors that pass by themselves, as they do for some seconds after access was granted. */
const PASSING: Readonly<Record<string, string>> = {
  KubernetesForbidden: 'the access to Kubernetes is not in force yet',
  KubernetesUnreachable: 'the Kubernetes API does not answer yet',
};

/** Only the last attempt fails the step, so only its cause has a next step for a person. */
function attempted(step: Step & { kind: 'failed' }): string {
  const { name, cause } = step.error;
  const expected = expectedAnswer(step);
  if (step.next === 'over') return expected ?? `${name}: ${cause}`;
  const why = expected ?? PASSING[name];
  return why === undefined ? `${name}: tries again` : `${why}: asks again`;
}

function narrateRequest(input: unknown): string {
  const rollback = RequestedRollback.safeParse(input);
  if (rollback.success) {
    const { mode, cluster, execution, reason } = rollback.data;
    const what = mode === 'recover' ? 'brings to an end' : 'undoes';
    return oneLine(`cluster ${cluster}: ${what} what ${execution.name} has changed, because: ${reason}`);
  }
  const request = Requested.safeParse(input);
  if (!request.success) return 'started with an input that is not a migration request';
  const { cluster, target, requestedBy, window, now } = request.data;
  const when = now ? `now (${now.reason})` : window ? `in window ${window}` : "in the cluster's window";
  return oneLine(
    `cluster ${cluster} to ${showTarget(target)}, ${when}${requestedBy ? `, asked by ${requestedBy}` : ''}`,
  );
}

/** The name at the end of the ARN of a nested execution that was started. */
function submitted(value: unknown): string | null {
  const nested = Nested.safeParse(value);
  return nested.success ? `execution ${nested.data.ExecutionArn.split(':').at(-1)} restores everything` : null;
}

function clean(text: string | null): string | null {
  return text === null ? null : oneLine(text);
}
