import type { Stack } from '@nightshift/sandbox/iam';
import { aliasedVersion, ownTemplate, stackOf } from '@nightshift/sandbox/iam';
import { expect, it } from 'vitest';
import { FUNCTIONS } from '../../infra/functions.ts';
import { template } from './template.ts';

const world = { account: '111122223333', region: 'us-east-1', windows: {} };
const own = stackOf(ownTemplate({ world, bundles: new Map(Object.keys(FUNCTIONS).map((name) => [name, ''])) }), world);
const deployed = stackOf(template, world);

/** Type → the properties that tell one resource from the others. */
const KEYS = {
  'AWS::S3::Bucket': ['BucketName'],
  'AWS::SQS::Queue': ['QueueName'],
  'AWS::Scheduler::ScheduleGroup': ['Name'],
  'AWS::SSM::Document': ['Name'],
  'AWS::Lambda::Function': ['FunctionName'],
  'AWS::Lambda::EventInvokeConfig': ['FunctionName'],
  'AWS::Lambda::Permission': ['FunctionName', 'SourceArn'],
  'AWS::StepFunctions::StateMachine': ['StateMachineName'],
  'AWS::StepFunctions::StateMachineVersion': ['StateMachineArn'],
  'AWS::StepFunctions::StateMachineAlias': ['DeploymentPreference'],
  'AWS::Events::Rule': ['Name'],
} as const;

/** The resources of a stack by what tells them apart. Each world has windows and settings of its own. */
function described(stack: Stack): Map<string, Record<string, unknown>> {
  return new Map(
    Object.entries(KEYS).flatMap(([type, keys]) =>
      stack.all(type).map(({ properties }) => {
        const key = keys.map((name) =>
          name === 'DeploymentPreference' ? aliasedVersion(properties) : properties[name],
        );
        return [`${type} ${key.join(' ')}`, comparable(properties)];
      }),
    ),
  );
}

const comparable = (properties: Readonly<Record<string, unknown>>): Record<string, unknown> => ({
  ...properties,
  ...('DefinitionString' in properties && { DefinitionString: JSON.parse(String(properties['DefinitionString'])) }),
  ...('Environment' in properties && {
    Environment: JSON.parse(JSON.stringify(properties['Environment']), (name, value) =>
      name === 'NIGHTSHIFT_WINDOWS' || name === 'NIGHTSHIFT_SETTINGS' ? 'of the world' : value,
    ),
  }),
});

it("the sandbox's own installation has the template's resources, property for property", () => {
  const expected = described(deployed);
  const found = described(own);
  expect(found.size).toBe(42);
  for (const [key, properties] of found) expect([key, expected.get(key)]).toMatchObject([key, properties]);
});

it('its functions are all that the template has, with the same variables', () => {
  const environments = (stack: Stack) =>
    stack.all('AWS::Lambda::Function').flatMap(({ name, properties }) => {
      const { Environment } = comparable(properties);
      // What CDK adds for itself has none.
      return Environment === undefined ? [] : [[name, Environment]];
    });
  expect(Object.fromEntries(environments(own))).toEqual(Object.fromEntries(environments(deployed)));
});

it('it is found under these names', () => {
  const named = (type: string) => own.all(type).map(({ identity }) => identity.attributes['Arn'] ?? identity.ref);
  const states = 'arn:aws:states:us-east-1:111122223333:stateMachine:nightshift';
  expect({
    aliases: named('AWS::StepFunctions::StateMachineAlias'),
    bucket: named('AWS::S3::Bucket'),
    queue: named('AWS::SQS::Queue'),
    groups: own.all('AWS::Scheduler::ScheduleGroup').map(({ name }) => name),
    roles: own.all('AWS::StepFunctions::StateMachine').map(({ properties }) => properties['RoleArn']),
  }).toEqual({
    aliases: [`${states}-migrate-cluster:live`, `${states}-rollback-cluster:live`],
    bucket: ['arn:aws:s3:::nightshift-evidence-111122223333-us-east-1'],
    queue: ['arn:aws:sqs:us-east-1:111122223333:nightshift-dead-events'],
    groups: ['nightshift-leases', 'nightshift-migrations'],
    roles: [
      'arn:aws:iam::111122223333:role/nightshift-migrate-cluster-us-east-1',
      'arn:aws:iam::111122223333:role/nightshift-rollback-cluster-us-east-1',
    ],
  });
});
