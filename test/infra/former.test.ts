import { admits, isAllowed, type Principal, policyOf, resourcePolicies, rolePolicies } from '@nightshift/sandbox/iam';
import { describe, expect, it } from 'vitest';
import type { Template } from '../../infra/template.ts';
import { STATE_MACHINES } from '../../state-machines/definitions.ts';
import { unallowedCalls } from './iam/calls.ts';
import { everythingConfigured } from './roles.ts';
import { stackOf } from './stack-of.ts';

const PLACE = { account: '111122223333', region: 'us-east-1' };
const template = await everythingConfigured();
const stack = stackOf(template, PLACE);
const roles = rolePolicies(stack);
const policies = resourcePolicies(stack);
const WORKFLOW = 'nightshift-migrate-cluster-us-east-1';
const BUCKET = 'nightshift-evidence-111122223333-us-east-1';
const OBJECT = `arn:aws:s3:::${BUCKET}/executions/demo-20261128T010000123Z/former.json`;

const asked = (action: string, resource: string, principalArn?: string) => ({
  action,
  resource,
  context: {
    'aws:SecureTransport': 'true',
    's3:TlsVersion': '1.3',
    ...(principalArn !== undefined && { 'aws:PrincipalArn': principalArn }),
  },
});

/** Whether the bucket's own policy denies an action to a principal whose identity policy allows everything. */
function denies(action: string, principal: Principal, resource = OBJECT): boolean {
  const need = asked(action, resource, principal.kind === 'role' ? principal.arn : undefined);
  return !admits(policyOf(policies, need) ?? [], principal, need);
}

const role = (name: string): Principal => ({ kind: 'role', arn: `arn:aws:iam::111122223333:role/${name}` });

describe('the configuration that a rollback restores', () => {
  it('is written by the role of migrate-cluster, and allowed to no other role', () => {
    const writers = [...roles]
      .filter(([, statements]) => isAllowed(statements, asked('s3:PutObject', OBJECT)))
      .map(([name]) => name);
    expect(writers).toEqual([WORKFLOW]);
  });

  it('is denied by the bucket to everybody else, an administrator and the other state machine included', () => {
    const others = [...roles.keys(), 'Administrator'].filter((name) => name !== WORKFLOW);
    expect(others.filter((name) => !denies('s3:PutObject', role(name)))).toEqual([]);
    expect(others.filter((name) => !denies('s3:DeleteObject', role(name)))).toEqual([]);
    expect(STATE_MACHINES).toContain('rollback-cluster');
  });

  it('is not denied to the role of the workflow', () => {
    expect(denies('s3:PutObject', role(WORKFLOW))).toBe(false);
  });

  it('may be read, and other evidence written, as before', () => {
    const reader = role('nightshift-inspect-rollback-us-east-1');
    expect(denies('s3:GetObject', reader)).toBe(false);
    expect(denies('s3:PutObject', reader, OBJECT.replace('former.json', 'inspect/inventory.ndjson.gz'))).toBe(false);
  });

  it('is refused to a function in the log of the sandbox, as S3 would refuse it', () => {
    const put = (principal: string) =>
      unallowedCalls(
        [
          {
            at: '',
            service: 's3',
            operation: 'PutObject',
            principal,
            input: { Bucket: BUCKET, Key: OBJECT.split('/').slice(1).join('/') },
          },
        ],
        stack,
      ).map(({ action }) => action);
    expect(put(WORKFLOW)).toEqual([]);
    expect(put('nightshift-record-outcome-us-east-1')).toEqual(['s3:PutObject']);
  });

  it('would be open to an administrator without that statement', () => {
    const take = (_: string, value: unknown): unknown =>
      typeof value === 'object' &&
      value !== null &&
      'Sid' in value &&
      value.Sid === 'OnlyTheWorkflowSavesWhatARollbackPutsBack'
        ? undefined
        : value;
    const parsed: Template = JSON.parse(JSON.stringify(template, take).replaceAll(',null', ''));
    const need = asked('s3:PutObject', OBJECT, 'arn:aws:iam::111122223333:role/Administrator');
    const open = resourcePolicies(stackOf(parsed, PLACE));
    expect(admits(policyOf(open, need) ?? [], role('Administrator'), need)).toBe(true);
  });
});
