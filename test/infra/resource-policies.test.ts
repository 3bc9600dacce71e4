import { publishFromAlarm, publishFromRule, sendFromRule } from '@nightshift/sandbox/iam';
import { describe, expect, it } from 'vitest';
import type { Template } from '../../infra/template.ts';
import { problemsOfNeed } from './iam-reference.ts';
import { everythingConfigured } from './roles.ts';
import { refusedUses, serviceUses } from './service-uses.ts';
import { stackOf } from './stack-of.ts';

const PLACE = { account: '111122223333', region: 'us-east-1' };
const template = await everythingConfigured();
const stack = stackOf(template, PLACE);
const roleArn = 'arn:aws:iam::111122223333:role/nightshift-scheduler-us-east-1';
const uses = serviceUses(stack, [
  { group: 'nightshift-leases', roleArn },
  { group: 'nightshift-migrations', roleArn },
]);

const [KEY = ''] = uses.filter(({ need }) => need.action.startsWith('kms:')).map(({ need }) => need.resource);
const TOPIC = { arn: 'arn:aws:sns:us-east-1:111122223333:nightshift', key: KEY };
const QUEUE = 'arn:aws:sqs:us-east-1:111122223333:nightshift-dead-events';
const ALARM = {
  arn: 'arn:aws:cloudwatch:us-east-1:111122223333:alarm:nightshift-dead-events',
  account: '111122223333',
};

/** The template with these conditions in each statement of this Sid. Throws if there is none. */
function withConditions(Sid: string, Condition: object): Template {
  let changed = 0;
  const change = (_: string, value: unknown): unknown => {
    if (typeof value !== 'object' || value === null || !('Sid' in value) || value.Sid !== Sid) return value;
    changed += 1;
    return { ...value, Condition };
  };
  const copy: Template = JSON.parse(JSON.stringify(template), change);
  if (changed === 0) throw new Error(`no statement ${Sid}`);
  return copy;
}

const FROM_THIS_ACCOUNT = { StringEquals: { 'aws:SourceAccount': '111122223333' } };

describe('every use of a key, topic, queue, bucket or role by an AWS service', () => {
  it('is allowed by its policy in the context that the service sends', () => {
    expect(refusedUses(stack, uses)).toEqual([]);
  });

  it('is one of these', () => {
    const kinds = new Set(uses.map(({ principal, need }) => `${principal.name} ${need.action}`));
    expect([...kinds].sort()).toEqual([
      'cloudwatch.amazonaws.com kms:Decrypt',
      'cloudwatch.amazonaws.com kms:GenerateDataKey',
      'cloudwatch.amazonaws.com sns:Publish',
      'events.amazonaws.com kms:Decrypt',
      'events.amazonaws.com kms:GenerateDataKey',
      'events.amazonaws.com sns:Publish',
      'events.amazonaws.com sqs:SendMessage',
      'events.amazonaws.com sts:AssumeRole',
      'lambda.amazonaws.com sts:AssumeRole',
      'logging.s3.amazonaws.com s3:PutObject',
      'logs.us-east-1.amazonaws.com kms:Decrypt',
      'logs.us-east-1.amazonaws.com kms:Encrypt',
      'logs.us-east-1.amazonaws.com kms:GenerateDataKey',
      'logs.us-east-1.amazonaws.com kms:ReEncryptFrom',
      'logs.us-east-1.amazonaws.com kms:ReEncryptTo',
      'scheduler.amazonaws.com sts:AssumeRole',
      'states.amazonaws.com sts:AssumeRole',
    ]);
  });

  it('matches the IAM reference: condition keys and their types', async () => {
    expect((await Promise.all(uses.map(({ need }) => problemsOfNeed(need)))).flat()).toEqual([]);
  });
});

describe('a notification of a rule', () => {
  it('is lost if the key policy requires the account, which EventBridge does not send', () => {
    const broken = stackOf(withConditions('EncryptNotificationsOfRules', FROM_THIS_ACCOUNT), PLACE);
    expect(refusedUses(broken, serviceUses(broken))).toEqual([
      `events.amazonaws.com kms:Decrypt on ${KEY}`,
      `events.amazonaws.com kms:GenerateDataKey on ${KEY}`,
    ]);
  });

  it('is lost if the topic policy requires it', () => {
    const broken = stackOf(withConditions('Rules', FROM_THIS_ACCOUNT), PLACE);
    expect(refusedUses(broken, serviceUses(broken))).toEqual([`events.amazonaws.com sns:Publish on ${TOPIC.arn}`]);
  });
});

describe('a request that does not belong to the product', () => {
  const everything = (service: string) =>
    [
      ...publishFromRule(TOPIC),
      ...publishFromAlarm(TOPIC, ALARM),
      sendFromRule(QUEUE, 'arn:aws:events:us-east-1:111122223333:rule/nightshift-endings'),
    ].map(({ need }) => ({ need, principal: { kind: 'service' as const, name: service } }));

  it('gets nothing as another service', () => {
    expect(refusedUses(stack, everything('ec2.amazonaws.com'))).toHaveLength(4);
  });

  it('gets nothing for an alarm of another account', () => {
    const foreign = { arn: ALARM.arn.replace('111122223333', '444455556666'), account: '444455556666' };
    expect(refusedUses(stack, publishFromAlarm(TOPIC, foreign))).toEqual([
      `cloudwatch.amazonaws.com kms:Decrypt on ${KEY}`,
      `cloudwatch.amazonaws.com kms:GenerateDataKey on ${KEY}`,
      `cloudwatch.amazonaws.com sns:Publish on ${TOPIC.arn}`,
    ]);
  });

  it('cannot use the key for another topic', () => {
    const other = { arn: 'arn:aws:sns:us-east-1:111122223333:other', key: KEY };
    const [, ...ofTheKey] = publishFromRule(other);
    expect(refusedUses(stack, ofTheKey)).toEqual([
      `events.amazonaws.com kms:Decrypt on ${KEY}`,
      `events.amazonaws.com kms:GenerateDataKey on ${KEY}`,
    ]);
  });

  it('cannot send to the queue for a rule of another account', () => {
    const rule = 'arn:aws:events:us-east-1:444455556666:rule/nightshift-endings';
    expect(refusedUses(stack, [sendFromRule(QUEUE, rule)])).toEqual([
      `events.amazonaws.com sqs:SendMessage on ${QUEUE}`,
    ]);
  });
});
