import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { policyOf } from '../../infra/permissions/permission.ts';
import { type Right, rightsOf, securityPage } from '../../infra/security-page.ts';
import { readDefinition } from '../../state-machines/definitions.ts';
import { groupTemplate } from './roles.ts';
import { allRights, byName, rightsOfRole, template } from './template.ts';

const granting = (action: string): Right[] => allRights.filter(({ actions }) => actions.includes(action));
const rolesGranted = (action: string): string[] =>
  [...new Set(granting(action).map(({ role }) => role.replace(/^nightshift-|-REGION$/g, '')))].sort();
const facts = ({ role: _role, sid: _sid, why: _why, ...rest }: Right) => rest;

describe('the permissions of a role', () => {
  it('have no action with a wildcard', () => {
    expect(allRights.flatMap(({ actions }) => actions).filter((action) => action.includes('*'))).toEqual([]);
  });

  it('are for every resource only if the service has no resource type, or answers nothing less', () => {
    const everywhere = allRights.filter(({ resources }) => resources.includes('*'));
    expect([...new Set(everywhere.flatMap(({ actions }) => actions))].sort()).toEqual([
      // Composite alarms are described only to a principal that may describe every alarm.
      'cloudwatch:DescribeAlarms',
      'ec2:DescribeInstances',
      'eks:DescribeAddonConfiguration',
      'eks:DescribeAddonVersions',
      'eks:ListClusters',
      'logs:CreateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:DescribeLogGroups',
      'logs:DescribeResourcePolicies',
      'logs:GetLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:UpdateLogDelivery',
      'scheduler:ListSchedules',
      'ssm:DescribeInstanceInformation',
      'ssm:ListCommandInvocations',
      'xray:GetSamplingRules',
      'xray:GetSamplingTargets',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
  });

  it('cannot have a wildcard without a reason', () => {
    const permission = { sid: 'Any', why: 'Because.', actions: ['s3:GetObject'], resources: ['*'] };
    expect(() => policyOf([permission])).toThrow('Any must say why it has a wildcard, if and only if it has one');
    expect(() => policyOf([{ ...permission, actions: ['s3:*'] }])).toThrow('Any allows actions that it does not name');
  });

  it('never allow to delete evidence or to bypass its lock', () => {
    const verbs = allRights.flatMap(({ actions }) => actions).filter((action) => action.startsWith('s3:'));
    expect([...new Set(verbs)].sort()).toEqual(['s3:GetObject', 's3:ListBucket', 's3:PutObject']);
  });
});

describe('commands', () => {
  it('are sent by one function, with three documents, to nodes with a tag of a cluster', () => {
    expect(rolesGranted('ssm:SendCommand')).toEqual(['run-on-nodes']);
    const instances = 'arn:PARTITION:ec2:REGION:ACCOUNT:instance/*';
    // Machines outside EC2 have no tags of AWS.
    const hybrid = 'arn:PARTITION:ssm:REGION:ACCOUNT:managed-instance/*';
    expect(granting('ssm:SendCommand').map(facts)).toEqual([
      {
        actions: ['ssm:SendCommand'],
        resources: [
          'arn:PARTITION:ssm:REGION:ACCOUNT:document/nightshift-prepare-node',
          'arn:PARTITION:ssm:REGION:ACCOUNT:document/nightshift-validate-node',
          'arn:PARTITION:ssm:REGION:ACCOUNT:document/nightshift-clean-node',
        ],
        conditions: [],
      },
      {
        actions: ['ssm:SendCommand'],
        resources: [instances],
        conditions: ['ssm:resourceTag/aws:eks:cluster-name StringLike *'],
      },
      {
        actions: ['ssm:SendCommand'],
        resources: [instances, hybrid],
        conditions: ['ssm:resourceTag/eks:eks-cluster-name StringLike *'],
      },
    ]);
  });
});

describe('access to clusters', () => {
  it('is given by the two state machines to one role with two policies', () => {
    expect(rolesGranted('eks:AssociateAccessPolicy')).toEqual(['migrate-cluster', 'rollback-cluster']);
    const associate = rightsOfRole('migrate-cluster').filter(({ actions }) =>
      actions.includes('eks:AssociateAccessPolicy'),
    );
    const entries = ['arn:PARTITION:eks:REGION:ACCOUNT:access-entry/*/role/ACCOUNT/nightshift-kubernetes-REGION/*'];
    expect(associate.map(({ resources }) => resources)).toEqual([entries, entries]);
    expect(associate.map(({ conditions }) => conditions)).toEqual([
      [
        'eks:policyArn ArnEquals arn:PARTITION:eks::aws:cluster-access-policy/AmazonEKSViewPolicy',
        'eks:accessScope StringEquals cluster',
      ],
      [
        'eks:policyArn ArnEquals arn:PARTITION:eks::aws:cluster-access-policy/AmazonEKSEditPolicy',
        'eks:accessScope StringEquals namespace',
        'eks:namespaces ForAllValues:StringEquals kube-system',
        'eks:namespaces Null false',
      ],
    ]);
  });

  it('uses a Kubernetes group and no policy, if a group is configured', async () => {
    const rights = rightsOf(await groupTemplate('platform:nightshift'));
    const create = rights.filter(({ actions }) => actions.includes('eks:CreateAccessEntry'));
    expect(create.map(({ conditions }) => conditions)).toEqual(
      Array.from({ length: 2 }, () => [
        'eks:principalArn ArnEquals arn:PARTITION:iam::ACCOUNT:role/nightshift-kubernetes-REGION',
        'eks:accessEntryType StringEquals STANDARD',
        'eks:kubernetesGroups ForAllValues:StringEquals platform:nightshift',
        'eks:kubernetesGroups Null false',
      ]),
    );
    expect(rights.flatMap(({ actions }) => actions)).not.toContain('eks:AssociateAccessPolicy');
    expect(granting('eks:CreateAccessEntry').map(({ conditions }) => conditions.at(-1))).toEqual([
      'eks:kubernetesGroups Null true',
      'eks:kubernetesGroups Null true',
    ]);
  });

  it('is used by the functions that call Kubernetes, through a role without permissions in AWS', () => {
    expect(rightsOfRole('kubernetes')).toEqual([]);
    expect(rolesGranted('sts:AssumeRole')).toEqual([
      'check-configuration',
      'check-rollout',
      'edit-config-map',
      'inspect-cluster',
      'inspect-rollback',
      'restart-kube-proxy',
      'take-inventory',
    ]);
  });
});

describe('schedules', () => {
  it('are made in nightshift’s own groups alone', () => {
    const resources = allRights
      .filter(({ actions }) => actions.some((action) => /^scheduler:(?!List)/.test(action)))
      .flatMap((right) => right.resources);
    expect([...new Set(resources)].sort()).toEqual([
      'arn:PARTITION:scheduler:REGION:ACCOUNT:schedule/nightshift-leases/nightshift-*',
      'arn:PARTITION:scheduler:REGION:ACCOUNT:schedule/nightshift-migrations/nightshift-*',
    ]);
  });

  it('get one role, which is passed to EventBridge Scheduler and to no other service', () => {
    const passes = granting('iam:PassRole').map(facts);
    expect(passes).toHaveLength(5);
    for (const pass of passes)
      expect(pass).toEqual({
        actions: ['iam:PassRole'],
        resources: ['arn:PARTITION:iam::ACCOUNT:role/nightshift-scheduler-REGION'],
        conditions: ['iam:PassedToService StringEquals scheduler.amazonaws.com'],
      });
  });

  it('start executions through the alias, as everybody does', () => {
    // Step Functions starts the executions of a Map as the state machine itself, without an alias.
    const starts = granting('states:StartExecution').flatMap(({ sid, conditions }) =>
      sid === 'RunMap' ? [] : [conditions],
    );
    expect(starts).toHaveLength(10);
    for (const conditions of starts)
      expect(conditions).toEqual([
        'states:StateMachineQualifier ForAllValues:StringEquals live',
        'states:StateMachineQualifier Null false',
      ]);
  });
});

/** The actions that Step Functions needs besides the calls in the definition. */
const BESIDES = [
  'events:DescribeRule',
  'events:PutRule',
  'events:PutTargets',
  'iam:PassRole',
  'lambda:InvokeFunction',
  'states:DescribeExecution',
  'states:StartExecution',
  'states:StopExecution',
  'eks:TagResource',
];

describe.each(['migrate-cluster', 'rollback-cluster'])('the role of %s', (machine) => {
  it('allows exactly the calls of its definition', () => {
    const definition = readDefinition(machine);
    const called = [...definition.matchAll(/arn:aws:states:::aws-sdk:(\w+):(\w)(\w+)/g)].map(
      ([, service = '', first = '', rest]) => `${service.replace('sfn', 'states')}:${first.toUpperCase()}${rest}`,
    );
    const allowed = rightsOfRole(machine)
      .flatMap(({ actions }) => actions)
      .filter((action) => !/^(?:logs|xray|kms):/.test(action));
    expect([...new Set(allowed)].filter((action) => !BESIDES.includes(action)).sort()).toEqual(
      [...new Set(called)].filter((action) => !BESIDES.includes(action)).sort(),
    );
  });

  it('allows exactly the functions of its definition', () => {
    const invoked = rightsOfRole(machine).filter(({ actions }) => actions.includes('lambda:InvokeFunction'));
    const named = [...readDefinition(machine).matchAll(/\$\{(\w+)Function\}/g)].map(([, name = '']) =>
      name.replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase(),
    );
    expect(invoked.flatMap(({ resources }) => resources).sort()).toEqual(
      [...new Set(named)].map((name) => `arn:PARTITION:lambda:REGION:ACCOUNT:function:nightshift-${name}:*`).sort(),
    );
  });
});

it('gives every function and every state machine a role of its own', () => {
  const owners = [
    ...byName('AWS::Lambda::Function', 'Role').keys(),
    ...byName('AWS::StepFunctions::StateMachine', 'RoleArn').keys(),
  ];
  expect(owners).toHaveLength(30);
});

it('are in docs/security.md (otherwise run `node scripts/write-security.ts`)', () => {
  const page = readFileSync(new URL('../../docs/security.md', import.meta.url), 'utf8');
  expect(page).toBe(securityPage(template));
});
