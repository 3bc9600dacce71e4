import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { describe, expect, it } from 'vitest';
import { application } from '../../infra/application.ts';
import { synthesized } from '../../infra/synthesized.ts';
import { parseTemplate, resourcesOf, textOf } from '../../infra/template.ts';
import { readDefinition } from '../../state-machines/definitions.ts';
import { byName, CONFIG, template } from './template.ts';
import { variablesRead } from './variables-read.ts';

const handlers = readdirSync(new URL('../../functions/handlers/', import.meta.url))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.replace('.ts', ''));
const functions = byName('AWS::Lambda::Function', 'FunctionName');
const machines = byName('AWS::StepFunctions::StateMachine', 'StateMachineName');
const rules = byName('AWS::Events::Rule', 'Name');

/** A property at a path of names and indices. */
function at(value: unknown, ...path: (string | number)[]): unknown {
  return path.reduce<unknown>(
    (found, key) => (Object(found) === found ? Reflect.get(Object(found), key) : undefined),
    value,
  );
}

const listAt = (value: unknown, ...path: (string | number)[]): unknown[] => {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
};

const propertiesOf = (type: string, of = template) => resourcesOf(of, type).map(([, { Properties }]) => Properties);

/** Removes the folder after the work in it. */
function inFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-stack-'));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const DEAD_EVENTS = 'arn:PARTITION:sqs:REGION:ACCOUNT:nightshift-dead-events';

describe('functions', () => {
  it('are deployed, each handler once', () => {
    expect([...functions.keys()].sort()).toEqual(handlers.map((handler) => `nightshift-${handler}`).sort());
  });

  it.each(handlers)('%s has every variable that it reads, and no other', (handler) => {
    const variables = at(functions.get(`nightshift-${handler}`), 'Properties', 'Environment', 'Variables');
    const own = Object.keys(Object(variables)).filter((name) => name.startsWith('NIGHTSHIFT_'));
    expect(own.sort()).toEqual(variablesRead(handler));
  });

  it('have their calls to AWS retried adaptively, ten attempts at most', () => {
    for (const handler of handlers)
      expect(at(functions.get(`nightshift-${handler}`), 'Properties', 'Environment', 'Variables')).toMatchObject({
        AWS_RETRY_MODE: 'adaptive',
        AWS_MAX_ATTEMPTS: '10',
      });
  });

  it('have no hook for tests: what their bundles name of the environment, a deployment sets', () => {
    const deployed = new Set(
      [...functions.values()].flatMap((each) =>
        Object.keys(Object(at(each, 'Properties', 'Environment', 'Variables'))),
      ),
    );
    const bundles = handlers.map((handler) => new URL(`../../dist/functions/${handler}/index.mjs`, import.meta.url));
    const named = bundles.flatMap((bundle) => readFileSync(bundle, 'utf8').match(/NIGHTSHIFT_\w+/g) ?? []);
    expect([...new Set(named)].filter((name) => !deployed.has(name))).toEqual([]);
  });

  it('run on Node 24 and arm64, are traced, and write into a log that forgets', () => {
    for (const { Properties } of functions.values())
      expect(Properties).toMatchObject({
        Runtime: 'nodejs24.x',
        Architectures: ['arm64'],
        Handler: 'index.handler',
        TracingConfig: { Mode: 'Active' },
        LoggingConfig: { LogGroup: { Ref: expect.any(String) } },
      });
    const logs = propertiesOf('AWS::Logs::LogGroup');
    expect(logs).toHaveLength(30);
    for (const log of logs) expect(log).toMatchObject({ RetentionInDays: 90, KmsKeyId: expect.anything() });
  });

  it('time out before the workflow stops waiting for them', () => {
    for (const machine of machines.keys())
      for (const [handler, waits] of waitsOf(machine.replace('nightshift-', '')))
        expect(at(functions.get(handler), 'Properties', 'Timeout'), handler).toBeLessThan(waits);
  });
});

/** The least number of seconds that a definition waits for each of its functions. */
function waitsOf(machine: string): Map<string, number> {
  const waits = new Map<string, number>();
  const visit = (value: unknown): void => {
    const name = at(value, 'Arguments', 'FunctionName');
    const seconds = at(value, 'TimeoutSeconds');
    if (typeof name === 'string' && typeof seconds === 'number') {
      const handler = name.replace(/^\$\{|Function\}$/g, '').replace(/(?<!^)[A-Z]/g, (letter) => `-${letter}`);
      const key = `nightshift-${handler.toLowerCase()}`;
      waits.set(key, Math.min(waits.get(key) ?? seconds, seconds));
    }
    if (Object(value) === value) Object.values(Object(value)).forEach(visit);
  };
  visit(JSON.parse(readDefinition(machine)));
  return waits;
}

