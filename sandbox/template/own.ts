import type { Settings } from '../../functions/core/fleet/settings.ts';
import { ASYNCHRONOUS, FUNCTIONS, type FunctionSettings } from '../../infra/functions.ts';
import { ALIAS, groups, type Names, namesIn } from '../../infra/naming.ts';
import { environmentOf } from '../../infra/variables.ts';
import { executionEnded, inEveryPartition, substitutions } from '../../infra/workflow.ts';
import { ssmDocuments } from '../../ssm-documents/documents.ts';
import { readDefinition, STATE_MACHINES } from '../../state-machines/definitions.ts';
import type { World } from '../world.ts';

export interface OwnOptions {
  readonly world: Pick<World, 'account' | 'region' | 'windows'>;
  /** Handler file name → path of its bundle: the functions that there are. */
  readonly bundles: ReadonlyMap<string, string>;
  /** State machine → its definition with placeholders, in place of those of the product. */
  readonly definitions?: Readonly<Record<string, string>>;
}

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

/** What a sandbox does by itself: little, so that a world stays as its file says. */
const SETTINGS: Settings = {
  target: { mode: 'ipvs', scheduler: 'rr' },
  window: 'weekend',
  acknowledge: ['ipvs-deprecated'],
  enrolment: 'tagged',
  newClusters: 'enforce',
  drift: 'migrate',
  stagger: { minutes: 10, atOnce: 5 },
};

const DOCUMENTS = ssmDocuments();

/**
 * The sandbox's own installation: of what the product's template has, under the same names, everything that a migration
 * needs. Nothing but the end of an execution sets something in motion: there are no other rules, no sweeps and no alarms.
 * Roles are only named.
 */
export function ownTemplate({ world, bundles, definitions = {} }: OwnOptions): { Resources: Record<string, Resource> } {
  const names = namesIn({ partition: 'aws', region: world.region, account: world.account });
  const functions = Object.entries(FUNCTIONS).filter(([handler]) => bundles.has(handler));
  const functionArns = Object.fromEntries(functions.map(([handler]) => [handler, names.arns.function(handler)]));
  const resources = [
    ...places(names),
    ...functions.flatMap(([handler, settings]) => functionOf(handler, settings, names, world)),
    ...STATE_MACHINES.flatMap((machine) =>
      machineOf(machine, inEveryPartition(definitions[machine] ?? readDefinition(machine)), names, functionArns),
    ),
    ...(bundles.has('on-execution-ended') ? hearingOfEnds(names) : []),
  ];
  return { Resources: Object.fromEntries(resources.map((resource, index) => [`Resource${index}`, resource])) };
}

/** What keeps something: the bucket, the queue, the schedule groups and the documents. */
function places({ names }: Names): Resource[] {
  return [
    { Type: 'AWS::S3::Bucket', Properties: { BucketName: names.evidenceBucket } },
    { Type: 'AWS::SQS::Queue', Properties: { QueueName: names.deadEvents } },
    ...[groups.leases, groups.migrations].map((Name) => ({
      Type: 'AWS::Scheduler::ScheduleGroup',
      Properties: { Name },
    })),
    ...DOCUMENTS.map(({ name, content }) => ({
      Type: 'AWS::SSM::Document',
      Properties: { Name: names.document(name), Content: content },
    })),
  ];
}

function functionOf(
  handler: string,
  { timeout, memory, variables, invokedBy }: FunctionSettings,
  names: Names,
  { windows }: OwnOptions['world'],
): Resource[] {
  const FunctionName = names.names.function(handler);
  const own = {
    Type: 'AWS::Lambda::Function',
    Properties: {
      FunctionName,
      Role: names.arns.role(handler),
      Timeout: timeout,
      MemorySize: memory,
      Environment: { Variables: environmentOf(variables, { settings: SETTINGS, vpc: null, windows }, names) },
    },
  };
  if (invokedBy === 'workflow') return [own];
  const asynchronous = {
    Type: 'AWS::Lambda::EventInvokeConfig',
    Properties: {
      FunctionName,
      MaximumRetryAttempts: ASYNCHRONOUS.maximumRetryAttempts,
      MaximumEventAgeInSeconds: ASYNCHRONOUS.maximumEventAgeInSeconds,
      DestinationConfig: { OnFailure: { Destination: names.arns.deadEvents } },
    },
  };
  return [own, asynchronous];
}

/** A state machine with its first version, and the alias that leads there. */
function machineOf(
  machine: string,
  definition: string,
  names: Names,
  functionArns: Record<string, string>,
): Resource[] {
  const arn = names.arns.stateMachine(machine);
  return [
    {
      Type: 'AWS::StepFunctions::StateMachine',
      Properties: {
        StateMachineName: names.names.stateMachine(machine),
        RoleArn: names.arns.role(machine),
        DefinitionString: definition,
        DefinitionSubstitutions: substitutions(definition, names, functionArns, null),
      },
    },
    { Type: 'AWS::StepFunctions::StateMachineVersion', Properties: { StateMachineArn: arn } },
    {
      Type: 'AWS::StepFunctions::StateMachineAlias',
      Properties: { Name: ALIAS, DeploymentPreference: { StateMachineVersionArn: `${arn}:1` } },
    },
  ];
}

/** The end of every execution is told to the function that is there for it. */
function hearingOfEnds(names: Names): Resource[] {
  const handler = 'on-execution-ended';
  const rule = {
    Name: names.names.rule('execution-ended'),
    EventPattern: executionEnded(names),
    Targets: [{ Id: handler, Arn: names.arns.function(handler) }],
  };
  const permission = {
    Action: 'lambda:InvokeFunction',
    Principal: 'events.amazonaws.com',
    FunctionName: names.arns.function(handler),
    SourceArn: names.arns.rule('execution-ended'),
  };
  return [
    { Type: 'AWS::Events::Rule', Properties: rule },
    { Type: 'AWS::Lambda::Permission', Properties: permission },
  ];
}
