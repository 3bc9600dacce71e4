import { ServiceError } from '../wire/error.ts';
import type { Execution, Origin, StateMachine } from './execution.ts';

const STATUSES = ['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'];

const invalid = (message: string) => new ServiceError('ValidationException', message);

/** What ListExecutions may ask for besides a page. */
export interface ExecutionsAsked {
  readonly stateMachineArn?: string | undefined;
  readonly mapRunArn?: string | undefined;
  readonly statusFilter?: string | undefined;
  readonly redriveFilter?: string | undefined;
}

/**
 * Whose executions are asked for. Throws ValidationException for what ListExecutions refuses.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_ListExecutions.html
 */
export function listedOf({
  stateMachineArn,
  mapRunArn,
  statusFilter,
  redriveFilter,
}: ExecutionsAsked): { stateMachineArn: string } | { mapRunArn: string } {
  if (stateMachineArn === undefined && mapRunArn !== undefined) {
    // Nothing is redriven here: no execution waits for it, none was.
    if (redriveFilter !== undefined) throw invalid("The sandbox does not implement 'redriveFilter'");
    if (statusFilter !== undefined && ![...STATUSES, 'PENDING_REDRIVE'].includes(statusFilter))
      throw invalid(`'statusFilter' must be one of ${STATUSES.join(', ')}, PENDING_REDRIVE`);
    return { mapRunArn };
  }
  if (stateMachineArn === undefined || mapRunArn !== undefined)
    throw invalid("Exactly one of 'stateMachineArn' and 'mapRunArn' must be given");
  if (redriveFilter !== undefined) throw invalid("'redriveFilter' is only for a 'mapRunArn'");
  if (statusFilter === 'PENDING_REDRIVE') throw invalid("The status PENDING_REDRIVE is only for a 'mapRunArn'");
  if (statusFilter !== undefined && !STATUSES.includes(statusFilter))
    throw invalid(`'statusFilter' must be one of ${STATUSES.join(', ')}`);
  return { stateMachineArn };
}

/** Whether an execution is of this machine and, if a version or an alias was named, was started through it. */
export function isOf(execution: Execution, machine: StateMachine, { versionArn, aliasArn }: Origin): boolean {
  if (execution.machine.arn !== machine.arn) return false;
  if (aliasArn !== undefined) return execution.origin.aliasArn === aliasArn;
  return versionArn === undefined || execution.origin.versionArn === versionArn;
}

/**
 * Whether a description shall leave out what may be encrypted. Throws ValidationException for an unknown value.
 */
export function metadataOnly(includedData: string | undefined): boolean {
  if (includedData === undefined || includedData === 'ALL_DATA') return false;
  if (includedData === 'METADATA_ONLY') return true;
  throw invalid("'includedData' must be ALL_DATA or METADATA_ONLY");
}

/** What CreateStateMachine may ask for that changes how a state machine behaves, or who can read it. */
export interface MachineAsked {
  readonly type?: string | undefined;
  readonly publish?: boolean | undefined;
  readonly versionDescription?: string | undefined;
  readonly encryptionConfiguration?: { readonly type?: string | undefined } | undefined;
}

/** Throws by name for a kind of state machine that the sandbox does not implement. */
export function checkMachineAsked({ type, publish, versionDescription, encryptionConfiguration }: MachineAsked): void {
  if (type !== undefined && type !== 'STANDARD')
    throw new ServiceError('StateMachineTypeNotSupported', `The sandbox implements no state machine of type '${type}'`);
  if (versionDescription !== undefined && publish !== true)
    throw invalid("'versionDescription' needs 'publish' to be true");
  const key = encryptionConfiguration?.type;
  if (key !== undefined && key !== 'AWS_OWNED_KEY')
    throw new ServiceError('InvalidEncryptionConfiguration', `The sandbox implements no encryption of type '${key}'`);
}
