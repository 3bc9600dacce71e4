import type { Config } from '../config.ts';
import { arns } from '../names.ts';
import type { Permission } from './permission.ts';

export const describeInstances: Permission = {
  sid: 'DescribeInstances',
  why: "Finds the instances that are a cluster's nodes.",
  actions: ['ec2:DescribeInstances'],
  resources: ['*'],
  wildcard: 'EC2 knows no resource for this call.',
};

export const describeManagedNodes: Permission = {
  sid: 'DescribeManagedNodes',
  why: "Sees on which nodes SSM's agent works.",
  actions: ['ssm:DescribeInstanceInformation'],
  resources: ['*'],
  wildcard: 'SSM knows no resource for this call.',
};

export const readCommands: Permission = {
  sid: 'ReadCommands',
  why: 'Reads what each node answered.',
  actions: ['ssm:ListCommandInvocations'],
  resources: ['*'],
  wildcard: 'SSM knows no resource for this call.',
};

/**
 * The right to ask the configured calendars; no statement if no window has one. A calendar that another account shares
 * is configured by its ARN, which names the owner's account.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-change-calendar.html
 */
export function readCalendars(windows: Config['windows']): Permission[] {
  const calendars = new Set(Object.values(windows).flatMap(({ changeCalendars }) => changeCalendars));
  if (calendars.size === 0) return [];
  return [
    {
      sid: 'ReadCalendars',
      why: 'Asks the Change Calendars of the configured windows.',
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
 * One statement for each tag that marks a node: conditions within a statement are AND-ed. A tag of AWS's own is on no
 * machine outside EC2: a hybrid node has the tags that people give its activation, and those cannot begin with `aws:`.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/run-command-setting-up.html#tag-based-access
 */
export function runOnNodes(nodeTags: readonly string[]): Permission[] {
  return nodeTags.map((tag, index) => ({
    sid: `RunOnNodes${index + 1}`,
    why: "Runs them on cluster nodes alone: on what bears a tag that makes it a cluster's node.",
    actions: ['ssm:SendCommand'],
    resources: [
      arns.in('ec2', 'instance/*'),
      ...(tag.startsWith('aws:') ? [] : [arns.in('ssm', 'managed-instance/*')]),
    ],
    wildcard: 'Nodes come and go; the condition on their tag says which.',
    conditions: { StringLike: { [`ssm:resourceTag/${tag}`]: '*' } },
  }));
}
