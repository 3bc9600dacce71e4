import { Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';

export type Conditions = Record<string, Record<string, string | string[]>>;

/**
 * The condition that a request has a multivalued key with only these values. An operator without a set prefix never
 * matches such a key, and `ForAllValues:` alone also matches a request without the key.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
 */
export const onlyValues = (key: string, values: readonly string[]): Conditions => ({
  'ForAllValues:StringEquals': { [key]: [...values] },
  Null: { [key]: 'false' },
});

/** A statement of a role's policy, with its reasons beside it: docs/security.md is written from them. */
export interface Permission {
  /** The statement's Sid: in all roles the same Sid has the same reason. */
  sid: string;
  /** The purpose of the calls, in one sentence. */
  why: string;
  actions: string[];
  resources: string[];
  /** Why a resource has a wildcard, if it has one. */
  wildcard?: string;
  conditions?: Conditions;
}

/**
 * The inline policy of these permissions.
 * @throws Error for an action with a wildcard, a wildcard without a reason, and a reason without a wildcard
 */
export function policyOf(permissions: readonly Permission[]): PolicyDocument {
  return new PolicyDocument({ statements: permissions.map(statementOf) });
}

function statementOf({ sid, actions, resources, wildcard, conditions }: Permission): PolicyStatement {
  if (actions.some((action) => action.includes('*'))) throw new Error(`${sid} allows actions that it does not name`);
  if (resources.some((resource) => resource.includes('*')) !== (wildcard !== undefined))
    throw new Error(`${sid} must say why it has a wildcard, if and only if it has one`);
  return new PolicyStatement({
    sid,
    effect: Effect.ALLOW,
    actions,
    resources,
    ...(conditions && { conditions }),
  });
}
