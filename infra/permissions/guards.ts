import { HOLDS_PATH } from '../../functions/core/guards/holds.ts';
import { arns } from '../names.ts';
import type { Permission } from './permission.ts';

export const readAlarms: Permission = {
  sid: 'ReadAlarms',
  why: 'Reads the state of the alarms that guard a cluster, if the settings or its tags name some.',
  actions: ['cloudwatch:DescribeAlarms'],
  resources: ['*'],
  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html
  wildcard: 'CloudWatch describes composite alarms only with a permission for every alarm.',
};

/** The permission to put a hold of one cluster, and to read the one that is there; not the hold of all clusters. */
export const putHold: Permission = {
  sid: 'PutHold',
  why: 'Puts a cluster on hold if an alarm is raised right after its migration, unless it is on hold already.',
  actions: ['ssm:GetParameters', 'ssm:PutParameter'],
  resources: [arns.in('ssm', `parameter${HOLDS_PATH}/clusters/*`)],
  wildcard: 'The hold of any cluster.',
};