describe('state machines', () => {
  it('have a value for each placeholder, and no other', () => {
    expect([...machines.keys()]).toEqual([
      'nightshift-migrate-cluster',
      'nightshift-migrate-fleet',
      'nightshift-rollback-cluster',
    ]);
    for (const { Properties } of machines.values()) {
      const holes = String(Properties['DefinitionString']).match(/\$\{\w+\}/g) ?? [];
      const values = Object.keys(Object(Properties['DefinitionSubstitutions'])).map((name) => `\${${name}}`);
      expect(values.sort()).toEqual([...new Set(holes)].sort());
    }
  });

  it('start each other through the alias, which moves to a new version with every change', () => {
    const substitutions = at(machines.get('nightshift-migrate-cluster'), 'Properties', 'DefinitionSubstitutions');
    expect(textOf(at(substitutions, 'RollbackClusterStateMachine'))).toBe(
      'arn:PARTITION:states:REGION:ACCOUNT:stateMachine:nightshift-rollback-cluster:live',
    );
    const aliases = propertiesOf('AWS::StepFunctions::StateMachineAlias');
    expect(aliases.map((alias) => alias['Name'])).toEqual(['live', 'live', 'live']);
    const versions = propertiesOf('AWS::StepFunctions::StateMachineVersion');
    for (const version of versions)
      expect(at(version, 'StateMachineRevisionId', 'Fn::GetAtt', 1)).toBe('StateMachineRevisionId');
  });

  it('log every event without its data, and are traced', () => {
    for (const { Properties } of machines.values())
      expect(Properties).toMatchObject({
        LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
        TracingConfiguration: { Enabled: true },
      });
  });
});

describe('events', () => {
  it('reach their function', () => {
    const heard = [...rules].map(([name, { Properties }]) => [
      name,
      at(Properties, 'EventPattern', 'source', 0),
      textOf(at(Properties, 'Targets', 0, 'Arn')).replace(/^<(?:Functions)?|[0-9A-F]{8}\.Arn>$|[0-9A-F]{8}>$/g, ''),
    ]);
    expect(heard).toEqual([
      ['nightshift-cluster-created', 'aws.eks', 'onclustercreatedFunction'],
      ['nightshift-addon-changed', 'aws.eks', 'onaddonchangedFunction'],
      ['nightshift-addon-event', 'aws.eks', 'onaddonchangedFunction'],
      ['nightshift-cluster-tagged', 'aws.eks', 'onclustertaggedFunction'],
      ['nightshift-node-registered', 'aws.ec2', 'onnoderegisteredFunction'],
      ['nightshift-execution-ended', 'aws.states', 'onexecutionendedFunction'],
      ['nightshift-failures', 'nightshift', 'NotificationsTopic'],
      ['nightshift-endings', 'nightshift', 'NotificationsTopic'],
      ['nightshift-guard-raised', 'nightshift', 'NotificationsTopic'],
      ['nightshift-rollout-ended', 'nightshift', 'NotificationsTopic'],
      ['nightshift-recovery-started', 'aws.states', 'NotificationsTopic'],
    ]);
  });

  it('end in the queue if no target takes them', () => {
    const targets = [...rules.values()].flatMap(({ Properties }) => listAt(Properties, 'Targets'));
    const schedules = resourcesOf(template, 'AWS::Scheduler::Schedule').map(
      ([, { Properties }]) => Properties['Target'],
    );
    expect(schedules).toHaveLength(2);
    for (const target of [...targets, ...schedules])
      expect(textOf(at(target, 'DeadLetterConfig', 'Arn'))).toBe(DEAD_EVENTS);
    const failures = resourcesOf(template, 'AWS::Lambda::EventInvokeConfig').map(([, { Properties }]) => [
      textOf(Properties['FunctionName']).replace(/^<Functions|Function[0-9A-F]{8}>$/g, ''),
      textOf(at(Properties, 'DestinationConfig', 'OnFailure', 'Destination')),
    ]);
    expect(failures).toEqual([
      ['onclustercreated', DEAD_EVENTS],
      ['onaddonchanged', DEAD_EVENTS],
      ['onclustertagged', DEAD_EVENTS],
      ['onnoderegistered', DEAD_EVENTS],
      ['onexecutionended', DEAD_EVENTS],
      ['schedulemigrations', DEAD_EVENTS],
      ['sweepexecutions', DEAD_EVENTS],
    ]);
  });

  it('may be delivered to a function only by its own rules', () => {
    const permissions = propertiesOf('AWS::Lambda::Permission');
    expect(permissions).toHaveLength(6);
    for (const permission of permissions)
      expect(permission).toMatchObject({
        Principal: 'events.amazonaws.com',
        SourceArn: { 'Fn::GetAtt': [expect.stringContaining('Triggers'), 'Arn'] },
        SourceAccount: { Ref: 'AWS::AccountId' },
      });
  });
});

