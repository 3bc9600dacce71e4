// Without the CDK, whose import takes a second.

/** Where nightshift is deployed: in a template CloudFormation's pseudo parameters. */
export interface Place {
  readonly partition: string;
  readonly region: string;
  readonly account: string;
}

/** What executions are started through. */
export const ALIAS = 'live';

export const DOCUMENT_PREFIX = 'nightshift-';

/** Schedule groups: of the leases, of the planned migrations, and of the daily sweeps. */
export const groups = {
  leases: 'nightshift-leases',
  migrations: 'nightshift-migrations',
  sweeps: 'nightshift-sweeps',
};

/**
 * The physical names of what is deployed, and the ARNs made of them. Functions, state machines and roles name each other:
 * through names that are known beforehand nothing has to exist before something else.
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
    evidenceBucket: `nightshift-evidence-${account}-${region}`,
    accessLogsBucket: `nightshift-access-logs-${account}-${region}`,
    deadEvents: 'nightshift-dead-events',
    topic: 'nightshift',
    eventBus: 'default',
  };
  const arns = {
    in: arn,
    function: (handler: string) => arn('lambda', `function:${names.function(handler)}`),
    stateMachine: (name: string) => arn('states', `stateMachine:${names.stateMachine(name)}`),
    alias: (name: string) => arn('states', `stateMachine:${names.stateMachine(name)}:${ALIAS}`),
    /** An execution that was started through an alias bears no trace of it in its own ARN. */
    executions: (name: string) => arn('states', `execution:${names.stateMachine(name)}:*`),
    document: (name: string) => arn('ssm', `document/${names.document(name)}`),
    role: (name: string) => `arn:${partition}:iam::${account}:role/${names.role(name)}`,
    evidenceBucket: `arn:${partition}:s3:::${names.evidenceBucket}`,
    objects: (prefix: string) => `arn:${partition}:s3:::${names.evidenceBucket}/${prefix}`,
    /** What a rollback puts back. */
    formerObjects: `arn:${partition}:s3:::${names.evidenceBucket}/executions/*/former.json`,
    deadEvents: arn('sqs', names.deadEvents),
    topic: arn('sns', names.topic),
    alarms: arn('cloudwatch', 'alarm:nightshift-*'),
    eventBus: arn('events', `event-bus/${names.eventBus}`),
    rule: (name: string) => arn('events', `rule/${names.rule(name)}`),
    scheduleGroup: (group: string) => arn('scheduler', `schedule-group/${group}`),
    /** Every schedule that nightshift makes begins with its name. */
    schedules: (group: string) => arn('scheduler', `schedule/${group}/nightshift-*`),
  };
  return { names, arns, partition };
}

export type Names = ReturnType<typeof namesIn>;
