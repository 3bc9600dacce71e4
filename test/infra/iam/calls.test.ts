import { SFN } from '@aws-sdk/client-sfn';
import type { ApiCall, Sandbox } from '@nightshift/sandbox';
import { isAllowed } from '@nightshift/sandbox/iam';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startNightshift } from '../../../cli/start-sandbox.ts';
import { TEMPLATE } from '../../sandbox/template/template.ts';
import { worldOf } from '../../workflow/worlds.ts';
import { stackOf } from '../stack-of.ts';
import { unallowedCalls, unusedRights } from './calls.ts';

const PLACE = { account: '111122223333', region: 'us-east-1' };
const CLUSTER = 'arn:aws:eks:us-east-1:111122223333:cluster/demo';

describe('a statement', () => {
  const allows = (condition: object, context: Record<string, string | string[]>) => {
    const conditions = Object.fromEntries(Object.entries(condition));
    const statement = {
      effect: 'Allow' as const,
      actions: ['eks:Describe*'],
      resources: ['arn:aws:eks:*:*:cluster/d?mo'],
    };
    return isAllowed([{ ...statement, conditions }], { action: 'eks:DescribeCluster', resource: CLUSTER, context });
  };

  test.each([
    [{}, {}, true],
    [{ StringEquals: { 'eks:accessScope': ['namespace'] } }, { 'eks:AccessScope': 'namespace' }, true],
    [{ StringEquals: { 'eks:accessScope': ['namespace'] } }, { 'eks:accessScope': 'cluster' }, false],
    [{ StringEquals: { 'eks:accessScope': ['namespace'] } }, {}, false],
    [{ StringEqualsIfExists: { 'eks:accessScope': ['namespace'] } }, {}, true],
    [{ StringNotEquals: { 'eks:accessScope': ['cluster'] } }, { 'eks:accessScope': 'namespace' }, true],
    [{ StringNotEquals: { 'eks:accessScope': ['cluster'] } }, {}, true],
    [
      { StringLike: { 'ssm:resourceTag/aws:eks:cluster-name': ['*'] } },
      { 'ssm:resourceTag/aws:eks:cluster-name': 'x' },
      true,
    ],
    [{ StringLike: { 'ssm:resourceTag/Name': ['*'] } }, { 'ssm:resourceTag/name': 'x' }, false],
    [
      { ArnLike: { 'aws:SourceArn': ['arn:aws:events:*:*:rule/n-*'] } },
      { 'aws:SourceArn': 'arn:aws:events:a:1:rule/n-x' },
      true,
    ],
    [{ ArnEquals: { 'eks:policyArn': ['arn:aws:eks::aws:x/*'] } }, { 'eks:policyArn': 'arn:aws:eks::aws:y/z' }, false],
    [{ 'ForAllValues:StringEquals': { 'eks:namespaces': ['a', 'b'] } }, { 'eks:namespaces': ['a'] }, true],
    [{ 'ForAllValues:StringEquals': { 'eks:namespaces': ['a', 'b'] } }, { 'eks:namespaces': ['a', 'c'] }, false],
    [{ 'ForAllValues:StringEquals': { 'eks:namespaces': ['a'] } }, {}, true],
    [{ 'ForAnyValue:StringEquals': { 'eks:namespaces': ['a'] } }, { 'eks:namespaces': ['a', 'c'] }, true],
    [{ 'ForAnyValue:StringEquals': { 'eks:namespaces': ['a'] } }, {}, false],
    [{ StringEquals: { 'eks:namespaces': ['a'] } }, { 'eks:namespaces': ['a'] }, false],
    [{ StringEqualsIfExists: { 'eks:namespaces': ['a'] } }, { 'eks:namespaces': ['a'] }, false],
    [{ StringNotEquals: { 'eks:namespaces': ['b'] } }, { 'eks:namespaces': ['a'] }, false],
    [{ 'ForAnyValue:StringEquals': { 'eks:accessScope': ['cluster'] } }, { 'eks:accessScope': 'cluster' }, true],
    [{ Null: { 'eks:namespaces': ['true'] } }, { 'eks:namespaces': [] }, true],
    [{ Null: { 'eks:namespaces': ['false'] } }, { 'eks:namespaces': ['a'] }, true],
    [{ Null: { 'eks:namespaces': ['false'] } }, {}, false],
    [{ Null: { 'eks:kubernetesGroups': ['true'] } }, {}, true],
    [{ Bool: { 'aws:SecureTransport': ['true'] } }, { 'aws:SecureTransport': 'true' }, true],
  ])('with the condition %j in the context %j: %s', (condition, context, expected) => {
    expect(allows(condition, context)).toBe(expected);
  });

  test('that denies outweighs one that allows', () => {
    const allow = { effect: 'Allow' as const, actions: ['*'], resources: ['*'], conditions: {} };
    const deny = { effect: 'Deny' as const, actions: ['eks:delete*'], resources: [CLUSTER], conditions: {} };
    const wanted = (action: string) => isAllowed([allow, deny], { action, resource: CLUSTER, context: {} });
    expect([wanted('eks:DescribeCluster'), wanted('eks:DeleteCluster')]).toEqual([true, false]);
  });

  test('with an operator that nobody plays is refused by name', () => {
    expect(() => allows({ DateLessThan: { 'aws:CurrentTime': ['x'] } }, { 'aws:CurrentTime': 'y' })).toThrow(
      'DateLessThan',
    );
  });
});

