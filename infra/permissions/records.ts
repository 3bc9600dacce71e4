import { Aws } from 'aws-cdk-lib';
import { type Machine, RECORD_PREFIXES } from '../../functions/core/execution/executions.ts';
import { CURRENT_ROLLOUT } from '../../functions/core/fleet/rollout.ts';
import { arns } from '../names.ts';
import { onlyValues, type Permission } from './permission.ts';

const MACHINES = ['migrate', 'rollback'] as const;
const EXECUTIONS = 'The name of an execution is part of the key.';
/** The folders in which executions of these state machines store objects. */
const recordsOf = (machines: readonly Machine[]) =>
  machines.map((machine) => arns.objects(`${RECORD_PREFIXES[machine]}*`));

/** The objects of an execution that functions write; former.json, which a rollback restores, is not among them. */
export type EvidenceFile =
  | 'canary.json'
  | 'dispatch.json.gz'
  | 'evidence.ndjson.gz'
  | 'history.ndjson.gz'
  | 'inventory.ndjson.gz'
  | 'pods.json'
  | 'outcome.json';

/** The permission to write only these objects, of any execution of each state machine. */
export const writeEvidence = (files: Readonly<Partial<Record<Machine, readonly EvidenceFile[]>>>): Permission => ({
  sid: 'WriteEvidence',
  why: 'Stores evidence of an execution.',
  actions: ['s3:PutObject'],
  resources: MACHINES.flatMap((machine) =>
    (files[machine] ?? []).map((file) => arns.objects(`${RECORD_PREFIXES[machine]}*/${file}`)),
  ),
  wildcard: EXECUTIONS,
});

/** The bucket's policy denies this to every other principal. */
export const writeFormer: Permission = {
  sid: 'WriteFormer',
  why: 'Saves the configuration that a rollback restores, before anything is changed. No other role may.',
  actions: ['s3:PutObject'],
  resources: [arns.formerObjects],
  wildcard: EXECUTIONS,
};

export const readEvidence = (...machines: Machine[]): Permission => ({
  sid: 'ReadEvidence',
  why: 'Reads the objects that an earlier step stored.',
  actions: ['s3:GetObject'],
  resources: recordsOf(machines),
  wildcard: EXECUTIONS,
});

export const listEvidence: Permission = {
  sid: 'ListEvidence',
  why: "Lists an execution's evidence. Without this permission S3 answers 403 instead of 404 for a missing object.",
  actions: ['s3:ListBucket'],
  resources: [arns.evidenceBucket],
};

export const keepPlans: Permission = {
  sid: 'KeepPlans',
  why: 'Stores the planned migrations of a cluster, so that a schedule deleted by hand stays deleted, and the times at which schedules fire.',
  actions: ['s3:GetObject', 's3:PutObject'],
  resources: [arns.objects('schedules/*')],
  wildcard: 'The name of a cluster is part of the key.',
};

const ROLLOUTS = 'The name of a rollout is part of the key.';

export const keepRollouts: Permission = {
  sid: 'KeepRollouts',
  why: 'Stores how far a rollout is, and how each of its clusters ended.',
  actions: ['s3:GetObject', 's3:PutObject'],
  resources: [arns.objects('rollouts/*')],
  wildcard: ROLLOUTS,
};

export const writeRollouts: Permission = {
  sid: 'WriteRollouts',
  why: 'Records how a cluster of a rollout ended.',
  actions: ['s3:PutObject'],
  resources: [arns.objects('rollouts/*')],
  wildcard: ROLLOUTS,
};

export const readCurrentRollout: Permission = {
  sid: 'ReadCurrentRollout',
  why: 'Reads the stages of the rollout that began last: its clusters get no schedules.',
  actions: ['s3:GetObject'],
  resources: [arns.objects(CURRENT_ROLLOUT)],
};

export const readRollouts: Permission = {
  sid: 'ReadRollouts',
  why: "Reads the list of a stage's clusters.",
  actions: ['s3:GetObject'],
  resources: [arns.objects('rollouts/*')],
  wildcard: ROLLOUTS,
};

export const readManifests: Permission = {
  sid: 'ReadManifests',
  why: 'Reads the lists of clusters that people stored for stages.',
  actions: ['s3:GetObject'],
  resources: [arns.objects('manifests/*')],
  wildcard: 'People name these objects.',
};

const viaS3 = (keyArn: string, sid: string, why: string, actions: string[]): Permission => ({
  sid,
  why,
  actions,
  resources: [keyArn],
  conditions: {
    StringEquals: {
      'kms:ViaService': `s3.${Aws.REGION}.${Aws.URL_SUFFIX}`,
      // With a bucket key the context is the bucket, not the object.
      // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-key.html
      'kms:EncryptionContext:aws:s3:arn': arns.evidenceBucket,
    },
  },
});

export const encryptEvidence = (keyArn: string): Permission =>
  viaS3(keyArn, 'EncryptEvidence', 'Lets S3 encrypt the stored objects.', ['kms:GenerateDataKey']);

export const decryptEvidence = (keyArn: string): Permission =>
  viaS3(keyArn, 'DecryptEvidence', 'Lets S3 decrypt the objects that are read.', ['kms:Decrypt']);

export const putEvents: Permission = {
  sid: 'PutEvents',
  why: 'Publishes endings, drift and held batches on the bus, only under the source nightshift.',
  actions: ['events:PutEvents'],
  resources: [arns.eventBus],
  conditions: onlyValues('events:source', ['nightshift']),
};
