import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { arns } from '../names.ts';
import type { Conditions } from '../permissions/permission.ts';

/** The key for evidence, logs and notifications. Like the evidence, it stays when the stack is deleted. */
export class EncryptionKey extends Construct {
  readonly key: Key;

  constructor(scope: Construct, id: string) {
    super(scope, id);
    this.key = new Key(this, 'Key', {
      alias: 'nightshift',
      description: 'nightshift: evidence, logs and notifications',
      enableKeyRotation: true,
    });
    this.allowServices();
  }

  /**
   * CloudWatch Logs encrypts in the context of the log group, SNS in the context of the topic; each service may use the
   * key only in these contexts.
   */
  private allowServices(): void {
    this.allow('EncryptOwnLogs', `logs.${Aws.REGION}.${Aws.URL_SUFFIX}`, {
      // https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html
      actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncryptFrom', 'kms:ReEncryptTo', 'kms:GenerateDataKey'],
      conditions: { StringLike: { 'kms:EncryptionContext:aws:logs:arn': logGroups() } },
    });
    // EventBridge sends neither aws:SourceAccount nor aws:SourceArn to a topic's key: with one of these as a condition,
    // no notification arrives. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
    this.allow('EncryptNotificationsOfRules', 'events.amazonaws.com', {
      actions: PUBLISH,
      conditions: { StringEquals: OWN_TOPIC },
    });
    this.allow('EncryptNotificationsOfAlarms', 'cloudwatch.amazonaws.com', {
      actions: PUBLISH,
      conditions: {
        StringEquals: { ...OWN_TOPIC, 'aws:SourceAccount': Aws.ACCOUNT_ID },
        ArnLike: { 'aws:SourceArn': arns.alarms },
      },
    });
  }

  private allow(sid: string, service: string, rest: { actions: string[]; conditions: Conditions }): void {
    const statement = { sid, principals: [new ServicePrincipal(service)], resources: ['*'], ...rest };
    this.key.addToResourcePolicy(new PolicyStatement(statement));
  }
}

/** The calls that SNS makes with the key on behalf of a publisher. */
const PUBLISH = ['kms:Decrypt', 'kms:GenerateDataKey'];
/** https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic.html */
const OWN_TOPIC = { 'kms:EncryptionContext:aws:sns:topicArn': arns.topic };

function logGroups(): string[] {
  const group = (name: string) => arns.in('logs', `log-group:${name}`);
  return [group('/aws/lambda/nightshift-*'), group('/aws/vendedlogs/states/nightshift-*')];
}
