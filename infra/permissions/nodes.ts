import { APPROVALS_PATH } from '../../functions/core/fleet/approval.ts';
import { HOLDS_PATH } from '../../functions/core/guards/holds.ts';
import type { Config } from '../config.ts';
import { arns } from '../names.ts';
import type { Permission } from './permission.ts';

export const describeInstances: Permission = {
  sid: 'DescribeInstances',
  why: "Finds and counts the instances that are a cluster's nodes.",
  actions: ['ec2:DescribeInstances'],
  resources: ['*'],
  wildcard: 'EC2 has no resource type for this call.',
};

export const describeManagedNodes: Permission = {
  sid: 'DescribeManagedNodes',
  why: "Reads on which nodes SSM's agent works.",
  actions: ['ssm:DescribeInstanceInformation'],
  resources: ['*'],
  wildcard: 'SSM has no resource type for this call.',
};

export const readCommands: Permission = {
  sid: 'ReadCommands',
  why: 'Reads what each node answered.',
  actions: ['ssm:ListCommandInvocations'],
  resources: ['*'],
  wildcard: 'SSM has no resource type for this call.',
};

/**
 * The permission to read the configured calendars; no statement if no window has one. A calendar that another account
 * shares is configured by its ARN, which names the owner's account.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-change-calendar.html
 */
export function readCalendars(windows: Config['windows']): Permission[] {
  const calendars = new Set(Object.values(windows).flatMap(({ changeCalendars }) => changeCalendars));
  if (calendars.size === 0) return [];
  return [
    {
      sid: 'ReadCalendars',
      why: 'Reads the Change Calendars of the configured windows.',
      actions: ['ssm:GetCalendarState'],
      resources: [...calendars].map((each) => (each.startsWith('arn:') ? each : arns.in('ssm', `document/${each}`))),
    },
  ];
}

export const runDocuments: Permission = {
  sid: 'RunDocuments',
  why: "Runs nightshift's own three documents, and no other.",
  actions: ['ssm:SendCommand'],
  resources: ['prepare-node', 'validate-node', 'clean-node'].map(arns.document),
};

/**
 * One statement for each tag that marks a node, because IAM combines conditions in a statement with AND. Machines
 * outside EC2 have no tags of AWS: a hybrid node has the tags of its activation, which cannot begin with `aws:`.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html#tag-based-access
 */
export function runOnNodes(nodeTags: readonly string[]): Permission[] {
  return nodeTags.map((tag, index) => ({
    sid: `RunOnNodes${index + 1}`,
    why: "Runs them only on instances with a tag that makes them a cluster's nodes.",
    actions: ['ssm:SendCommand'],
    resources: [
      arns.in('ec2', 'instance/*'),
      ...(tag.startsWith('aws:') ? [] : [arns.in('ssm', 'managed-instance/*')]),
    ],
    wildcard: 'Nodes come and go; the condition on their tag selects them.',
    conditions: { StringLike: { [`ssm:resourceTag/${tag}`]: '*' } },
  }));
}

export const readBatchHolds: Permission = {
  sid: 'ReadBatchHolds',
  why: 'Reads whether the migrations of a stage are held because too many failed.',
  actions: ['ssm:GetParameters'],
  resources: [arns.in('ssm', `parameter${HOLDS_PATH}/batches/*`)],
  wildcard: 'The holds of any batch.',
};

export const readBatchHold: Permission = {
  ...readBatchHolds,
  sid: 'ReadBatchHold',
  actions: ['ssm:GetParameter'],
};

export const askForApprovals: Permission = {
  sid: 'AskForApprovals',
  why: 'Stores the task token with which a person approves or denies a stage.',
  actions: ['ssm:PutParameter'],
  resources: [arns.in('ssm', `parameter${APPROVALS_PATH}/*`)],
  wildcard: 'The approvals of any rollout.',
};

/** The permission to read the holds, SSM parameters below one path, of clusters, of batches, of stages and of the whole Region. */
export const readHolds: Permission = {
  sid: 'ReadHolds',
  why: 'Reads whether the cluster, its batch, its stage, or all clusters are on hold.',
  actions: ['ssm:GetParameters'],
  resources: [
    arns.in('ssm', `parameter${HOLDS_PATH}/all`),
    arns.in('ssm', `parameter${HOLDS_PATH}/clusters/*`),
    arns.in('ssm', `parameter${HOLDS_PATH}/batches/*`),
    arns.in('ssm', `parameter${HOLDS_PATH}/stages/*`),
  ],
  wildcard: 'The holds of any cluster, of any batch and of any stage.',
};