describe('a call that was logged', () => {
  const ROLE = 'arn:aws:iam::111122223333:role/nightshift-kubernetes';
  const entry = { clusterName: 'demo', principalArn: ROLE };
  const namespace = { type: 'namespace', namespaces: ['kube-system'] };
  const POLICY = 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy';
  const ENTRY = 'arn:aws:eks:us-east-1:111122223333:access-entry/demo/role/111122223333/nightshift-kubernetes/*';

  /** Whether a role with this one statement may make the call. */
  function may(statement: object, service: string, operation: string, input: object, error?: string): boolean {
    const Statement = [{ Effect: 'Allow', ...statement }];
    const Policies = [{ PolicyName: 'one', PolicyDocument: { Statement } }];
    const Resources = { Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'role', Policies } } };
    const call: ApiCall = { at: '', service, operation, principal: 'role/session', input, ...(error && { error }) };
    const tags = (id: string): Record<string, string> => (id === 'i-1' ? { 'aws:eks:cluster-name': 'demo' } : {});
    return unallowedCalls([call], stackOf({ Resources }, PLACE), tags).length === 0;
  }

  const eks = (rest: string) => `arn:aws:eks:us-east-1:111122223333:${rest}`;
  const ssm = (rest: string) => `arn:aws:ssm:us-east-1:111122223333:${rest}`;
  const to = (Action: string | string[], Resource: string | string[], Condition: object = {}) => ({
    Action,
    Resource,
    Condition,
  });
  const MACHINE = 'arn:aws:states:us-east-1:111122223333:stateMachine:migrate';
  const onNodes = [ssm('document/nightshift-*'), 'arn:aws:ec2:*:*:instance/*'];
  const tagged = { ...entry, tags: { owner: 'nightshift' } };
  const associate = (Condition: object) => to('eks:AssociateAccessPolicy', ENTRY, Condition);
  const startExecution = (Resource: string, Condition: object) => to('states:StartExecution', Resource, Condition);
  const putEvents = (Condition: object) => to('events:PutEvents', '*', Condition);
  const LIVE = { 'states:StateMachineQualifier': 'live' };
  const OURS = { 'events:source': 'nightshift' };

  test.each<[string, object, { allowed?: object[]; refused?: object[] }]>([
    [
      'eks.DescribeCluster',
      { name: 'demo' },
      {
        allowed: [to('eks:DescribeCluster', eks('cluster/*'))],
        refused: [to('eks:DescribeCluster', eks('cluster/other'))],
      },
    ],
    [
      'eks.UpdateAddon',
      { clusterName: 'demo', addonName: 'kube-proxy' },
      {
        allowed: [to(['eks:UpdateAddon'], [eks('addon/*/kube-proxy/*')])],
        refused: [to(['eks:UpdateAddon'], [eks('addon/*/coredns/*')])],
      },
    ],
    [
      'eks.AssociateAccessPolicy',
      { ...entry, policyArn: POLICY, accessScope: namespace },
      {
        allowed: [
          associate({
            ArnEquals: { 'eks:policyArn': POLICY },
            'ForAllValues:StringEquals': { 'eks:namespaces': ['kube-system'] },
            Null: { 'eks:namespaces': 'false' },
          }),
        ],
        refused: [associate({ StringEquals: { 'eks:accessScope': 'cluster' } })],
      },
    ],
    [
      'eks.CreateAccessEntry',
      tagged,
      {
        allowed: [to(['eks:CreateAccessEntry', 'eks:TagResource'], [eks('cluster/*'), ENTRY])],
        refused: [to('eks:CreateAccessEntry', eks('cluster/*'))],
      },
    ],
    [
      'ssm.SendCommand',
      { DocumentName: 'nightshift-clean-node', InstanceIds: ['i-1'] },
      { allowed: [to('ssm:SendCommand', onNodes)] },
    ],
    [
      'ssm.SendCommand',
      { DocumentName: 'AWS-RunShellScript', InstanceIds: ['i-1'] },
      { refused: [to('ssm:SendCommand', onNodes)] },
    ],
    [
      'ssm.SendCommand',
      { DocumentName: 'nightshift-clean-node', InstanceIds: ['i-2'] },
      {
        refused: [
          to('ssm:SendCommand', '*', {
            StringLikeIfExists: { 'ssm:resourceTag/aws:eks:cluster-name': 'demo' },
            Null: { 'ssm:resourceTag/aws:eks:cluster-name': 'false' },
          }),
        ],
      },
    ],
    [
      'scheduler.CreateSchedule',
      { Name: 'nightshift-demo', GroupName: 'nightshift-leases', Target: { RoleArn: ROLE } },
      { refused: [to('scheduler:CreateSchedule', 'arn:aws:scheduler:*:*:schedule/nightshift-leases/*')] },
    ],
    [
      'states.StartExecution',
      { stateMachineArn: `${MACHINE}:live` },
      {
        allowed: [startExecution(MACHINE, { 'ForAnyValue:StringEquals': LIVE })],
        // The key is multivalued, and the operator compares one value.
        refused: [startExecution(MACHINE, { StringEquals: LIVE })],
      },
    ],
    [
      'states.StartExecution',
      { stateMachineArn: MACHINE },
      { refused: [startExecution('*', { 'ForAnyValue:StringEquals': LIVE })] },
    ],
    [
      'events.PutEvents',
      { Entries: [{ Source: 'aws.eks' }] },
      { refused: [putEvents({ 'ForAllValues:StringEquals': OURS })] },
    ],
    [
      'events.PutEvents',
      { Entries: [{ Source: 'nightshift' }, { Source: 'nightshift' }] },
      {
        allowed: [putEvents({ 'ForAllValues:StringEquals': OURS, Null: { 'events:source': 'false' } })],
        refused: [putEvents({ StringEquals: OURS })],
      },
    ],
    ['eks.CreateCluster', { name: 'demo' }, { refused: [to('*', '*')] }],
  ])('%s %j is allowed and refused by these statements: %j', (call, input, { allowed = [], refused = [] }) => {
    const [service = '', operation = ''] = call.split('.');
    expect(allowed.filter((statement) => !may(statement, service, operation, input))).toEqual([]);
    expect(refused.filter((statement) => may(statement, service, operation, input))).toEqual([]);
  });

  test('uses of a statement the actions and resources that it needs, and not another statement', () => {
    const policy = (Sid: string, Action: string[], Resource: string[]) => ({ Sid, Effect: 'Allow', Action, Resource });
    const Statement = [
      policy('Look', ['eks:DescribeCluster', 'eks:ListAddons'], [eks('cluster/demo'), eks('cluster/other')]),
      policy('LookAgain', ['eks:DescribeCluster'], [eks('cluster/third')]),
      policy('Log', ['logs:PutLogEvents'], ['*']),
    ];
    const Policies = [{ PolicyName: 'one', PolicyDocument: { Statement } }];
    const Resources = { Role: { Type: 'AWS::IAM::Role', Properties: { RoleName: 'role', Policies } } };
    const call = { at: '', service: 'eks', operation: 'DescribeCluster', principal: 'role', input: { name: 'demo' } };
    expect(unusedRights([call], stackOf({ Resources }, PLACE))).toEqual([
      'role: Look eks:DescribeCluster on arn:aws:eks:us-east-1:111122223333:cluster/other',
      'role: Look eks:ListAddons on arn:aws:eks:us-east-1:111122223333:cluster/demo',
      'role: Look eks:ListAddons on arn:aws:eks:us-east-1:111122223333:cluster/other',
      'role: LookAgain eks:DescribeCluster on arn:aws:eks:us-east-1:111122223333:cluster/third',
    ]);
  });

  test('for an object that is missing needs the right to list the bucket', () => {
    const get = { Action: 's3:GetObject', Resource: 'arn:aws:s3:::evidence/*' };
    const input = { Bucket: 'evidence', Key: 'executions/one' };
    expect(may(get, 's3', 'GetObject', input)).toBe(true);
    expect(may(get, 's3', 'GetObject', input, 'NoSuchKey')).toBe(false);
  });
});

