/**
 * Every ending that the product knows by name, and what the reader can do next. ASL catches these names and people see
 * them: they are API, so a rename is a breaking change. The runbook, docs/operations.md, says for each one what happened,
 * what nightshift did and what to do.
 */
const NEXT_STEPS = {
  /** The input breaks a rule; the message names the field and the rule. */
  InvalidRequest: 'Correct the named field and start again.',
  /** EKS has no cluster of this name in this account and Region. */
  UnknownCluster: 'Check the name with `aws eks list-clusters`, and the account and Region.',
  /** The request names a window that is not configured. */
  UnknownWindow: 'Name a configured window, or configure this one.',
  /** The window is never open for long enough. */
  WindowNever: 'Give the cluster a window that opens and is long enough, or start with --now and a reason.',
  /** A check blocked before the first write. */
  PreflightRefused: 'Fix the findings of the checks; nothing was changed.',
  /** Another execution holds this cluster. */
  AlreadyMigrating: 'Wait until the other execution has ended.',
  /** At least one eligible node could not be prepared, so nothing disruptive was started. */
  NodesNotPrepared: 'Repair the named nodes and start again; the cluster still runs its former mode.',
  /** EKS refused or failed the update of the kube-proxy add-on. */
  AddonUpdateFailed: "Read the errors of the add-on's last update in the EKS console, or with DescribeUpdate.",
  /** The first restarted node did not prove the target. */
  CanaryFailed: "Read the canary's verdict in the evidence.",
  /** The restart of the DaemonSet did not finish, or a new pod crashes. */
  RolloutFailed: 'Look at the kube-proxy pods: `kubectl -n kube-system get pods -l k8s-app=kube-proxy`.',
  /** At least one node did not prove the mode that it should run. */
  ValidationFailed: "Read the named nodes' verdicts in the evidence.",
  /** Leftovers of the other mode stayed on a node after cleaning. */
  LeftoversRemain: 'Replace or restart the named nodes.',
  /** The change failed; the former state is restored and proven on every node. */
  RolledBack: 'Nothing is urgent: read why the change failed.',
  /** The change failed and the former state could not be proven: a person is needed now. */
  RollbackFailed: 'Act now: follow the runbook, docs/operations.md.',
  /** The Kubernetes API gave no answer. */
  KubernetesUnreachable:
    "Check the cluster's endpoint access; for a private endpoint the functions need access to its VPC.",
  /** The Kubernetes API knows the caller but refuses the request, or does not know the caller. */
  KubernetesForbidden: "Check the access entry of nightshift's Kubernetes role.",
  /** Evidence that must be there is absent or unreadable. */
  EvidenceMissing: 'Check the evidence bucket and its lifecycle rules.',
  /** The add-on's configuration values, or their schema, cannot be understood or kept whole. */
  InvalidConfiguration: 'Correct the configuration values of the kube-proxy add-on first.',
  /** Only nodes without an answer failed; a fresh inventory shows whether they still exist. */
  NodesUnreachable: 'Take a fresh inventory and ask the nodes that still exist again.',
  /** The execution ended, but its outcome could not be recorded; only the history has it. */
  OutcomeNotRecorded: "Export the execution's history, and check the evidence bucket and the event bus.",
  /** EKS did not bring a new cluster to ACTIVE, or not within an hour. */
  ClusterNotActive: 'Start a migration by hand when the cluster is ACTIVE.',
  /** A sweep ended, but could not handle every cluster or execution. */
  SweepIncomplete: 'Start the sweep again: it does not repeat finished work.',
  /** A function's answer has more bytes than a state machine can carry. */
  AnswerTooLarge: "Shorten the largest part of the cluster's data, usually its configuration, and start again.",
  /** A step gave no answer in the time that the state machine allows it. */
  StepTimedOut: "Read the execution's history and the logs of the function or service that the step called.",
  /** Step Functions could not carry out a step, for a reason without a name of nightshift. */
  StepFailed: "Read the execution's history: the event of the failed step has the reason.",
  /** Another principal changed kube-proxy's configuration during the execution. nightshift does not overwrite that change. */
  ConfigurationChanged: 'Find out which principal changed it, and start again when its owner agrees with the target.',
  /** The lease is gone or another execution holds it; this execution must not disrupt the cluster further. */
  LeaseLost: 'Follow the execution that holds the lease now; do not delete leases by hand.',
  /** The window closed between the update of the add-on and the restart of all nodes; the change is rolled back. */
  WindowClosed: 'Make the window longer, or start in the next one.',
  /**
   * A hold forbids the change, and no window says when to ask again; or the hold of its batch does, which no window ends;
   * or a hold came during the change, which is rolled back.
   */
  OnHold:
    'Read why it is on hold with `nightshift holds`; when the reason is gone, `nightshift release` and start again.',
  /** A node no longer proves the target, and the execution was started to prove it and to change nothing. */
  TargetLost: 'Find out who changed kube-proxy; then resume the rollout, which migrates the cluster again.',
  /** Another rollout is running in this account and Region. */
  RolloutRunning: 'Wait until the other rollout has ended, or follow it with `nightshift rollout status`.',
  /** A stage failed more often than it tolerates, or clusters of it did not begin: no further cluster begins. */
  RolloutHeld: 'Repair the named clusters, then `nightshift rollout resume`: proven clusters are not migrated again.',
  /** A person denied a stage, or nobody answered in time. */
  ApprovalDenied: 'Read who denied it and why; `nightshift rollout resume` asks again.',
  /** An alarm that guards the cluster is raised: before the change, and no window says when to ask again; or during it, or right after it, and the change is rolled back. */
  GuardRaised: 'Look at the named alarms in CloudWatch; when they are OK again, start again.',
  /** nightshift's access to Kubernetes could not be revoked. */
  AccessRemains: 'Nothing is urgent: a recovery revokes the access. See that its access entry is gone.',
  /** An execution failed without saying why. */
  NoReason: "Read the execution's history.",
  /** The rollback failed and could not publish its event. The migration that waits for it publishes that event. */
  RollbackFailedUnannounced: 'Act now: follow the runbook, docs/operations.md.',
  /** A service failed permanently; the message begins with the service's own error name. */
  ServiceFailed: 'Look up the error of the service, and check the permissions of the role that called it.',
} satisfies Record<string, string>;
export type ErrorName = keyof typeof NEXT_STEPS;

