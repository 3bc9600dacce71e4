/** The names that the workflow's ASL catches and that people see: they are API, so a rename is a breaking change. */
export type ErrorName =
  | 'InvalidRequest'
  | 'UnknownCluster'
  | 'UnknownWindow'
  | 'WindowNever'
  | 'PreflightRefused'
  | 'AlreadyMigrating'
  | 'NodesNotPrepared'
  | 'AddonUpdateFailed'
  | 'CanaryFailed'
  | 'RolloutFailed'
  | 'ValidationFailed'
  | 'LeftoversRemain'
  | 'RolledBack'
  | 'RollbackFailed'
  | 'KubernetesUnreachable'
  | 'KubernetesForbidden'
  | 'EvidenceMissing'
  | 'InvalidConfiguration'
  | 'NodesUnreachable'
  | 'OutcomeNotRecorded'
  | 'ClusterNotActive'
  | 'SweepIncomplete'
  | 'AnswerTooLarge'
  | 'StepTimedOut'
  | 'StepFailed'
  | 'ConfigurationChanged'
  | 'LeaseLost'
  | 'WindowClosed'
  | 'AccessRemains'
  | 'NoReason'
  | 'RollbackFailedUnannounced'
  | 'ServiceFailed';

/** Every name, as a table: a new name has to be added here. */
const NAMES: Record<ErrorName, true> = {
  InvalidRequest: true,
  UnknownCluster: true,
  UnknownWindow: true,
  WindowNever: true,
  PreflightRefused: true,
  AlreadyMigrating: true,
  NodesNotPrepared: true,
  AddonUpdateFailed: true,
  CanaryFailed: true,
  RolloutFailed: true,
  ValidationFailed: true,
  LeftoversRemain: true,
  RolledBack: true,
  RollbackFailed: true,
  KubernetesUnreachable: true,
  KubernetesForbidden: true,
  EvidenceMissing: true,
  InvalidConfiguration: true,
  NodesUnreachable: true,
  OutcomeNotRecorded: true,
  ClusterNotActive: true,
  SweepIncomplete: true,
  AnswerTooLarge: true,
  StepTimedOut: true,
  StepFailed: true,
  ConfigurationChanged: true,
  LeaseLost: true,
  WindowClosed: true,
  AccessRemains: true,
  NoReason: true,
  RollbackFailedUnannounced: true,
  ServiceFailed: true,
};

/** True for a name out of nightshift's own table. What a service calls its errors is not one. */
export function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(NAMES, name);
}

/** `nextStep` is one sentence that says what the reader can do; each class brings one of its own. */
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

/** True for every named ending; a bundle has one copy of this file, so the class tells. */
export function isNightshiftError(error: unknown): error is NightshiftError {
  return error instanceof NightshiftError;
}

const withDefault = (nextStep: string, options: ErrorOptions | undefined): { nextStep: string; cause?: unknown } => ({
  nextStep: options?.nextStep ?? nextStep,
  cause: options?.cause,
});

/** The input breaks a rule of its own; the message names the field and the rule. */
export class InvalidRequest extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('InvalidRequest', message, withDefault('Correct the named field and start again.', options));
  }
}

/** EKS knows no cluster of this name in this account and Region. */
export class UnknownCluster extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Check the name with `aws eks list-clusters`, and the account and Region.';
    super('UnknownCluster', message, withDefault(nextStep, options));
  }
}

/** The request names a window that is not configured. */
export class UnknownWindow extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('UnknownWindow', message, withDefault('Name a configured window, or configure this one.', options));
  }
}

/** No moment will ever come at which the window is open long enough. */
export class WindowNever extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Give the cluster a window that opens and is long enough, or start with --now and a reason.';
    super('WindowNever', message, withDefault(nextStep, options));
  }
}

/** A check before the first write said no. */
export class PreflightRefused extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('PreflightRefused', message, withDefault('Fix what the checks name; nothing was changed.', options));
  }
}

/** Another execution holds this cluster. */
export class AlreadyMigrating extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('AlreadyMigrating', message, withDefault('Wait until the other execution has ended.', options));
  }
}

/** At least one eligible node could not be prepared, so nothing disruptive was started. */
export class NodesNotPrepared extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Repair the named nodes and start again; the cluster still runs its former mode.';
    super('NodesNotPrepared', message, withDefault(nextStep, options));
  }
}

/** EKS refused or failed the update of the kube-proxy add-on. */
export class AddonUpdateFailed extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = "Read the errors of the add-on's last update in the EKS console, or with DescribeUpdate.";
    super('AddonUpdateFailed', message, withDefault(nextStep, options));
  }
}

/** The first restarted node did not prove the target. */
export class CanaryFailed extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('CanaryFailed', message, withDefault("Read the canary's verdict in the evidence.", options));
  }
}

/** The restart of the DaemonSet did not finish, or a new pod crashes. */
export class RolloutFailed extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Look at the kube-proxy pods: `kubectl -n kube-system get pods -l k8s-app=kube-proxy`.';
    super('RolloutFailed', message, withDefault(nextStep, options));
  }
}

/** At least one node did not prove the mode that it should run. */
export class ValidationFailed extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('ValidationFailed', message, withDefault("Read the named nodes' verdicts in the evidence.", options));
  }
}

/** Something of the other mode stayed on a node after cleaning. */
export class LeftoversRemain extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('LeftoversRemain', message, withDefault('Replace or restart the named nodes.', options));
  }
}

