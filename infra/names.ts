import { Aws } from 'aws-cdk-lib';

/**
 * The physical names of what is deployed, and the ARNs made of them. Functions, state machines and roles name each other:
 * through names that are known beforehand nothing has to exist before something else.
 */
const arn = (service: string, resource: string) =>
  `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;

/** What executions are started through. */
export const ALIAS = 'live';

export const names = {
  function: (handler: string) => `nightshift-${handler}`,
  stateMachine: (name: string) => `nightshift-${name}`,
  document: (name: string) => `${DOCUMENT_PREFIX}${name}`,
  /** Roles belong to the whole account, deployments to a Region. */
  role: (name: string) => `nightshift-${name}-${Aws.REGION}`,
  rule: (name: string) => `nightshift-${name}`,
  evidenceBucket: `nightshift-evidence-${Aws.ACCOUNT_ID}-${Aws.REGION}`,
  accessLogsBucket: `nightshift-access-logs-${Aws.ACCOUNT_ID}-${Aws.REGION}`,
  deadEvents: 'nightshift-dead-events',
  topic: 'nightshift',
  eventBus: 'default',
};

export const DOCUMENT_PREFIX = 'nightshift-';

/** Schedule groups: of the leases, of the planned migrations, and of the daily sweeps. */
export const groups = {
  leases: 'nightshift-leases',
  migrations: 'nightshift-migrations',
  sweeps: 'nightshift-sweeps',
};

export const arns = {
  in: arn,
  function: (handler: string) => arn('lambda', `function:${names.function(handler)}`),
  stateMachine: (name: string) => arn('states', `stateMachine:${names.stateMachine(name)}`),
  alias: (name: string) => arn('states', `stateMachine:${names.stateMachine(name)}:${ALIAS}`),
  /** An execution that was started through an alias bears no trace of it in its own ARN. */
  executions: (name: string) => arn('states', `execution:${names.stateMachine(name)}:*`),
  document: (name: string) => arn('ssm', `document/${names.document(name)}`),
  role: (name: string) => `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:role/${names.role(name)}`,
  evidenceBucket: `arn:${Aws.PARTITION}:s3:::${names.evidenceBucket}`,
  objects: (prefix: string) => `arn:${Aws.PARTITION}:s3:::${names.evidenceBucket}/${prefix}`,
  deadEvents: arn('sqs', names.deadEvents),
  eventBus: arn('events', `event-bus/${names.eventBus}`),
  rule: (name: string) => arn('events', `rule/${names.rule(name)}`),
  scheduleGroup: (group: string) => arn('scheduler', `schedule-group/${group}`),
  /** Every schedule that nightshift makes begins with its name. */
  schedules: (group: string) => arn('scheduler', `schedule/${group}/nightshift-*`),
};
