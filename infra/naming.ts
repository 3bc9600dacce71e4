// Without the CDK, whose import takes a second.

/** Where nightshift is deployed: in a template CloudFormation's pseudo parameters. */
export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** The alias through which executions are started. */
export const ALIAS = 'live';

export const DOCUMENT_PREFIX = 'nightshift-';

/** The schedule groups of the leases, of the planned migrations, and of the daily sweeps. */
export const groups = {
  leases: 'nightshift-leases',
  migrations: 'nightshift-migrations',
  sweeps: 'nightshift-sweeps',
};

/**
 * The physical names of deployed resources, and their ARNs. Functions, state machines and roles refer to each other by
 * these fixed names, so no resource has to exist before another.
 */
export function namesIn({ partition, region, account }: Place) {
  const arn = (service: string, resource: string) => `arn:${partition}:${service}:${region}:${account}:${resource}`;
  const names = {
    function: (handler: string) => `nightshift-${handler}`,
    stateMachine: (name: string) => `nightshift-${name}`,
    document: (name: string) => `${DOCUMENT_PREFIX}${name}`,
    /** Roles belong to the whole account, deployments to a Region. */
    role: (name: string) => `nightshift-${name}-${region}`,
    rule: (name: string) => `nightshift-${name}`,
    alarm: (name: string) => `nightshift-${name}`,
    evidenceBucket: `nightshift-evidence-${account}-${region}`,
    accessLogsBucket: `nightshift-access-logs-${account}-${region}`,
    deadEvents: 'nightshift-dead-events',
    topic: 'nightshift',
    eventBus: 'default',
  };
  const arns = {
    in: arn,
    function: (handler: string) => arn('lambda', `function:${names.function(handler)}`),
    /** For IAM the resource is the ARN that is called, with its qualifier. */
    functionVersions: (handler: string) => arn('lambda', `function:${names.function(handler)}:*`),
    stateMachine: (name: string) => arn('states', `stateMachine:${names.stateMachine(name)}`),
    alias: (name: string) => arn('states', `stateMachine:${names.stateMachine(name)}:${ALIAS}`),
    /** The ARN of an execution does not contain the alias through which it was started. */
    executions: (name: string) => arn('states', `execution:${names.stateMachine(name)}:*`),
    document: (name: string) => arn('ssm', `document/${names.document(name)}`),
    role: (name: string) => `arn:${partition}:iam::${account}:role/${names.role(name)}`,
    evidenceBucket: `arn:${partition}:s3:::${names.evidenceBucket}`,
    objects: (prefix: string) => `arn:${partition}:s3:::${names.evidenceBucket}/${prefix}`,
    /** The configuration that a rollback restores. */
    formerObjects: `arn:${partition}:s3:::${names.evidenceBucket}/executions/*/former.json`,
    deadEvents: arn('sqs', names.deadEvents),
    topic: arn('sns', names.topic),
    alarms: arn('cloudwatch', `alarm:${names.alarm('*')}`),
    eventBus: arn('events', `event-bus/${names.eventBus}`),
    rule: (name: string) => arn('events', `rule/${names.rule(name)}`),
    scheduleGroup: (group: string) => arn('scheduler', `schedule-group/${group}`),
    /** Every schedule that nightshift makes begins with its name. */
    schedules: (group: string) => arn('scheduler', `schedule/${group}/nightshift-*`),
  };
  return { names, arns, partition };
}

export type Names = ReturnType<typeof namesIn>;
