import { shortDigest } from '../values/digest.ts';

/** An execution of a state machine. */
export interface ExecutionRef {
  name: string;
  arn: string;
}

/** Which of nightshift's state machines an execution belongs to. */
export type Machine = 'migrate' | 'rollback';

/** https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html */
export const LONGEST_EXECUTION_NAME = 80;

/**
 * True for the name of an execution that nightshift works with. Step Functions accepts more characters; CloudWatch Logs
 * and S3 keys accept these only. A name is part of a key, and none of its parts may be `..`.
 * https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 */
export function isExecutionName(text: string): boolean {
  return /^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,79}$/.test(text);
}

const EXECUTION =
  /^arn:[a-z-]+:states:[a-z0-9-]+:\d{12}:execution:(?:[A-Za-z0-9_-]*-)?(migrate|rollback)-cluster:([^:]+)$/;

/**
 * The state machine and the name in an execution's ARN; null for the ARN of anything else. An execution's ARN names its
 * state machine and never an alias or version, also when it was started through one.
 * https://docs.aws.amazon.com/step-functions/latest/dg/concepts-state-machine-alias.html
 */
export function readExecutionArn(arn: string): { machine: Machine; name: string } | null {
  const [, , name] = EXECUTION.exec(arn) ?? [];
  const machine = machineOf(arn);
  return name === undefined || machine === null || !isExecutionName(name) ? null : { machine, name };
}

/** The state machine of an execution, whatever its name is; null for an ARN that is not one of nightshift's. */
export function machineOf(arn: string): Machine | null {
  const [, machine] = EXECUTION.exec(arn) ?? [];
  return machine === 'migrate' || machine === 'rollback' ? machine : null;
}

/**
 * The name under which an execution is recorded and published: its own, or `unnamed-` and a digest of its ARN if
 * nightshift does not accept its name. The first state refuses such an execution, and the refusal is recorded all the
 * same.
 */
export function recordedName({ name, arn }: ExecutionRef): string {
  return isExecutionName(name) ? name : `unnamed-${shortDigest(arn)}`;
}

/** The first part of the key of every object that executions of a state machine store. */
export const RECORD_PREFIXES: Record<Machine, string> = { migrate: 'executions/', rollback: 'rollbacks/' };

/**
 * The first part of the key of every object that one execution stores. Two state machines may each have an execution of
 * the same name, so the state machine is part of the key. An ARN that is not one of nightshift's counts as a migration's:
 * the sandbox and the command line run single functions for it.
 */
export function recordPrefix(execution: ExecutionRef): string {
  return `${RECORD_PREFIXES[machineOf(execution.arn) ?? 'migrate']}${recordedName(execution)}/`;
}

/** True for the key of an object that an execution may have stored. */
export function isRecordKey(key: string): boolean {
  return Object.values(RECORD_PREFIXES).some((prefix) => key.startsWith(prefix));
}

/**
 * Where a migration saves what it is about to change. If the object is there, something may have been changed. The
 * workflow's own role writes it; the state SaveFormer has the same key.
 */
export const formerKey = (migration: ExecutionRef): string => `${recordPrefix(migration)}former.json`;
