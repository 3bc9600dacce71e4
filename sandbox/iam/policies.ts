import type { Resource, Stack } from '../template/stack.ts';
import { TemplateError } from '../template/stack.ts';
import { asRecord, isRecord } from '../wire/check.ts';

/** One statement of a policy. */
export interface Statement {
  /** Its Sid, where it has one. */
  readonly sid?: string;
  readonly effect: 'Allow' | 'Deny';
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Operator → condition key → values. */
  readonly conditions: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** Role name → its statements, of its own policies and of those attached to it in the template. Throws TemplateError. */
export function rolePolicies(stack: Stack): Map<string, Statement[]> {
  const roles = new Map(stack.all('AWS::IAM::Role').map((role) => [role.name, roleStatements(stack, role)]));
  for (const { name, properties } of attachablePolicies(stack))
    for (const role of listOf(properties['Roles']))
      if (!roles.has(String(role)))
        throw new TemplateError(`the policy ${name} is for ${String(role)}, which is no role`);
  return roles;
}

/** A role's statements: of its own policies, and of those attached to it in the template. Throws TemplateError. */
export function roleStatements(stack: Stack, { name, properties }: Resource): Statement[] {
  if (listOf(properties['ManagedPolicyArns']).length > 0)
    throw new TemplateError(`the role ${name} has managed policies, of which the sandbox knows nothing`);
  const attached = attachablePolicies(stack).filter((policy) => listOf(policy.properties['Roles']).includes(name));
  return [
    ...listOf(properties['Policies']).flatMap((policy) => statementsOf(name, policy)),
    ...attached.flatMap((policy) => statementsOf(policy.name, policy.properties)),
  ];
}

const attachablePolicies = (stack: Stack): Resource[] =>
  ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].flatMap((type) => stack.all(type));

function statementsOf(owner: string, policy: unknown): Statement[] {
  const { PolicyDocument } = asRecord(policy);
  const { Statement } = asRecord(PolicyDocument);
  return listOf(Statement).map((statement) => readStatement(owner, statement));
}

/** `everywhere`: the policy's own resource is meant if a statement names none, as in a trust policy. */
export function readStatement(owner: string, statement: unknown, everywhere = false): Statement {
  if (!isRecord(statement)) throw new TemplateError(`a statement of ${owner} is no object`);
  const { Sid, Effect, Action, Resource = everywhere ? '*' : undefined, Condition = {} } = statement;
  if (Effect !== 'Allow' && Effect !== 'Deny') throw new TemplateError(`a statement of ${owner} has no Effect`);
  if (Action === undefined || Resource === undefined)
    throw new TemplateError(
      `a statement of ${owner} has NotAction or NotResource, which the sandbox does not implement`,
    );
  const conditions = Object.entries(asRecord(Condition)).map(([operator, keys]) => [
    operator,
    Object.fromEntries(Object.entries(asRecord(keys)).map(([key, values]) => [key, listOf(values).map(String)])),
  ]);
  return {
    ...(Sid !== undefined && { sid: String(Sid) }),
    effect: Effect,
    actions: listOf(Action).map(String),
    resources: listOf(Resource).map(String),
    conditions: Object.fromEntries(conditions),
  };
}

export function listOf(value: unknown): unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}
