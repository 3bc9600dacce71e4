import { Aws, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  ObjectLockRetention,
  ObjectOwnership,
  StorageClass,
} from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { RECORD_PREFIXES } from '../../functions/core/execution/executions.ts';
import { arns, names } from '../names.ts';

/** The age in days before which S3 does not move an object to Infrequent Access. */
const COLD_AFTER = 90;

/**
 * The bucket of the executions' evidence. Nobody can delete or overwrite it for the configured days (Object Lock in
 * governance mode: only principals with s3:BypassGovernanceRetention can, and nightshift does not have it); then S3
 * deletes it. The bucket stays when the stack is deleted.
 */
export class EvidenceBucket extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, { key, days }: { key: IKey; days: number }) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      bucketName: names.evidenceBucket,
      encryption: BucketEncryption.KMS,
      encryptionKey: key,
      bucketKeyEnabled: true,
      versioned: true,
      objectLockEnabled: true,
      objectLockDefaultRetention: ObjectLockRetention.governance(Duration.days(days)),
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [
        ...Object.values(RECORD_PREFIXES).map((prefix) => ({
          id: prefix === RECORD_PREFIXES.migrate ? 'evidence' : 'evidence-of-rollbacks',
          prefix,
          expiration: Duration.days(days + 1),
          ...(days > COLD_AFTER && {
            transitions: [
              { storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: Duration.days(COLD_AFTER) },
            ],
          }),
        })),
        // Versions are deleted as soon as their lock ends.
        { id: 'former-versions', noncurrentVersionExpiration: Duration.days(1) },
        { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
      ],
    });
    this.guardFormer();
    this.logAccess(this.accessLogs());
  }

  /**
   * Only the workflow may write the configuration that a rollback restores: its writer decides what runs on the nodes
   * of a cluster. This includes new versions of the object, and so deletions, which make such a version.
   */
  private guardFormer(): void {
    this.bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: 'OnlyTheWorkflowSavesWhatARollbackPutsBack',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:PutObject', 's3:DeleteObject'],
        resources: [arns.formerObjects],
        conditions: { ArnNotEquals: { 'aws:PrincipalArn': arns.role('migrate-cluster') } },
      }),
    );
  }

  private logAccess(logs: Bucket): void {
    const bucket = this.bucket.node.defaultChild;
    if (!(bucket instanceof CfnBucket)) throw new Error('a bucket without its resource');
    logs.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AccessLogsOfTheEvidence',
        principals: [new ServicePrincipal('logging.s3.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [logs.arnForObjects('*')],
        conditions: {
          ArnEquals: { 'aws:SourceArn': arns.evidenceBucket },
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
        },
      }),
    );
    bucket.loggingConfiguration = { destinationBucketName: logs.bucketName };
    // Depends on the policy, too: S3 drops a log that it may not write.
    if (logs.policy) bucket.node.addDependency(logs.policy);
  }

  /** The logs of access to the evidence. S3 itself delivers them, and cannot do so with a key of ours. */
  private accessLogs(): Bucket {
    const logs = new Bucket(this, 'AccessLogs', {
      bucketName: names.accessLogsBucket,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [{ id: 'access-logs', expiration: Duration.days(365) }],
    });
    Validations.of(logs).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'This bucket holds the access logs of the evidence; if it logged its own access, each log would cause another.',
    });
    return logs;
  }
}