/** The change failed and the former state is back, proven on every node. */
export class RolledBack extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('RolledBack', message, withDefault('Nothing is urgent: read why the change failed.', options));
  }
}

/** The change failed and the former state could not be proven: a person is needed now. */
export class RollbackFailed extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('RollbackFailed', message, withDefault('Act now: follow the runbook, docs/operations.md.', options));
  }
}

/** The Kubernetes API gave no answer. */
export class KubernetesUnreachable extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = "Check the cluster's endpoint access; a private endpoint needs a way into its VPC.";
    super('KubernetesUnreachable', message, withDefault(nextStep, options));
  }
}

/** The Kubernetes API knows the caller but refuses the request, or does not know the caller. */
export class KubernetesForbidden extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = "Check the access entry of nightshift's Kubernetes role.";
    super('KubernetesForbidden', message, withDefault(nextStep, options));
  }
}

/** Evidence that must be there is absent or unreadable. */
export class EvidenceMissing extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('EvidenceMissing', message, withDefault('Check the evidence bucket and its lifecycle rules.', options));
  }
}

/** The add-on's configuration values, or their schema, cannot be understood or kept whole. */
export class InvalidConfiguration extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Correct the configuration values of the kube-proxy add-on first.';
    super('InvalidConfiguration', message, withDefault(nextStep, options));
  }
}

/** The only trouble is nodes from which nothing came: a fresh inventory shows whether they still exist. */
export class NodesUnreachable extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Take a fresh inventory and ask the nodes that still exist again.';
    super('NodesUnreachable', message, withDefault(nextStep, options));
  }
}

/** The execution ended, and its outcome could not be written: the history is all there is. */
export class OutcomeNotRecorded extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = "Export the execution's history, and check the evidence bucket and the event bus.";
    super('OutcomeNotRecorded', message, withDefault(nextStep, options));
  }
}

/** EKS did not bring a new cluster to ACTIVE, or not within an hour. */
export class ClusterNotActive extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('ClusterNotActive', message, withDefault('Start a migration by hand when the cluster is ACTIVE.', options));
  }
}

/** A sweep came to its end, but not everything that it was to look after could be looked after. */
export class SweepIncomplete extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('SweepIncomplete', message, withDefault('Sweep again: what was done is not done twice.', options));
  }
}

/** A function's answer has more bytes than a state machine can carry. */
export class AnswerTooLarge extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Shorten what the cluster has too much of (its configuration, first of all), and start again.';
    super('AnswerTooLarge', message, withDefault(nextStep, options));
  }
}

/** A step gave no answer in the time that the state machine allows it. */
export class StepTimedOut extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = "Read the execution's history and the logs of the function or service that the step called.";
    super('StepTimedOut', message, withDefault(nextStep, options));
  }
}

/** Step Functions itself could not carry out a step, for a reason that has no name of ours. */
export class StepFailed extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = "Read the execution's history: the event of the failed step has the reason.";
    super('StepFailed', message, withDefault(nextStep, options));
  }
}

/**
 * The failure of a step under a name out of nightshift's own table. A name of Step Functions or of a service that was
 * called becomes ours, and the cause keeps the former.
 * Custom error names must not begin with `States.`: https://states-language.net/#error-names
 */
export function failureByOurName({ name, cause }: { name: string; cause: string }): { name: ErrorName; cause: string } {
  if (isErrorName(name)) return { name, cause };
  if (!name.startsWith('States.')) return { name: 'ServiceFailed', cause: `${name}: ${cause}` };
  const timedOut = name === 'States.Timeout' || name === 'States.HeartbeatTimeout';
  const said = timedOut ? 'A step gave no answer in its time' : 'Step Functions could not carry out a step';
  return {
    name: timedOut ? 'StepTimedOut' : 'StepFailed',
    cause: cause === '' ? `${said} (${name}).` : `${said} (${name}): ${cause}`,
  };
}

/** Another principal changed kube-proxy's configuration while the execution was at work, and that is not overwritten. */
export class ConfigurationChanged extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Find out who changed it, and start again when its owner agrees with the target.';
    super('ConfigurationChanged', message, withDefault(nextStep, options));
  }
}

/** The cluster's lease is gone or another's: the execution must not disrupt the cluster any further. */
export class LeaseLost extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Follow the execution that holds the lease now; nobody should delete a lease by hand.';
    super('LeaseLost', message, withDefault(nextStep, options));
  }
}

/** The window closed between the update of the add-on and the restart of all nodes; what was changed is put back. */
export class WindowClosed extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    super('WindowClosed', message, withDefault('Make the window longer, or start in the next one.', options));
  }
}

/** The rollback failed, and the function that announces it did not run: the execution that waits for it announces it. */
export class RollbackFailedUnannounced extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Act now: follow the runbook, docs/operations.md.';
    super('RollbackFailedUnannounced', message, withDefault(nextStep, options));
  }
}

/** A service that nightshift calls failed for good; the message begins with the service's own name for it. */
export class ServiceFailed extends NightshiftError {
  constructor(message: string, options?: ErrorOptions) {
    const nextStep = 'Look up that error of the service, and the rights of the role that called it.';
    super('ServiceFailed', message, withDefault(nextStep, options));
  }
}

/** Ends a switch over a discriminated union: the compiler refuses a forgotten case, and so does the run. */
export function assertNever(value: never): never {
  throw new TypeError(`A case was forgotten: ${JSON.stringify(value)}`);
}