it('alarms fire at the first occurrence, and notify people of what nothing else reports', () => {
  const alarms = byName('AWS::CloudWatch::Alarm', 'AlarmName');
  const notifying = [...alarms].filter(([, { Properties }]) => Properties['AlarmActions'] !== undefined);
  expect(notifying.map(([name]) => name)).toEqual([
    'nightshift-rollback-failed',
    'nightshift-recovery-started',
    'nightshift-dead-events',
    'nightshift-on-cluster-created-errors',
    'nightshift-on-addon-changed-errors',
    'nightshift-on-cluster-tagged-errors',
    'nightshift-on-node-registered-errors',
    'nightshift-on-execution-ended-errors',
    'nightshift-schedule-migrations-errors',
    'nightshift-sweep-executions-errors',
  ]);
  for (const { Properties } of alarms.values())
    expect(Properties).toMatchObject({ Threshold: 1, EvaluationPeriods: 1 });
  for (const [, { Properties }] of notifying)
    expect(Properties).toMatchObject({ AlarmActions: [{ Ref: expect.stringMatching(/^NotificationsTopic/) }] });
});

describe('a release', () => {
  const aliases = Object.entries(template.Resources).filter(([, { Type }]) => Type.endsWith('StateMachineAlias'));
  const aliasOf = (machine: string) => {
    const found = aliases.find(([id]) => id.startsWith(`Workflow${machine}Alias`));
    if (!found) throw new Error(`${machine} has no alias`);
    const [id, { Properties, DependsOn }] = found;
    return { id, preference: Properties['DeploymentPreference'], after: [DependsOn ?? []].flat() };
  };
  const version = { StateMachineVersionArn: { Ref: expect.stringMatching(/Version[0-9A-F]*$/) } };

  it('starts a quarter of the migrations with the new version, and is stopped by alarms that are there', () => {
    const { preference, after } = aliasOf('migratecluster');
    const names = [
      'nightshift-rollback-failed',
      'nightshift-recovery-started',
      'nightshift-failures',
      'nightshift-record-outcome-errors',
    ];
    expect(preference).toEqual({ ...version, Type: 'CANARY', Percentage: 25, Interval: 30, Alarms: names });
    const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').filter(([id]) => after.includes(id));
    expect(alarms.map(([, { Properties }]) => Properties['AlarmName']).sort()).toEqual([...names].sort());
  });

  it('is not stopped for long by one occurrence, because no release begins while an alarm rings', () => {
    const alarms = byName('AWS::CloudWatch::Alarm', 'AlarmName');
    for (const name of listAt(aliasOf('migratecluster').preference, 'Alarms'))
      expect(alarms.get(String(name))?.Properties).toMatchObject({
        Statistic: 'Sum',
        Period: 300,
        TreatMissingData: 'notBreaching',
      });
  });

  it('moves rollbacks all at once before the first migration, and rollouts after the last', () => {
    expect(aliasOf('rollbackcluster').preference).toEqual({ ...version, Type: 'ALL_AT_ONCE' });
    expect(aliasOf('migratefleet').preference).toEqual({ ...version, Type: 'ALL_AT_ONCE' });
    expect(aliasOf('migratecluster').after).toContain(aliasOf('rollbackcluster').id);
    expect(aliasOf('migratefleet').after).toEqual([aliasOf('migratecluster').id]);
  });
});

it('evidence is encrypted, versioned, locked, and reached only through TLS', () => {
  const [evidence] = propertiesOf('AWS::S3::Bucket');
  expect(evidence).toMatchObject({
    ObjectLockEnabled: true,
    ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 365 } } },
    VersioningConfiguration: { Status: 'Enabled' },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
      ],
    },
    PublicAccessBlockConfiguration: {
      BlockPublicAcls: true,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    },
  });
  const policy = propertiesOf('AWS::S3::BucketPolicy');
  expect(at(policy[0], 'PolicyDocument', 'Statement', 0)).toMatchObject({
    Effect: 'Deny',
    Action: 's3:*',
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  });
});

