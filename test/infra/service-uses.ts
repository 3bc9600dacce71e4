import type { Resource, Stack } from '@nightshift/sandbox/iam';
import * as requests from '@nightshift/sandbox/iam';
import { admits, policyOf, type ResourcePolicies, resourcePolicies } from '@nightshift/sandbox/iam';

type Requests = requests.ServiceRequest[];

const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : value === undefined ? [] : [value]);
const arnOf = ({ identity: { attributes, ref } }: Resource): string => attributes['Arn'] ?? ref;

function keyArns(stack: Stack): ReadonlyMap<unknown, string> {
  return new Map(
    stack
      .all('AWS::KMS::Key')
      .flatMap((key) => [key.identity.ref, arnOf(key)].map((name) => [name, arnOf(key)] as const)),
  );
}

function topicsOf(stack: Stack): ReadonlyMap<string, requests.GuardedTopic> {
  const keys = keyArns(stack);
  return new Map(
    stack
      .all('AWS::SNS::Topic')
      .map(({ identity: { ref: arn }, properties }) => [arn, { arn, key: keys.get(properties['KmsMasterKeyId']) }]),
  );
}

function ofTarget(stack: Stack, rule: Resource, target: Record<string, unknown>): Requests {
  const source = { arn: arnOf(rule), account: stack.place.account };
  const { RoleArn, DeadLetterConfig } = target;
  const Arn = String(target['Arn']);
  const topic = topicsOf(stack).get(Arn);
  const queue = Object(DeadLetterConfig)['Arn'];
  return [
    ...(topic ? requests.publishFromRule(topic) : []),
    ...(Arn.includes(':sqs:') ? [requests.sendFromRule(Arn, source.arn)] : []),
    ...(queue === undefined ? [] : [requests.sendFromRule(String(queue), source.arn)]),
    ...(RoleArn === undefined ? [] : [requests.assumeForRule(String(RoleArn), source)]),
  ];
}

function ofRules(stack: Stack): Requests {
  return stack
    .all('AWS::Events::Rule')
    .flatMap((rule) => list(rule.properties['Targets']).flatMap((target) => ofTarget(stack, rule, Object(target))));
}

function ofAlarms(stack: Stack): Requests {
  const topics = topicsOf(stack);
  return stack.all('AWS::CloudWatch::Alarm').flatMap((alarm) =>
    list(alarm.properties['AlarmActions']).flatMap((action) => {
      const topic = topics.get(String(action));
      return topic ? requests.publishFromAlarm(topic, { arn: arnOf(alarm), account: stack.place.account }) : [];
    }),
  );
}

function ofLogs(stack: Stack): Requests {
  const service = `logs.${stack.place.region}.amazonaws.com`;
  const keys = keyArns(stack);
  return stack.all('AWS::Logs::LogGroup').flatMap((group) => {
    const key = keys.get(group.properties['KmsKeyId']);
    return key === undefined ? [] : requests.encryptLogs(service, key, arnOf(group).replace(/:\*$/, ''));
  });
}

function ofAccessLogs(stack: Stack): Requests {
  const { account } = stack.place;
  return stack.all('AWS::S3::Bucket').flatMap((bucket) => {
    const { DestinationBucketName: name } = Object(bucket.properties['LoggingConfiguration']);
    const object = `arn:aws:s3:::${String(name)}/2026-11-28-00-00-00-0123456789ABCDEF`;
    return name === undefined ? [] : [requests.deliverAccessLog(object, { arn: arnOf(bucket), account })];
  });
}

/** Schedules in these groups are made at run time and use the role that they get then. */
function ofRoles(stack: Stack, runtime: readonly { group: string; roleArn: string }[]): Requests {
  const { account, region } = stack.place;
  const group = (name: unknown) => ({
    arn: `arn:aws:scheduler:${region}:${account}:schedule-group/${String(name)}`,
    account,
  });
  return [
    ...stack
      .all('AWS::Lambda::Function')
      .map(({ properties }) => requests.assumeForFunction(String(properties['Role']))),
    ...stack
      .all('AWS::StepFunctions::StateMachine')
      .map((machine) =>
        requests.assumeForStateMachine(String(machine.properties['RoleArn']), { arn: arnOf(machine), account }),
      ),
    ...stack.all('AWS::Scheduler::Schedule').map(({ properties }) => {
      const { RoleArn } = Object(properties['Target']);
      return requests.assumeForSchedule(String(RoleArn), group(properties['GroupName']));
    }),
    ...runtime.map((each) => requests.assumeForSchedule(each.roleArn, group(each.group))),
  ];
}

/** All requests of AWS services to this stack's keys, topics, queues, buckets and roles. */
export function serviceUses(stack: Stack, runtime: readonly { group: string; roleArn: string }[] = []): Requests {
  const uses = [
    ...ofRules(stack),
    ...ofAlarms(stack),
    ...ofLogs(stack),
    ...ofAccessLogs(stack),
    ...ofRoles(stack, runtime),
  ];
  // Functions that the CDK adds for itself have other roles.
  return uses.filter(({ need }) => !need.resource.includes('CustomS3AutoDelete'));
}

/** `service action on resource` of each request that the resource's policy refuses. */
export function refusedUses(
  stack: Stack,
  uses: Requests,
  policies: ResourcePolicies = resourcePolicies(stack),
): string[] {
  const refused = uses.filter(({ principal, need }) => !admits(policyOf(policies, need) ?? [], principal, need));
  return [
    ...new Set(refused.map(({ principal, need }) => `${principal.name} ${need.action} on ${need.resource}`)),
  ].sort();
}
