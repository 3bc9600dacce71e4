import { Aws } from 'aws-cdk-lib';
import { arns } from '../names.ts';
import { ALIAS, groups } from '../naming.ts';
import { onlyValues, type Permission } from './permission.ts';

const ANY_EXECUTION = 'Executions are named when they are started.';
const SCHEDULE_OF_A_CLUSTER = 'A schedule is named after its cluster.';

/** Step Functions authorizes by the state machine's own ARN; the alias is a condition.
 * https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html */
const start = (sid: string, why: string, machines: string[]): Permission => ({
  sid,
  why,
  actions: ['states:StartExecution'],
  resources: machines.map(arns.stateMachine),
  conditions: onlyValues('states:StateMachineQualifier', [ALIAS]),
});

export const startMigrations = start('StartMigrations', 'Starts a migration, through the alias alone.', [
  'migrate-cluster',
]);

export const startRollbacks = start('StartRollbacks', 'Starts a rollback or a recovery, through the alias alone.', [
  'rollback-cluster',
]);

/** The executions of a Distributed Map belong to its state machine, and their ARNs have the Map's label.
 * https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html#dist-map-permissions */
export const runMap: Permission = {
  sid: 'RunMap',
  why: 'Starts one execution of its own Map for each cluster.',
  actions: ['states:StartExecution'],
  resources: [arns.stateMachine('migrate-fleet')],
};

export const followMap: Permission = {
  sid: 'FollowMap',
  why: 'Follows the executions of its own Map, and stops them if it is stopped itself.',
  actions: ['states:DescribeExecution', 'states:StopExecution'],
  resources: [arns.executions('migrate-fleet')],
  wildcard: ANY_EXECUTION,
};

export const awaitMigrations: Permission = {
  sid: 'AwaitMigrations',
  why: 'Waits for the migrations that it started. It may not stop them.',
  actions: ['states:DescribeExecution'],
  resources: [arns.executions('migrate-cluster')],
  wildcard: ANY_EXECUTION,
};

export const startRollouts = start('StartRollouts', 'Starts or continues a rollout, through the alias alone.', [
  'migrate-fleet',
]);

export const describeRollouts: Permission = {
  sid: 'DescribeRollouts',
  why: 'Reads whether a rollout still runs, and how it ended.',
  actions: ['states:DescribeExecution'],
  resources: [arns.executions('migrate-fleet')],
  wildcard: ANY_EXECUTION,
};

export const listRollouts: Permission = {
  sid: 'ListRollouts',
  why: 'Sees whether another rollout runs.',
  actions: ['states:ListExecutions'],
  resources: [arns.stateMachine('migrate-fleet')],
};

export const awaitRollback: Permission = {
  sid: 'AwaitRollback',
  why: 'Waits for the rollback that it started, and stops it if it is stopped itself.',
  actions: ['states:DescribeExecution', 'states:StopExecution'],
  resources: [arns.executions('rollback-cluster')],
  wildcard: ANY_EXECUTION,
};

export const watchEnd: Permission = {
  sid: 'HearOfEnd',
  why: 'Step Functions learns of the end of the execution that it waits for through a rule that it manages.',
  actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
  resources: [arns.in('events', 'rule/StepFunctionsGetEventsForStepFunctionsExecutionRule')],
};

export const stopExecutions: Permission = {
  sid: 'StopExecutions',
  why: 'Stops the execution whose change is undone, and an earlier recovery.',
  actions: ['states:StopExecution'],
  resources: [arns.executions('migrate-cluster'), arns.executions('rollback-cluster')],
  wildcard: ANY_EXECUTION,
};

export const describeExecutions: Permission = {
  sid: 'DescribeExecutions',
  why: "Reads an execution's input and whether it still runs.",
  actions: ['states:DescribeExecution'],
  resources: [arns.executions('migrate-cluster'), arns.executions('rollback-cluster')],
  wildcard: ANY_EXECUTION,
};

export const readHistories: Permission = {
  sid: 'ReadHistories',
  why: "Exports an execution's history before Step Functions forgets it, and reads the saved configuration there if the evidence bucket does not answer.",
  actions: ['states:GetExecutionHistory'],
  resources: [arns.executions('migrate-cluster'), arns.executions('rollback-cluster')],
  wildcard: ANY_EXECUTION,
};

export const listExecutions: Permission = {
  sid: 'ListExecutions',
  why: 'Finds ended executions whose event never came.',
  actions: ['states:ListExecutions'],
  resources: [arns.stateMachine('migrate-cluster'), arns.stateMachine('rollback-cluster')],
};

const schedules = (sid: string, why: string, group: string, verbs: string[]): Permission => ({
  sid,
  why,
  actions: verbs.map((verb) => `scheduler:${verb}Schedule`),
  resources: [arns.schedules(group)],
  wildcard: SCHEDULE_OF_A_CLUSTER,
});

export const holdLease = schedules('HoldLease', 'Takes, renews and releases the lease of a cluster.', groups.leases, [
  'Create',
  'Update',
  'Delete',
]);