describe('the configuration', async () => {
  const configured = await synthesized({
    ...CONFIG,
    notifications: {
      emails: ['oncall@example.com'],
      centralBusArn: 'arn:aws:events:us-east-1:111122223333:event-bus/central',
    },
    vpc: { subnetIds: ['subnet-01234567'], securityGroupIds: ['sg-01234567'] },
    assetsBucket: 'assets-${AWS::Region}',
    tags: { team: 'platform' },
  });

  it('adds e-mail addresses and the central bus', () => {
    expect(propertiesOf('AWS::SNS::Subscription', configured)).toMatchObject([
      { Protocol: 'email', Endpoint: 'oncall@example.com' },
    ]);
    const forward = propertiesOf('AWS::Events::Rule', configured).find(({ Name }) => Name === 'nightshift-forward');
    expect(forward).toMatchObject({
      EventPattern: { source: ['nightshift'] },
      Targets: [{ Arn: 'arn:aws:events:us-east-1:111122223333:event-bus/central', RoleArn: expect.anything() }],
    });
  });

  it('connects only the functions that call Kubernetes to the VPC', () => {
    const connected = propertiesOf('AWS::Lambda::Function', configured).filter(({ VpcConfig }) => VpcConfig);
    expect(connected.map(({ FunctionName }) => FunctionName)).toEqual([
      'nightshift-inspect-cluster',
      'nightshift-inspect-rollback',
      'nightshift-take-inventory',
      'nightshift-check-configuration',
      'nightshift-edit-config-map',
      'nightshift-restart-kube-proxy',
      'nightshift-check-rollout',
    ]);
    expect(connected[0]?.['VpcConfig']).toEqual({
      SubnetIds: ['subnet-01234567'],
      SecurityGroupIds: ['sg-01234567'],
    });
  });

  it('tags every resource that can have tags, and takes the code from the configured bucket', () => {
    const { Properties } = Object.values(configured.Resources).find(({ Type }) => Type === 'AWS::SQS::Queue') ?? {};
    expect(at(Properties, 'Tags')).toEqual([{ Key: 'team', Value: 'platform' }]);
    const [first] = resourcesOf(configured, 'AWS::Lambda::Function');
    expect(at(first?.[1].Properties, 'Code', 'S3Bucket')).toEqual({ 'Fn::Sub': 'assets-${AWS::Region}' });
  });
});

it('cdk-nag finds nothing in the template that is deployed, which is the one that is tested', () => {
  inFolder((folder) => {
    const { templateFullPath } = application(CONFIG, folder).app.synth().getStackByName('nightshift');
    expect(parseTemplate(readFileSync(templateFullPath, 'utf8'))).toEqual(template);
  });
});

it('cdk-nag refuses a right that has no reason', () => {
  inFolder((folder) => {
    const { app, stack } = application(CONFIG, folder);
    const role = new Role(stack, 'Careless', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    role.addToPolicy(new PolicyStatement({ actions: ['s3:*'], resources: ['*'] }));
    expect(() => app.synth()).toThrow(/[Vv]alidation/);
  });
});

/**
 * cfn-lint 1.4x takes these for mistakes, but in a state machine with JSONata they may be expressions.
 * https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html
 */
const MISTAKEN = [
  "E3601 '{% $stage.approvalSeconds %}' is not of type 'number' at 'States/RequestApproval/TimeoutSeconds'",
  "E3601 '{% $stage.atOnce %}' is not of type 'number' at 'States/RunMigrations/MaxConcurrency'",
];
const hasCfnLint = spawnSync('cfn-lint', ['--version']).status === 0;

it.skipIf(!hasCfnLint)('cfn-lint finds nothing in the template', () => {
  inFolder((folder) => {
    const file = join(folder, 'nightshift.template.json');
    // cfn-lint knows integrations of the partition `aws` alone.
    writeFileSync(file, JSON.stringify(template).replaceAll('arn:${Partition}:states:::', 'arn:aws:states:::'));
    const { stdout, status } = spawnSync('cfn-lint', [file], { encoding: 'utf8' });
    const findings = stdout.split('\n').filter((line) => /^[EWI]\d{4} /.test(line));
    expect(findings.filter((finding) => !MISTAKEN.includes(finding))).toEqual([]);
    expect(findings.length === 0 ? status : 2).toBe(status);
  });
});
