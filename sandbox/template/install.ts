import { resourcePolicies } from '../iam/resource-policies.ts';
import { roleRights } from '../iam/role-rights.ts';
import type { Installation, InstallOptions } from '../installation.ts';
import type { RuleTarget } from '../services/events/rules.ts';
import { readSchedule } from '../services/scheduler.ts';
import { isRecord } from '../wire/check.ts';
import { installAlarms, ringingAlarms } from './alarms.ts';
import { installFunctions } from './functions.ts';
import { aliasedVersion } from './identities.ts';
import { type Resource, type Stack, TemplateError } from './stack.ts';

/**
 * Installs the resources of a CloudFormation template: functions with their variables and roles, state machines with
 * their aliases, rules, schedules, queues, topics, buckets and documents. What the sandbox has no service for, such as
 * keys, dashboards and log groups, is left out.
 *
 * @throws TemplateError
 */
export function templateInstallation(stack: Stack): Installation {
  return {
    buckets: stack.all('AWS::S3::Bucket').map(({ name }) => name),
    documents: stack.all('AWS::SSM::Document').map((resource) => documentOf(stack, resource)),
    documentPrefix: stack.prefix,
    mayCall: roleRights(stack),
    ringingAlarms: (messaging) => ringingAlarms(stack, messaging),
    install: (options) => {
      installQueues(stack, options);
      installFunctions(stack, options);
      const stateMachines = installStateMachines(stack, options);
      installRules(stack, options);
      installSchedules(stack, options);
      installAlarms(stack, options);
      return stateMachines;
    },
  };
}

function documentOf(stack: Stack, { name, properties }: Resource): { name: string; content: object } {
  const { Content } = properties;
  if (!name.startsWith(stack.prefix))
    throw new TemplateError(`the document ${name} does not begin with ${stack.prefix}`);
  if (!isRecord(Content)) throw new TemplateError(`the document ${name} has no content`);
  return { name: stack.shortName(name), content: Content };
}

function installQueues(stack: Stack, { messaging }: InstallOptions): void {
  const { queues, topics, buses, policies, topicKeys } = messaging;
  for (const [arn, statements] of resourcePolicies(stack)) policies.set(arn, statements);
  for (const { name, properties } of stack.all('AWS::SQS::Queue')) {
    const { VisibilityTimeout } = properties;
    queues.create(name, VisibilityTimeout === undefined ? {} : { VisibilityTimeout: String(VisibilityTimeout) });
  }
  const keys = new Map(
    stack.all('AWS::KMS::Key').flatMap(({ identity: { ref, attributes } }) => {
      const arn = attributes['Arn'] ?? ref;
      return [ref, arn].map((name) => [name, arn] as const);
    }),
  );
  for (const { identity, properties } of stack.all('AWS::SNS::Topic')) {
    topics.create(identity.ref);
    const key = keys.get(String(properties['KmsMasterKeyId']));
    if (key !== undefined) topicKeys.set(identity.ref, key);
  }
  for (const { name } of stack.all('AWS::Events::EventBus')) buses.create(name);
}

/** Answers them by their names without the stack's prefix. */
function installStateMachines(stack: Stack, { stepFunctions }: InstallOptions): Record<string, string> {
  const now = stepFunctions.world.region.clock.now();
  const made: Record<string, string> = {};
  for (const { name, properties } of stack.all('AWS::StepFunctions::StateMachine')) {
    const { DefinitionString: text, DefinitionSubstitutions: values, RoleArn } = properties;
    if (typeof text !== 'string') throw new TemplateError(`the state machine ${name} has no DefinitionString`);
    const definition = substitute(text, isRecord(values) ? values : {});
    const { arn } = stepFunctions.register({ name, definition, roleArn: String(RoleArn) });
    made[stack.shortName(name)] = arn;
  }
  for (const { properties } of stack.all('AWS::StepFunctions::StateMachineVersion')) {
    const machine = stepFunctions.machines.get(String(properties['StateMachineArn']));
    if (machine) stepFunctions.versions.publish(machine, now);
  }
  for (const { name, properties } of stack.all('AWS::StepFunctions::StateMachineAlias'))
    stepFunctions.versions.createAlias(name, aliasedVersion(properties), now);
  return made;
}

/** As CloudFormation does: a placeholder without a value stays, and Step Functions refuses the definition for it. */
function substitute(definition: string, values: Readonly<Record<string, unknown>>): string {
  return definition.replaceAll(/\$\{(\w+)\}/g, (placeholder, name: string) =>
    Object.hasOwn(values, name) ? JSON.stringify(String(values[name])).slice(1, -1) : placeholder,
  );
}

function installRules(stack: Stack, { messaging: { rules } }: InstallOptions): void {
  for (const { name, properties } of stack.all('AWS::Events::Rule')) {
    const { EventPattern, EventBusName = 'default', State, Targets } = properties;
    if (EventPattern === undefined) throw new TemplateError(`the rule ${name} has no event pattern`);
    const bus = String(EventBusName).replace(/^arn:.*:event-bus\//, '');
    rules.put({ name, bus, pattern: JSON.stringify(EventPattern), enabled: State !== 'DISABLED' });
    rules.putTargets(bus, name, readTargets(name, Targets));
  }
}

function readTargets(rule: string, targets: unknown): RuleTarget[] {
  const list: unknown[] = Array.isArray(targets) ? targets : [];
  if (!list.every(isTarget)) throw new TemplateError(`a target of the rule ${rule} has no Id or no Arn`);
  return list;
}

/** CloudFormation's names are those of PutTargets. */
function isTarget(value: unknown): value is RuleTarget {
  return isRecord(value) && typeof value['Id'] === 'string' && typeof value['Arn'] === 'string';
}

function installSchedules(stack: Stack, { schedules }: InstallOptions): void {
  for (const { name } of stack.all('AWS::Scheduler::ScheduleGroup')) schedules.createGroup(name);
  for (const { name, properties } of stack.all('AWS::Scheduler::Schedule'))
    schedules.create(readSchedule({ Name: name, ...properties }));
}
