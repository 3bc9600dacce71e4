import type { Statement } from '@nightshift/sandbox/iam';
import { resourcePolicies, rolePolicies } from '@nightshift/sandbox/iam';
import { describe, expect, it } from 'vitest';
import { covers } from './arn-patterns.ts';
import { problemsOf } from './iam-reference.ts';
import { everythingConfigured } from './roles.ts';
import { stackOf } from './stack-of.ts';

const stack = stackOf(await everythingConfigured(), { account: '111122223333', region: 'us-east-1' });

describe('the check of a statement by the IAM reference', () => {
  const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster';
  const ENTRY = 'arn:aws:eks:us-east-1:111122223333:access-entry/*/role/111122223333/nightshift/*';
  const allow = (actions: string[], resources: string[], conditions: Statement['conditions'] = {}): Statement => ({
    effect: 'Allow',
    actions,
    resources,
    conditions,
  });

  it.each(
    Object.entries({
      'there is no action states:StartExecutions': allow(['states:StartExecutions'], [MACHINE]),
      'there is no service state': allow(['state:StartExecution'], [MACHINE]),
      'states:StopExecution takes no resource like arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-migrate-cluster':
        allow(['states:StopExecution'], [MACHINE]),
      's3:ListBucket takes no resource like arn:aws:s3:::evidence/*': allow(
        ['s3:ListBucket'],
        ['arn:aws:s3:::evidence/*'],
      ),
      's3:PutObject takes no resource like arn:aws:s3:::evidence': allow(['s3:PutObject'], ['arn:aws:s3:::evidence']),
      'eks:AssociateAccessPolicy has no condition key eks:principalArns': allow(
        ['eks:AssociateAccessPolicy'],
        [ENTRY],
        { ArnEquals: { 'eks:principalArns': ['x'] } },
      ),
      'kms:DescribeKey has no condition key kms:EncryptionContext:aws:logs:arn': allow(['kms:DescribeKey'], ['*'], {
        StringEquals: { 'kms:EncryptionContext:aws:logs:arn': ['x'] },
      }),
      'sqs:SendMessage has no condition key aws:TagKeys': allow(['sqs:SendMessage'], ['*'], {
        StringEquals: { 'aws:TagKeys': ['x'] },
      }),
      'states:StateMachineQualifier is multivalued (ArrayOfString): StringEquals needs ForAnyValue: or ForAllValues:':
        allow(['states:StartExecution'], [MACHINE], { StringEquals: { 'states:StateMachineQualifier': ['live'] } }),
      'events:source is multivalued (ArrayOfString): StringEquals needs ForAnyValue: or ForAllValues:': allow(
        ['events:PutEvents'],
        ['*'],
        { StringEquals: { 'events:source': ['nightshift'] } },
      ),
      'ForAllValues:StringEquals also allows a request without events:source': allow(['events:PutEvents'], ['*'], {
        'ForAllValues:StringEquals': { 'events:source': ['nightshift'] },
      }),
      'iam:PassedToService has one value (String): ForAnyValue:StringEquals must not have ForAnyValue:': allow(
        ['iam:PassRole'],
        ['*'],
        { 'ForAnyValue:StringEquals': { 'iam:PassedToService': ['x'] } },
      ),
      'StringEquals does not compare a ARN, which aws:SourceArn is': allow(['sns:Publish'], ['*'], {
        StringEquals: { 'aws:SourceArn': ['x'] },
      }),
      'ArnLike does not compare a String, which aws:SourceAccount is': allow(['sns:Publish'], ['*'], {
        ArnLike: { 'aws:SourceAccount': ['x'] },
      }),
      'StringEquals does not compare a Bool, which aws:SecureTransport is': allow(['s3:PutObject'], ['*'], {
        StringEquals: { 'aws:SecureTransport': ['true'] },
      }),
    }),
  )('finds that %s', async (problem, statement) => {
    expect(await problemsOf(statement)).toEqual([problem]);
  });

  it.each([
    [
      allow(['states:StartExecution'], [MACHINE], {
        'ForAnyValue:StringEquals': { 'states:StateMachineQualifier': ['a'] },
      }),
    ],
    [allow(['logs:PutLogEvents'], ['arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/x:*'])],
    [allow(['s3:*'], ['arn:aws:s3:::b', 'arn:aws:s3:::b/*'], { Bool: { 'aws:SecureTransport': ['false'] } })],
    [allow(['ssm:SendCommand'], ['*'], { StringLike: { 'ssm:resourceTag/aws:eks:cluster-name': ['*'] } })],
  ])('finds no error in %j', async (statement) => {
    expect(await problemsOf(statement)).toEqual([]);
  });

  it.each([
    ['arn:*:x/*', 'arn:aws:eks:x/${Name}', true],
    ['bucket/*', '${BucketName}', false],
    ['a?c', 'abc', true],
    ['a?c', 'abbc', false],
  ])('pattern %s and format %s match a common text: %s', (one, other, expected) => {
    expect(covers(one, other)).toBe(expected);
  });
});

describe('every statement of the template', () => {
  const owned = (policies: ReadonlyMap<string, readonly Statement[]>) =>
    [...policies].flatMap(([owner, statements]) => statements.map((statement) => ({ owner, statement })));
  const identity = owned(rolePolicies(stack));
  const resource = owned(resourcePolicies(stack));

  it('is counted', () => {
    expect({ identity: identity.length > 100, resource: resource.length > 30 }).toEqual({
      identity: true,
      resource: true,
    });
  });

  it.each([
    ['of a role', identity],
    ['of a key, queue, topic, bucket or trust', resource],
  ])('%s is one that IAM can match', async (_, statements) => {
    const problems = await Promise.all(
      statements.map(async ({ owner, statement }) =>
        (await problemsOf(statement)).map((problem) => `${owner} ${statement.sid ?? ''}: ${problem}`),
      ),
    );
    expect(problems.flat()).toEqual([]);
  });
});
