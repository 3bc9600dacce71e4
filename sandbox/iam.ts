import { applies, isAllowed, like, type Need } from './iam/evaluate.ts';
import { needsOf } from './iam/needs.ts';
import { rolePolicies, type Statement } from './iam/policies.ts';
import type { Surroundings } from './iam/surroundings.ts';
import type { ApiCall } from './region.ts';
import type { Stack } from './template/stack.ts';
import { asRecord } from './wire/check.ts';

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
  const policies = rolePolicies(stack);
  const found = new Map<string, Unallowed>();
  for (const { role, call, needs } of needed(calls, stack, policies, instanceTags)) {
    const statements = policies.get(role) ?? [];
    const missing = needs?.filter((need) => !isAllowed(statements, need));
    for (const { action, resource } of missing ?? [{ action: null, resource: '' }])
      found.set([role, call, action, resource].join(' '), { role, call, action, resource });
  }
  return [...found.values()];
}

/**
 * Actions in the policies of the stack's roles that none of the logged calls needed, as `role: action`, sorted. What
 * never shows in a log is left out: what Lambda and Step Functions themselves do as the role.
 */
export function unusedActions(calls: readonly ApiCall[], stack: Stack, instanceTags?: InstanceTags): string[] {
  const policies = rolePolicies(stack);
  const used = new Map<string, Need[]>();
  for (const { role, needs = [] } of needed(calls, stack, policies, instanceTags))
    used.set(role, [...(used.get(role) ?? []), ...needs]);
  return [...policies]
    .flatMap(([role, statements]) => unusedOf(statements, used.get(role) ?? []).map((action) => `${role}: ${action}`))
    .sort();
}

/** The actions of statements that allow, of which none was needed under any of the statements that name it. */
function unusedOf(statements: readonly Statement[], needs: readonly Need[]): string[] {
  const isUsedBy = new Map<string, boolean>();
  for (const statement of statements)
    for (const action of statement.effect === 'Allow' ? statement.actions : [])
      isUsedBy.set(action, (isUsedBy.get(action) ?? false) || isUsed(statement, action, needs));
  return [...isUsedBy].flatMap(([action, isUsedAtAll]) => (isUsedAtAll ? [] : [action]));
}

/** Logs and traces of the runtime; the rule by which Step Functions hears of executions that it waits for. */
const OF_THE_PLATFORM = /^(logs|xray):/;
const OWN_RULES = /:rule\/StepFunctions/;

function isUsed(statement: Statement, action: string, needs: readonly Need[]): boolean {
  if (OF_THE_PLATFORM.test(action) || statement.resources.every((resource) => OWN_RULES.test(resource))) return true;
  return needs.some((need) => like(action.toLowerCase(), need.action.toLowerCase()) && applies(statement, need));
}

interface Needed {
  readonly role: string;
  readonly call: string;
  readonly needs: Need[] | undefined;
}

function needed(
  calls: readonly ApiCall[],
  stack: Stack,
  policies: ReadonlyMap<string, unknown>,
  instanceTags: InstanceTags = () => ({}),
): Needed[] {
  const around: Surroundings = { ...stack.place, instanceTags, bucketKey: bucketKeys(stack) };
  return calls.flatMap(({ principal, service, operation, input, error }) => {
    // `role/session` where a role was assumed.
    const [role = ''] = principal.split('/');
    if (service === 'kubernetes' || !policies.has(role)) return [];
    const call = { service, operation, input: asRecord(input), error };
    return [{ role, call: `${service}.${operation}`, needs: needsOf(call, around) }];
  });
}

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
