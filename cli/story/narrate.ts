import { oneLine } from '../exit.ts';
import { showTarget } from '../terminal/format.ts';
import type { HistoryError, Step } from './history.ts';
import { narrateAnswer } from './narrate-answers.ts';
import { Nested, Requested, RequestedRollback } from './views.ts';

/** What a step means to a person, in one line; null where it says nothing that the next step does not say better. */
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

/** What a failed step says that failed as it may; null for one that went wrong. */
export function expectedAnswer(step: Step): string | null {
  return step.kind === 'failed' ? (step.answers.get(step.error.name) ?? null) : null;
}

/** What went wrong for good in a step: it failed, not as it may, and no other attempt followed. Null otherwise. */
export function wentWrong(step: Step): HistoryError | null {
  return step.kind === 'failed' && step.next === 'over' && expectedAnswer(step) === null ? step.error : null;
}

/** Errors that pass by themselves, as they do for some seconds after access was granted. */
const PASSING: Readonly<Record<string, string>> = {
  KubernetesForbidden: 'the access to Kubernetes is not in force yet',
  KubernetesUnreachable: 'the Kubernetes API does not answer yet',
};

/** Only the last attempt failed for good, and only its sentence has a next step for a person. */
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
  return nested.success ? `execution ${nested.data.ExecutionArn.split(':').at(-1)} puts everything back` : null;
}

function clean(text: string | null): string | null {
  return text === null ? null : oneLine(text);
}
