import type { Stack } from '../template/stack.ts';
import { asRecord } from '../wire/check.ts';
import { applies, type Need } from './evaluate.ts';
import { listOf, readStatement, type Statement } from './policies.ts';

/** Who asks: an AWS service, or a session of a role. */
export type Principal =
  | { readonly kind: 'service'; readonly name: string }
  | { readonly kind: 'role'; readonly arn: string };

/** A statement of a policy that is attached to a resource. */
export interface ResourceStatement extends Statement {
  readonly principals: readonly string[];
  /** True for a statement that is for every principal. */
  readonly everyone: boolean;
}

/** ARN of a key, queue, topic, bucket or role → the statements of its own policy; empty if it has no policy. */
export type ResourcePolicies = ReadonlyMap<string, readonly ResourceStatement[]>;

const POLICIES = [
  { type: 'AWS::SQS::QueuePolicy', names: 'Queues', of: 'AWS::SQS::Queue' },
  { type: 'AWS::SNS::TopicPolicy', names: 'Topics', of: 'AWS::SNS::Topic' },
  { type: 'AWS::S3::BucketPolicy', names: 'Bucket', of: 'AWS::S3::Bucket' },
] as const;

/** Resources that carry their policy themselves. */
const OWN_POLICIES = [
  { type: 'AWS::KMS::Key', member: 'KeyPolicy' },
  { type: 'AWS::IAM::Role', member: 'AssumeRolePolicyDocument' },
] as const;

const arnOf = ({ attributes, ref }: { attributes: Readonly<Record<string, string>>; ref: string }) =>
  attributes['Arn'] ?? ref;

/** The policies of the stack's queues, topics, buckets, keys and roles. Throws TemplateError. */
export function resourcePolicies(stack: Stack): ResourcePolicies {
  const found = new Map<string, ResourceStatement[]>();
  for (const { type, names, of } of POLICIES) {
    const arns = new Map(stack.all(of).map(({ identity }) => [identity.ref, arnOf(identity)]));
    for (const arn of arns.values()) found.set(arn, []);
    for (const { name, properties } of stack.all(type))
      for (const resource of listOf(properties[names]))
        found.get(arns.get(String(resource)) ?? '')?.push(...statementsOf(name, properties['PolicyDocument']));
  }
  for (const { type, member } of OWN_POLICIES)
    for (const { name, properties, identity } of stack.all(type))
      found.set(
        arnOf(identity),
        statementsOf(name, properties[member] ?? (type === 'AWS::KMS::Key' && DEFAULT_KEY_POLICY)),
      );
  return found;
}

/** What KMS gives to a key without a policy: its account decides. */
const DEFAULT_KEY_POLICY = {
  Statement: [{ Effect: 'Allow', Principal: { AWS: '000000000000' }, Action: 'kms:*', Resource: '*' }],
};

function statementsOf(owner: string, document: unknown): ResourceStatement[] {
  return listOf(asRecord(document)['Statement']).map((statement) => {
    const principal = asRecord(statement)['Principal'];
    const principals = Object.values(asRecord(principal)).flatMap(listOf).map(String);
    const everyone = principal === '*' || principals.includes('*');
    return { ...readStatement(owner, statement, true), principals, everyone };
  });
}

/** The policy of what is asked for: an object is guarded by the policy of its bucket. */
export function policyOf(policies: ResourcePolicies, { resource }: Need): readonly ResourceStatement[] | undefined {
  return policies.get(resource) ?? policies.get(resource.replace(/^(arn:[^:]+:s3:::[^/]+)\/.*$/s, '$1'));
}

/** Whether a statement speaks of this principal and this need. */
function concerns(statement: ResourceStatement, principal: Principal, need: Need): boolean {
  const name = principal.kind === 'service' ? principal.name : principal.arn;
  return (statement.everyone || statement.principals.includes(name)) && applies(statement, need);
}

/** Whether the policy's account is named, which leaves the decision to the identity policies of that account. */
function delegates(statement: ResourceStatement, need: Need): boolean {
  const isAccount = statement.principals.some((name) => /^(\d{12}|arn:[^:]+:iam::\d{12}:root)$/.test(name));
  return isAccount && statement.effect === 'Allow' && applies(statement, need);
}

/** A key or a role without an allowing statement admits nobody, even if an identity policy allows it. */
const MUST_ALLOW = /^(kms:|sts:AssumeRole$)/;

/**
 * Whether the resource's own policy lets the principal do what is needed. A service has no policy of its own, so the
 * resource's has to allow it. A role of the same account also has its identity policy, which is decided elsewhere: here
 * the resource must not deny, and a key or a role must allow, itself or by naming the account.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html
 */
export function admits(statements: readonly ResourceStatement[], principal: Principal, need: Need): boolean {
  const concerned = statements.filter((statement) => concerns(statement, principal, need));
  if (concerned.some(({ effect }) => effect === 'Deny')) return false;
  if (concerned.length > 0) return true;
  if (principal.kind === 'service') return false;
  return !MUST_ALLOW.test(need.action) || statements.some((statement) => delegates(statement, need));
}