export const readLease = schedules('ReadLease', 'Reads who holds the lease of a cluster.', groups.leases, ['Get']);

export const planMigrations = schedules(
  'PlanMigrations',
  'Keeps one schedule for each cluster that is to be migrated.',
  groups.migrations,
  ['Create', 'Update', 'Delete', 'Get'],
);

export const listSchedules: Permission = {
  sid: 'ListSchedules',
  why: 'Lists the planned migrations.',
  actions: ['scheduler:ListSchedules'],
  resources: ['*'],
  wildcard: 'EventBridge Scheduler has no resource type for a list of schedules.',
};

export const passSchedulerRole: Permission = {
  sid: 'PassSchedulerRole',
  why: 'Passes to EventBridge Scheduler the role with which a schedule starts an execution, and to no other service.',
  actions: ['iam:PassRole'],
  resources: [arns.role('scheduler')],
  conditions: { StringEquals: { 'iam:PassedToService': 'scheduler.amazonaws.com' } },
};

/**
 * `handlers`: the functions that the state machine's definition names. A call of a version needs a statement that covers
 * the version's ARN; one for the function's alone does not.
 * https://docs.aws.amazon.com/lambda/latest/dg/lambda-api-permissions-ref.html
 */
export const invokeFunctions = (handlers: readonly string[]): Permission => ({
  sid: 'InvokeFunctions',
  why: 'Runs the steps of the workflow.',
  actions: ['lambda:InvokeFunction'],
  resources: handlers.map(arns.functionVersions),
  wildcard: 'An execution that waits calls the versions with which it began, whose numbers no template knows.',
});

export const runSweeps: Permission = {
  sid: 'RunSweeps',
  why: 'Runs the daily sweeps.',
  actions: ['lambda:InvokeFunction'],
  resources: ['schedule-migrations', 'sweep-executions'].map(arns.function),
};

export const assumeKubernetesRole: Permission = {
  sid: 'AssumeKubernetesRole',
  why: 'Assumes the role to which clusters give access while an execution needs it.',
  actions: ['sts:AssumeRole'],
  resources: [arns.role('kubernetes')],
};

export const sendToDeadEvents: Permission = {
  sid: 'SendToDeadEvents',
  why: 'Keeps events that failed permanently in the queue of dead events.',
  actions: ['sqs:SendMessage'],
  resources: [arns.deadEvents],
};

export const writeLogs = (logGroup: string): Permission => ({
  sid: 'WriteLogs',
  why: 'Writes its own log, which also carries its metrics.',
  actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  resources: [arns.in('logs', `log-group:${logGroup}:*`)],
  wildcard: 'The log streams of its own log group.',
});

export const deliverLogs: Permission = {
  sid: 'DeliverLogs',
  why: 'Lets Step Functions set up the delivery of its log.',
  actions: [
    'CreateLogDelivery',
    'GetLogDelivery',
    'UpdateLogDelivery',
    'DeleteLogDelivery',
    'ListLogDeliveries',
    'PutResourcePolicy',
    'DescribeResourcePolicies',
    'DescribeLogGroups',
  ].map((verb) => `logs:${verb}`),
  resources: ['*'],
  wildcard: 'CloudWatch Logs has no resource type for log deliveries.',
};

export const trace: Permission = {
  sid: 'Trace',
  why: 'Sends its traces to X-Ray.',
  actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
  resources: ['*'],
  wildcard: 'X-Ray has no resource type for traces.',
};

export const sampleTraces: Permission = {
  sid: 'SampleTraces',
  why: 'Reads from X-Ray which executions to trace.',
  actions: ['xray:GetSamplingRules', 'xray:GetSamplingTargets'],
  resources: ['*'],
  wildcard: 'X-Ray has no resource type for sampling rules.',
};

export const joinVpc: Permission = {
  sid: 'JoinVpc',
  why: 'Lets Lambda connect the function to the configured subnets.',
  actions: [
    'CreateNetworkInterface',
    'DescribeNetworkInterfaces',
    'DeleteNetworkInterface',
    'DescribeSubnets',
    'AssignPrivateIpAddresses',
    'UnassignPrivateIpAddresses',
    'GetSecurityGroupsForVpc',
  ].map((verb) => `ec2:${verb}`),
  resources: ['*'],
  wildcard: 'Lambda requires these on every resource and refuses the role without them.',
};

/** Permission for the bus of another account that gets nightshift's events. */
export const forwardEvents = (busArn: string): Permission => ({
  sid: 'ForwardEvents',
  why: "Puts nightshift's events on the central bus, too.",
  actions: ['events:PutEvents'],
  resources: [busArn],
});

/** The trust policy for schedules of these groups, in this account. */
export const scheduledBy = (...scheduleGroups: string[]) => ({
  StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
  ArnEquals: { 'aws:SourceArn': scheduleGroups.map(arns.scheduleGroup) },
});
