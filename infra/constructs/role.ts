import { Stack, Validations } from 'aws-cdk-lib';
import { CfnRole, type IPrincipal, Role } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { names } from '../names.ts';
import { type Permission, policyOf } from '../permissions/permission.ts';

/** The role of one function, state machine or service: only these permissions, as one inline policy. */
export function roleFor(
  scope: Construct,
  name: string,
  options: { assumedBy: IPrincipal; description: string; permissions: readonly Permission[] },
): Role {
  const { assumedBy, description, permissions } = options;
  const role = new Role(scope, 'Role', {
    roleName: names.role(name),
    assumedBy,
    description,
    ...(permissions.length > 0 && { inlinePolicies: { nightshift: policyOf(permissions) } }),
  });
  explain(role, permissions);
  acknowledgeWildcards(role, permissions);
  return role;
}

/** The metadata key for the reasons of a role's statements, by Sid: docs/security.md is written from the template. */
export const REASONS = 'nightshift:reasons';

function explain(role: Role, permissions: readonly Permission[]): void {
  const resource = role.node.defaultChild;
  if (!(resource instanceof CfnRole)) throw new Error('a role without its resource');
  const reasons = permissions.map(({ sid, why, wildcard }) => [sid, wildcard ? `${why} ${wildcard}` : why]);
  resource.addMetadata(REASONS, Object.fromEntries(reasons));
}

/** Gives cdk-nag the permission's reason for each resource with a wildcard. */
function acknowledgeWildcards(role: Role, permissions: readonly Permission[]): void {
  const reasons = new Map<string, string>();
  for (const { resources, wildcard } of permissions)
    for (const resource of resources)
      if (wildcard !== undefined && resource.includes('*')) reasons.set(findingOf(role, resource), wildcard);
  for (const [id, reason] of reasons) Validations.of(role).acknowledge({ id, reason });
}

/** The name of cdk-nag's finding: the resource with its references in angle brackets. */
function findingOf(scope: Construct, resource: string): string {
  const resolved: unknown = Stack.of(scope).resolve(resource);
  return `AwsSolutions-IAM5[Resource::${flat(resolved)}]`;
}

function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null) {
    if ('Ref' in value) return `<${String(value.Ref)}>`;
    const join = 'Fn::Join' in value ? value['Fn::Join'] : undefined;
    if (Array.isArray(join) && Array.isArray(join[1])) return join[1].map(flat).join(String(join[0]));
  }
  throw new Error(`${JSON.stringify(value)} is not a resource with a name`);
}