describe('a stack that ran', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startNightshift({ world: worldOf({}), template: TEMPLATE });
    const options = {
      endpoint: sandbox.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
    };
    const { Passing } = TEMPLATE.Resources;
    const stateMachineArn = `arn:aws:states:us-east-1:111122223333:stateMachine:${Passing.Properties.StateMachineName}`;
    const sfn = new SFN(options);
    await sandbox.live.region.clock.busy(async () => {
      const { executionArn } = await sfn.startExecution({ stateMachineArn, name: 'one', input: '{"cluster":"demo"}' });
      await sfn.stopExecution({ executionArn });
    });
    const detail = { stateMachineArn, status: 'ABORTED' };
    const malformed = JSON.stringify({ source: 'aws.states', 'detail-type': 'Malformed', detail });
    await fetch(`${sandbox.endpoint}/_sandbox/events`, { method: 'POST', body: malformed });
    await sandbox.live.region.clock.idle();
  });
  afterAll(() => sandbox.stop());

  test('tells which calls its roles do not allow', () => {
    expect(unallowedCalls(sandbox.calls, stackOf(TEMPLATE, PLACE))).toEqual([
      {
        role: 'nightshift-on-execution-ended-us-east-1',
        call: 'sqs.SendMessage',
        action: 'sqs:SendMessage',
        resource: 'arn:aws:sqs:us-east-1:111122223333:nightshift-dead-events',
      },
    ]);
  });

  test('tells which rights nobody needed', () => {
    expect(unusedRights(sandbox.calls, stackOf(TEMPLATE, PLACE))).toEqual([
      'nightshift-on-execution-ended-us-east-1: kms:Decrypt on arn:aws:kms:us-east-1:111122223333:key/nightshift-Key',
      'nightshift-on-execution-ended-us-east-1: states:StartExecution on arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-passing',
      'nightshift-sweeper-us-east-1: states:StartExecution on arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-passing',
    ]);
  });
});
