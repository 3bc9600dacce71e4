import { InvalidArgumentError, Option } from 'commander';
import type { Machine } from '../state-machines/phases.ts';

/** Options that several commands have. */

const STATE_MACHINE = /^arn:[\w-]+:states:[\w-]+:\d{12}:stateMachine:[\w-]+$/;

export function stateMachineOption(machine: Machine): Option {
  return new Option('--state-machine <arn>', `the ${machine}, where several are deployed`).argParser((arn: string) => {
    if (STATE_MACHINE.test(arn) && arn.endsWith(machine)) return arn;
    throw new InvalidArgumentError(`It must be the ARN of a state machine whose name ends in ${machine}.`);
  });
}

const BUCKET_VARIABLE = 'NIGHTSHIFT_EVIDENCE_BUCKET';

/** The name of a bucket, its alias, or the ARN of an access point. */
const BUCKET = /^(?:arn:[\w:/.-]+|[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$/;

export function evidenceBucketOption(): Option {
  const option = new Option(
    '--evidence-bucket <name>',
    `the bucket, where it is not the deployment's own; also by ${BUCKET_VARIABLE}`,
  ).argParser((name: string) => {
    if (BUCKET.test(name)) return name;
    throw new InvalidArgumentError(
      "A bucket's name has 3 to 63 lower-case letters, digits, dots and dashes. Left out, the deployment's own is read.",
    );
  });
  // An empty variable counts as one that is not set, as those of the SDK do.
  return process.env[BUCKET_VARIABLE] ? option.env(BUCKET_VARIABLE) : option;
}
