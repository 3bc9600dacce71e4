import { Aws } from 'aws-cdk-lib';
import { type Machine, RECORD_PREFIXES } from '../../functions/core/execution/executions.ts';
import { arns } from '../names.ts';
import { onlyValues, type Permission } from './permission.ts';

const MACHINES = ['migrate', 'rollback'] as const;
const EXECUTIONS = 'The name of an execution is part of the key.';
/** What executions of these state machines store. */
const recordsOf = (machines: readonly Machine[]) =>
  machines.map((machine) => arns.objects(`${RECORD_PREFIXES[machine]}*`));

/** The objects of an execution that functions write. What a rollback puts back, former.json, is none of them. */
export type EvidenceFile =
  | 'canary.json'
  | 'dispatch.json.gz'
  | 'evidence.ndjson.gz'
  | 'history.ndjson.gz'
  | 'inventory.ndjson.gz'
  | 'pods.json'
  | 'outcome.json';

/** The right to write these objects of any execution of each state machine, and no others. */
export const writeEvidence = (files: Readonly<Partial<Record<Machine, readonly EvidenceFile[]>>>): Permission => ({
  sid: 'WriteEvidence',
  why: 'Stores what an execution found and did.',
  actions: ['s3:PutObject'],
  resources: MACHINES.flatMap((machine) =>
    (files[machine] ?? []).map((file) => arns.objects(`${RECORD_PREFIXES[machine]}*/${file}`)),
  ),
  wildcard: EXECUTIONS,
});

/** The bucket's policy denies it to every other principal. */
export const writeFormer: Permission = {
  sid: 'WriteFormer',
  why: 'Saves what a rollback needs, before anything is changed. No other role may.',
  actions: ['s3:PutObject'],
  resources: [arns.formerObjects],
  wildcard: EXECUTIONS,
};

export const readEvidence = (...machines: Machine[]): Permission => ({
  sid: 'ReadEvidence',
  why: 'Reads what an earlier step stored.',
  actions: ['s3:GetObject'],
  resources: recordsOf(machines),
  wildcard: EXECUTIONS,
});

export const listEvidence: Permission = {
  sid: 'ListEvidence',
  why: "Lists an execution's evidence; and without it S3 calls an object that is not there forbidden, not missing.",
  actions: ['s3:ListBucket'],
  resources: [arns.evidenceBucket],
};

export const keepPlans: Permission = {
  sid: 'KeepPlans',
  why: 'Remembers what was planned for a cluster, so that a schedule deleted by hand stays deleted, and when schedules fire.',
  actions: ['s3:GetObject', 's3:PutObject'],
  resources: [arns.objects('schedules/*')],
  wildcard: 'The name of a cluster is part of the key.',
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
  viaS3(keyArn, 'EncryptEvidence', 'Has S3 encrypt what is stored.', ['kms:GenerateDataKey']);

export const decryptEvidence = (keyArn: string): Permission =>
  viaS3(keyArn, 'DecryptEvidence', 'Has S3 decrypt what is read.', ['kms:Decrypt']);

export const putEvents: Permission = {
  sid: 'PutEvents',
  why: 'Says on the bus how something ended or drifted, as nightshift and as nobody else.',
  actions: ['events:PutEvents'],
  resources: [arns.eventBus],
  conditions: onlyValues('events:source', ['nightshift']),
};
