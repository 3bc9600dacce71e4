import { Aws } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';

/** The key of everything that rests: evidence, logs, and messages to people. It outlives the stack, as the evidence does. */
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

  private allowServices(): void {
    const logs = new ServicePrincipal(`logs.${Aws.REGION}.amazonaws.com`);
    this.key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'EncryptOwnLogs',
        principals: [logs],
        actions: [
          'kms:Encrypt',
          'kms:Decrypt',
          'kms:ReEncryptFrom',
          'kms:ReEncryptTo',
          'kms:GenerateDataKey',
          'kms:DescribeKey',
        ],
        resources: ['*'],
        conditions: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': logGroups() } },
      }),
    );
    this.key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'EncryptNotifications',
        principals: [new ServicePrincipal('events.amazonaws.com'), new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
  }
}

function logGroups(): string[] {
  const group = (name: string) => `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:${name}`;
  return [group('/aws/lambda/nightshift-*'), group('/aws/vendedlogs/states/nightshift-*')];
}
