import { expect, test } from 'vitest';
import { roleRights } from '../iam/role-rights.ts';
import { Stack } from '../template/stack.ts';

const role = (RoleName: string, properties: object = {}) => ({
  Type: 'AWS::IAM::Role',
  Properties: { RoleName, ...properties },
});
const statement = (Action: string, Resource: string, fields: object = {}) => ({
  PolicyDocument: { Statement: [{ Effect: 'Allow', Action, Resource, ...fields }] },
});
const CHILD = 'arn:aws:states:us-east-1:111122223333:stateMachine:child';

const stack = new Stack(
  {
    Resources: {
      Own: role('own', { Policies: [statement('states:StartExecution', CHILD)] }),
      Attached: role('attached'),
      Policy: {
        Type: 'AWS::IAM::Policy',
        Properties: { Roles: ['attached'], PolicyName: 'p', ...statement('states:*', CHILD) },
      },
      None: role('none'),
      Managed: role('managed', { ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] }),
      ByTls: role('by-tls', {
        Policies: [statement('states:*', '*', { Condition: { Bool: { 'aws:SecureTransport': 'true' } } })],
      }),
    },
  },
  { account: '111122223333', region: 'us-east-1', stack: 'toy' },
);
const mayCall = roleRights(stack);

test.each([
  ['own', 'states:StartExecution', true],
  ['own', 'states:StopExecution', false],
  ['attached', 'states:StopExecution', true],
  ['none', 'states:StartExecution', false],
  ['by-tls', 'states:StartExecution', true],
  // Nobody knows what these may not do.
  ['managed', 'states:StartExecution', true],
  ['elsewhere', 'states:StartExecution', true],
])('the role %s may do %s: %s', (name, action, expected) => {
  const arn = `arn:aws:iam::111122223333:role/${name}`;
  expect(mayCall(arn, { action, resource: CHILD, context: {} })).toBe(expected);
});
