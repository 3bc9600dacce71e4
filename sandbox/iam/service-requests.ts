import type { Need } from './evaluate.ts';
import type { Principal } from './resource-policies.ts';

/** What an AWS service asks of a resource's policy, with only the condition keys that this service sends. */
export interface ServiceRequest {
  readonly principal: Principal & { kind: 'service' };
  readonly need: Need;
}

interface Source {
  readonly arn: string;
  readonly account: string;
}

type Context = Need['context'];

/** Every service speaks TLS 1.2 or newer. */
const TLS: Context = { 'aws:SecureTransport': 'true' };

const request = (service: string, action: string, resource: string, context: Context = {}): ServiceRequest => ({
  principal: { kind: 'service', name: service },
  need: { action, resource, context: { ...TLS, ...context } },
});

const from = ({ arn, account }: Source): Context => ({ 'aws:SourceArn': arn, 'aws:SourceAccount': account });

/** Publishing to an encrypted topic needs both on its key. https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html */
const TOPIC_KEY_ACTIONS = ['kms:GenerateDataKey', 'kms:Decrypt'];

/** SNS encrypts in the context of the topic. https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic.html */
const topicContext = (topicArn: string): Context => ({ 'kms:EncryptionContext:aws:sns:topicArn': topicArn });

/** A topic, with the ARN of its key; undefined where it is not encrypted with one. */
export interface GuardedTopic {
  readonly arn: string;
  readonly key: string | undefined;
}

const usesOfKey = (service: string, { arn, key }: GuardedTopic, context: Context): ServiceRequest[] =>
  key === undefined
    ? []
    : TOPIC_KEY_ACTIONS.map((action) => request(service, action, key, { ...topicContext(arn), ...context }));

/**
 * A rule that publishes to a topic: EventBridge sends no source, neither to the topic's policy (its guide: "Condition"
 * blocks cannot be used there) nor to the key's (SNS's guide: not supported).
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html#eb-sns-permissions
 * https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
 */
export const publishFromRule = (topic: GuardedTopic): ServiceRequest[] => [
  request('events.amazonaws.com', 'sns:Publish', topic.arn),
  ...usesOfKey('events.amazonaws.com', topic, {}),
];

/**
 * An alarm that publishes to a topic: CloudWatch sends the alarm's ARN and account, to the key, too.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html
 */
export const publishFromAlarm = (topic: GuardedTopic, alarm: Source): ServiceRequest[] => [
  request('cloudwatch.amazonaws.com', 'sns:Publish', topic.arn, from(alarm)),
  ...usesOfKey('cloudwatch.amazonaws.com', topic, from(alarm)),
];

/**
 * A rule that sends to a queue, as its target or its dead-letter queue: the guide's policies name the rule alone.
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
 */
export const sendFromRule = (queueArn: string, ruleArn: string): ServiceRequest =>
  request('events.amazonaws.com', 'sqs:SendMessage', queueArn, { 'aws:SourceArn': ruleArn });

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html */
export const deliverAccessLog = (objectArn: string, bucket: Source): ServiceRequest =>
  request('logging.s3.amazonaws.com', 's3:PutObject', objectArn, { ...from(bucket), 's3:TlsVersion': '1.2' });

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html */
export const encryptLogs = (service: string, keyArn: string, logGroupArn: string): ServiceRequest[] =>
  ['kms:Encrypt', 'kms:Decrypt', 'kms:GenerateDataKey', 'kms:ReEncryptFrom', 'kms:ReEncryptTo'].map((action) =>
    request(service, action, keyArn, { 'kms:EncryptionContext:aws:logs:arn': logGroupArn }),
  );

/** Lambda sends no source when it takes on a function's role. */
export const assumeForFunction = (roleArn: string): ServiceRequest =>
  request('lambda.amazonaws.com', 'sts:AssumeRole', roleArn);

/** https://docs.aws.amazon.com/step-functions/latest/dg/procedure-create-iam-role.html */
export const assumeForStateMachine = (roleArn: string, machine: Source): ServiceRequest =>
  request('states.amazonaws.com', 'sts:AssumeRole', roleArn, from(machine));

/**
 * The source is the schedule's group, not the schedule.
 * https://docs.aws.amazon.com/scheduler/latest/UserGuide/cross-service-confused-deputy-prevention.html
 */
export const assumeForSchedule = (roleArn: string, group: Source): ServiceRequest =>
  request('scheduler.amazonaws.com', 'sts:AssumeRole', roleArn, from(group));

/** https://docs.aws.amazon.com/eventbridge/latest/userguide/cross-service-confused-deputy-prevention.html */
export const assumeForRule = (roleArn: string, rule: Source): ServiceRequest =>
  request('events.amazonaws.com', 'sts:AssumeRole', roleArn, from(rule));
