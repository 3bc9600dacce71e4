import type { Stack } from '@nightshift/sandbox/iam';
import { describe, expect, it } from 'vitest';
import type { Template } from '../../infra/template.ts';
import { everythingConfigured } from './roles.ts';
import { stackOf } from './stack-of.ts';

const template = await everythingConfigured();

/**
 * A resource that a policy names need not exist yet; other resources named by ARN are used as soon as they are
 * deployed.
 */
const POLICIES = ['AWS::IAM::Role', 'AWS::KMS::Key', 'AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy'];
const POLICY_OF = { 'AWS::SQS::Queue': 'AWS::SQS::QueuePolicy', 'AWS::SNS::Topic': 'AWS::SNS::TopicPolicy' };

/** The logical ids that a resource itself refers to. */
function referredTo(value: unknown, ids: ReadonlySet<string>): string[] {
  const found: string[] = [];
  JSON.stringify(value, (key, each: unknown) => {
    if (key === 'Ref' || key === 'DependsOn' || key === 'Fn::GetAtt')
      for (const name of [each].flat()) if (ids.has(String(name))) found.push(String(name));
    return each;
  });
  return found;
}

/** Everything that CloudFormation makes before this resource. */
function before({ Resources }: Template, id: string): Set<string> {
  const ids = new Set(Object.keys(Resources));
  const found = new Set<string>();
  const queue = [id];
  for (const next of queue)
    for (const each of referredTo(Resources[next], ids))
      if (!found.has(each)) {
        found.add(each);
        queue.push(each);
      }
  return found;
}

/** `user: used` for each resource that names a queue or topic and may be created before it or before its policy. */
function tooEarly(made: Template): string[] {
  const stack: Stack = stackOf(made, { account: '111122223333', region: 'us-east-1' });
  const users = Object.entries(made.Resources).filter(([, { Type }]) => !POLICIES.includes(Type));
  return Object.entries(POLICY_OF).flatMap(([type, policyType]) =>
    stack.all(type).flatMap(({ id: used, identity: { attributes, ref } }) => {
      const arn = attributes['Arn'] ?? ref;
      const policies = stack.all(policyType).map(({ id }) => id);
      return users
        .filter(([id]) => id !== used && JSON.stringify(stack.resource(id).properties).includes(JSON.stringify(arn)))
        .flatMap(([id]) => {
          const earlier = before(made, id);
          return [used, ...policies].filter((each) => !earlier.has(each)).map((each) => `${id}: ${each}`);
        });
    }),
  );
}

describe('a queue or topic', () => {
  it('is created, with its policy, before every resource that names it', () => {
    expect(tooEarly(template)).toEqual([]);
  });

  it('is reported if the order is removed', () => {
    const Resources = Object.fromEntries(
      Object.entries(template.Resources).map(([id, { DependsOn: _, ...rest }]) => [id, rest]),
    );
    const early = tooEarly({ ...template, Resources });
    const types = new Set(early.map((each) => template.Resources[each.split(':')[0] ?? '']?.Type));
    expect([...types].sort()).toEqual([
      'AWS::CloudWatch::Alarm',
      'AWS::Events::Rule',
      'AWS::Lambda::EventInvokeConfig',
      'AWS::Lambda::Function',
      'AWS::Scheduler::Schedule',
    ]);
  });
});
