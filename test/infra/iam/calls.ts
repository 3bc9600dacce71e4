import type { ApiCall } from '@nightshift/sandbox';
import type { Stack } from '@nightshift/sandbox/iam';
import {
  admits,
  applies,
  isAllowed,
  type Need,
  policyOf,
  type ResourcePolicies,
  resourcePolicies,
  rolePolicies,
  type Statement,
} from '@nightshift/sandbox/iam';
import { needsOf } from './needs.ts';
import type { Surroundings } from './surroundings.ts';
import { asRecord } from './surroundings.ts';

/** A call that its role's policies do not allow, once however often it was made. */
export interface Unallowed {
  readonly role: string;
  /** `eks.UpdateAddon` */
  readonly call: string;
  /** `eks:UpdateAddon`; null where the sandbox does not know what the call needs. */
  readonly action: string | null;
  readonly resource: string;
}

/** Tags of worker nodes, by instance id; none if not given. */
export type InstanceTags = Surroundings['instanceTags'];

/**
 * The logged calls of the stack's roles that their policies do not allow. Whoever is no role of the stack (a person, an
 * AWS service with a name of its own) and calls to Kubernetes are left out.
 */
export function unallowedCalls(calls: readonly ApiCall[], stack: Stack, instanceTags?: InstanceTags): Unallowed[] {
  const roles = rolesOf(stack);
  const found = new Map<string, Unallowed>();
  for (const { role, call, needs } of needed(calls, stack, instanceTags)) {
    const missing = needs?.filter((need) => !decide(roles, role, need));
    for (const { action, resource } of missing ?? [{ action: null, resource: '' }])
      found.set([role, call, action, resource].join(' '), { role, call, action, resource });
  }
  return [...found.values()];
}

/**
 * Rights of the stack's roles that none of the logged calls needed, as `role: Sid action on resource`, sorted: for each
 * statement that allows, the pairs of an action and a resource of which no need was. What never shows in a log is left
 * out: what Lambda and Step Functions themselves do as the role.
 */
export function unusedRights(calls: readonly ApiCall[], stack: Stack, instanceTags?: InstanceTags): string[] {
  const { policies } = rolesOf(stack);
  const used = new Map<string, Need[]>();
  for (const { role, needs = [] } of needed(calls, stack, instanceTags))
    used.set(role, [...(used.get(role) ?? []), ...needs]);
  return [...policies]
    .flatMap(([role, statements]) =>
      statements.flatMap((statement) => unusedOf(statement, used.get(role) ?? []).map((right) => `${role}: ${right}`)),
    )
    .sort();
}

/** Logs and traces of the runtime; the rule by which Step Functions hears of executions that it waits for. */
const OF_THE_PLATFORM = /^(logs|xray):/;
const OWN_RULES = /:rule\/StepFunctions/;

function unusedOf(statement: Statement, needs: readonly Need[]): string[] {
  if (statement.effect === 'Deny') return [];
  const label = statement.sid === undefined ? '' : `${statement.sid} `;
  return statement.actions
    .flatMap((action) => statement.resources.map((resource) => ({ action, resource })))
    .filter(({ action, resource }) => !OF_THE_PLATFORM.test(action) && !OWN_RULES.test(resource))
    .filter(({ action, resource }) => {
      const one = { ...statement, actions: [action], resources: [resource] };
      return !needs.some((need) => applies(one, need));
    })
    .map(({ action, resource }) => `${label}${action} on ${resource}`);
}

interface Needed {
  readonly role: string;
  readonly call: string;
  readonly needs: Need[] | undefined;
}

function needed(calls: readonly ApiCall[], stack: Stack, instanceTags: InstanceTags = () => ({})): Needed[] {
  const { policies, bucketKey } = rolesOf(stack);
  const around: Surroundings = { ...stack.place, instanceTags, bucketKey };
  return calls.flatMap(({ principal, service, operation, input, error }) => {
    // `role/session` where a role was assumed.
    const [role = ''] = principal.split('/');
    if (service === 'kubernetes' || !policies.has(role)) return [];
    const call = { service, operation, input: asRecord(input), error };
    return [{ role, call: `${service}.${operation}`, needs: needsOf(call, around) }];
  });
}

/** Every need of the logged calls of the stack's roles, for tests that compare needs with what IAM knows. */
export function neededBy(calls: readonly ApiCall[], stack: Stack, instanceTags?: InstanceTags): Need[] {
  return needed(calls, stack, instanceTags).flatMap(({ needs = [] }) => needs);
}

interface Roles {
  readonly policies: ReadonlyMap<string, readonly Statement[]>;
  readonly arns: ReadonlyMap<string, string>;
  readonly resources: ResourcePolicies;
  readonly bucketKey: Surroundings['bucketKey'];
  /** What was decided before, by role and need. */
  readonly decisions: Map<string, boolean>;
}

/** What each stack says of its roles, read once: a search compares thousands of runs with one. */
const ROLES = new WeakMap<Stack, Roles>();

function rolesOf(stack: Stack): Roles {
  const known = ROLES.get(stack);
  if (known) return known;
  const roles: Roles = {
    policies: rolePolicies(stack),
    arns: new Map(stack.all('AWS::IAM::Role').map(({ name, identity }) => [name, identity.attributes['Arn'] ?? ''])),
    resources: resourcePolicies(stack),
    bucketKey: bucketKeys(stack),
    decisions: new Map(),
  };
  ROLES.set(stack, roles);
  return roles;
}

/** Most calls of a run are like those of the run before. */
const MOST_DECISIONS = 20_000;

function decide({ policies, arns, resources, decisions }: Roles, role: string, need: Need): boolean {
  const key = `${role} ${need.action} ${need.resource} ${JSON.stringify(need.context)}`;
  const known = decisions.get(key);
  if (known !== undefined) return known;
  if (decisions.size >= MOST_DECISIONS) decisions.clear();
  const arn = arns.get(role) ?? '';
  const asked = { ...need, context: { ...OF_EVERY_CALL, 'aws:PrincipalArn': arn, ...need.context } };
  const resourcePolicy = policyOf(resources, asked);
  const decision =
    isAllowed(policies.get(role) ?? [], asked) &&
    (resourcePolicy === undefined || admits(resourcePolicy, { kind: 'role', arn }, asked));
  decisions.set(key, decision);
  return decision;
}

/** What each request of the AWS SDK brings along. */
const OF_EVERY_CALL = { 'aws:SecureTransport': 'true', 's3:TlsVersion': '1.3' };

function bucketKeys(stack: Stack): Surroundings['bucketKey'] {
  const keys = new Map(stack.all('AWS::S3::Bucket').map(({ name, properties }) => [name, keyOf(properties)]));
  return (bucket) => keys.get(bucket);
}

function keyOf(properties: Readonly<Record<string, unknown>>): string | undefined {
  const { ServerSideEncryptionConfiguration: rules } = asRecord(properties['BucketEncryption']);
  const [rule]: unknown[] = Array.isArray(rules) ? rules : [];
  const { KMSMasterKeyID: key } = asRecord(asRecord(rule)['ServerSideEncryptionByDefault']);
  return typeof key === 'string' ? key : undefined;
}