export const ERROR_NAMES: readonly string[] = Object.keys(NEXT_STEPS);

/** True if nightshift defines this name. Error names of services are not among them. */
export function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(NEXT_STEPS, name);
}

/** `nextStep` is one sentence that says what the reader can do; each name brings one of its own. */
export interface ErrorOptions {
  nextStep?: string;
  cause?: unknown;
}

/** An ending that the product knows by name. `name` is what ASL's `ErrorEquals` compares. */
export class NightshiftError extends Error {
  override readonly name: ErrorName;
  readonly nextStep: string;

  constructor(name: ErrorName, message: string, options: { nextStep: string; cause?: unknown }) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = name;
    this.nextStep = options.nextStep;
  }
}

/** True for every named ending. A bundle has one copy of this file, so the class identifies them. */
export function isNightshiftError(error: unknown): error is NightshiftError {
  return error instanceof NightshiftError;
}

/** The class of one ending. A handler throws it; the endings without a class are raised by a state machine. */
function ending<Name extends ErrorName>(name: Name) {
  return class extends NightshiftError {
    constructor(message: string, options: ErrorOptions = {}) {
      super(name, message, { nextStep: options.nextStep ?? NEXT_STEPS[name], cause: options.cause });
    }
  };
}

export class InvalidRequest extends ending('InvalidRequest') {}
export class UnknownCluster extends ending('UnknownCluster') {}
export class UnknownWindow extends ending('UnknownWindow') {}
export class WindowNever extends ending('WindowNever') {}
export class OnHold extends ending('OnHold') {}
export class GuardRaised extends ending('GuardRaised') {}
export class PreflightRefused extends ending('PreflightRefused') {}
export class NodesNotPrepared extends ending('NodesNotPrepared') {}
export class AddonUpdateFailed extends ending('AddonUpdateFailed') {}
export class CanaryFailed extends ending('CanaryFailed') {}
export class RolloutFailed extends ending('RolloutFailed') {}
export class ValidationFailed extends ending('ValidationFailed') {}
export class LeftoversRemain extends ending('LeftoversRemain') {}
export class KubernetesUnreachable extends ending('KubernetesUnreachable') {}
export class KubernetesForbidden extends ending('KubernetesForbidden') {}
export class EvidenceMissing extends ending('EvidenceMissing') {}
export class InvalidConfiguration extends ending('InvalidConfiguration') {}
export class NodesUnreachable extends ending('NodesUnreachable') {}
export class SweepIncomplete extends ending('SweepIncomplete') {}
export class AnswerTooLarge extends ending('AnswerTooLarge') {}
export class StepFailed extends ending('StepFailed') {}
export class ConfigurationChanged extends ending('ConfigurationChanged') {}
export class TargetLost extends ending('TargetLost') {}
export class RolloutRunning extends ending('RolloutRunning') {}
export class LeaseLost extends ending('LeaseLost') {}

/**
 * Translates a failed step's error into one of nightshift's error names. If the name was one of Step Functions or of a
 * service, the cause keeps it.
 * Custom error names must not begin with `States.`: https://states-language.net/#error-names
 */
export function failureByOurName({ name, cause }: { name: string; cause: string }): { name: ErrorName; cause: string } {
  if (isErrorName(name)) return { name, cause };
  if (!name.startsWith('States.')) return { name: 'ServiceFailed', cause: `${name}: ${cause}` };
  const timedOut = name === 'States.Timeout' || name === 'States.HeartbeatTimeout';
  const summary = timedOut ? 'A step did not answer in its time' : 'Step Functions could not carry out a step';
  return {
    name: timedOut ? 'StepTimedOut' : 'StepFailed',
    cause: cause === '' ? `${summary} (${name}).` : `${summary} (${name}): ${cause}`,
  };
}

/** Ends a switch over a discriminated union: the compiler refuses a forgotten case, and so does the run. */
export function assertNever(value: never): never {
  throw new TypeError(`A case was forgotten: ${JSON.stringify(value)}`);
}
