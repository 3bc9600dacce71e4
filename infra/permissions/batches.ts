import { BATCHES_PREFIX } from '../../functions/core/fleet/batch.ts';
import { HOLDS_PATH } from '../../functions/core/guards/holds.ts';
import { arns } from '../names.ts';
import type { Permission } from './permission.ts';

export const countFailures: Permission = {
  sid: 'CountFailures',
  why: 'Records which clusters of a batch failed, and that its hold was published.',
  actions: ['s3:GetObject', 's3:PutObject'],
  resources: [arns.objects(`${BATCHES_PREFIX}*`)],
  wildcard: 'The name of a batch and of a cluster are part of the key.',
};

export const holdBatches: Permission = {
  sid: 'HoldBatches',
  why: 'Puts a batch on hold when more of its clusters have failed than it tolerates. It cannot release one.',
  actions: ['ssm:PutParameter'],
  resources: [arns.in('ssm', `parameter${HOLDS_PATH}/batches/*`)],
  wildcard: 'The name of a batch is part of the name of its hold.',
};
