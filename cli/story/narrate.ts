import { oneLine } from '../exit.ts';
import { showTarget } from '../terminal/format.ts';
import { NestedAnswer, RequestInput, RollbackInput } from './answers.ts';
import type { HistoryError, Step } from './history.ts';
import { ANSWERED } from './narrate-answers.ts';

/** What a step means to a person, in one line; null where it says nothing that the next step does not say better. */
export function narrate(step: Step): string | null {
  switch (step.kind) {
    case 'started':
      return narrateRequest(step.input);
    case 'entered':
      return ENTERED[step.state] ?? null;
    case 'succeeded':
      return clean(ANSWERED[step.state]?.(step.value) ?? null);
    case 'submitted':
      return clean(submitted(step.value));
    case 'failed':
      return clean(attempted(step));
    case 'left':
    case 'ended':
      return null;
  }
}

const ENTERED: Readonly<Record<string, string>> = {
  ReadRequest: 'reads when the work is to begin',
  AwaitBeginning: 'is not to begin yet: waits',
  AwaitCluster: 'EKS is still making the cluster: looks again in one or two minutes',
  AwaitAddonActive: 'kube-proxy is not an ACTIVE add-on yet: looks again in a minute',
  InspectCluster: 'reads the cluster, its add-on and its nodes',
  ProveCompliance: 'configured already: every node is asked to prove it',
  ConfirmCompliance: 'checks that the next pod starts with the target, too',
  AcquireLease: 'takes the lease of the cluster',
  GrantAccess: 'takes access to Kubernetes for this execution',
  InspectForPreparation: 'some nodes gave no answer: looks again which there are',
  CheckBeforeChange: 'checks its lease, and that nobody changed kube-proxy since the look',
  AwaitLookAgain: 'somebody changed kube-proxy meanwhile: looks again in two minutes',
  AwaitOtherUpdate: 'EKS has another update of the add-on in flight: tries again in a minute',
  RenewLease: 'renews the lease before the change',
  SaveFormer: 'saves what is there before the change',
  AwaitSecondCanaryProof: 'asks the canary again in a minute',
  InspectForCanary: 'looks whether the canary is still there',
  AwaitSecondValidation: 'asks all nodes again in a minute',
  CleanNodes: 'removes what the other mode left on the nodes',
  ConfirmConfiguration: 'checks that the next pod starts with the target, too',
  Rollback: 'puts everything back',
  AwaitRollbackAgain: 'the way back could not be started: tries again',
  ReleaseLeaseForWait: 'gives the lease back while it waits',
  RevokeAccessForWait: 'gives the access to Kubernetes back while it waits',
  RevokeAccess: 'gives the access to Kubernetes back',
  ReleaseLease: 'gives the lease back',
  StopPrevious: 'stops the recovery before it, should it still run',
  StopOwner: 'stops the execution that it recovers, should it still run',
  InspectFormer: 'reads what was saved before the change, and the cluster as it is',
  TakeLease: 'takes the lease of the cluster',
  AwaitLease: 'another execution works on the cluster: waits for its lease',
  TakeOverLease: 'takes over the lease of the execution that it undoes',
  InspectHolder: 'looks whether its holder still runs',
  ConfirmLease: 'makes sure that the lease is its own',
  ProveStanding: 'the configuration may stay as it is: every node is asked to prove it',
  ConfirmStanding: 'checks that the next pod starts in that mode, too',
  ConfirmFormer: 'checks that the next pod starts in the former mode, too',
  RestartCanary: 'restarts kube-proxy on one node first',
  AwaitSecondProof: 'asks all nodes again in a minute',
  AwaitRetry: 'tries again in three minutes',
};

const NO_ENTRY = {
  'Eks.ResourceNotFoundException': 'the access entry was gone already',
  'Eks.InvalidRequestException': 'the authentication mode has no access entries',
};

/** Errors that say that there was nothing left to do, by state: the workflow goes on with them as with an answer. */
const EXPECTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  DescribeCluster: {
    'Eks.ResourceNotFoundException': 'EKS does not show the cluster',
    'Eks.InvalidParameterException': 'EKS knows no such name',
  },
  DescribeAddon: { 'Eks.ResourceNotFoundException': 'kube-proxy is not an add-on' },
  AcquireLease: { 'Scheduler.ConflictException': 'another execution holds the lease of the cluster' },
  GrantAccess: { 'Eks.ResourceInUseException': 'the access entry is there already' },
  ReadAccess: NO_ENTRY,
  RevokeAccess: NO_ENTRY,
  ReadAccessForWait: NO_ENTRY,
  RevokeAccessForWait: NO_ENTRY,
  ReleaseLease: { 'Scheduler.ResourceNotFoundException': 'the lease was gone already' },
  ReadLeaseForWait: { 'Scheduler.ResourceNotFoundException': 'the lease was gone already' },
  ReadLeaseForRelease: { 'Scheduler.ResourceNotFoundException': 'the lease was gone already' },
  ReleaseLeaseForWait: { 'Scheduler.ResourceNotFoundException': 'the lease was gone already' },
  StopPrevious: { 'Sfn.ExecutionDoesNotExistException': 'Step Functions has forgotten that execution' },
  StopOwner: { 'Sfn.ExecutionDoesNotExistException': 'Step Functions has forgotten that execution' },
  TakeLease: { 'Scheduler.ConflictException': 'the lease is held: looks by whom' },
  ReadLease: { 'Scheduler.ResourceNotFoundException': 'the lease was gone already' },
  InspectHolder: { 'Sfn.ExecutionDoesNotExistException': 'its holder is forgotten' },
  ConfirmLease: { 'Scheduler.ResourceNotFoundException': 'the lease was given back meanwhile' },
  TakeOverLease: { 'Scheduler.ResourceNotFoundException': 'the lease was given back meanwhile' },
  CheckAddonGone: { 'Eks.ResourceNotFoundException': 'the add-on that was created is given back' },
};

/** What a failed step says that failed as it may; null for one that went wrong. */
export function expectedAnswer(step: Step): string | null {
  return step.kind === 'failed' ? (EXPECTED[step.state]?.[step.error.name] ?? null) : null;
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
  const rollback = RollbackInput.safeParse(input);
  if (rollback.success) {
    const { mode, cluster, execution, reason } = rollback.data;
    const what = mode === 'recover' ? 'brings to an end' : 'undoes';
    return oneLine(`cluster ${cluster}: ${what} what ${execution.name} has changed, because: ${reason}`);
  }
  const request = RequestInput.safeParse(input);
  if (!request.success) return 'started with an input that is not a migration request';
  const { cluster, target, requestedBy, window, now } = request.data;
  const when = now ? `now (${now.reason})` : window ? `in window ${window}` : "in the cluster's window";
  return oneLine(
    `cluster ${cluster} to ${showTarget(target)}, ${when}${requestedBy ? `, asked by ${requestedBy}` : ''}`,
  );
}

/** The name at the end of the ARN of a nested execution that was started. */
function submitted(value: unknown): string | null {
  const nested = NestedAnswer.safeParse(value);
  return nested.success ? `execution ${nested.data.ExecutionArn.split(':').at(-1)} puts everything back` : null;
}

function clean(text: string | null): string | null {
  return text === null ? null : oneLine(text);
}
