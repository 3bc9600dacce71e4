import type { RbacObject, RbacRule } from '../region.ts';
import type { ResourceType } from './resources.ts';

/** What a request wants to do, in the terms of Kubernetes' RBAC. */
export interface Attempt {
  readonly verb: string;
  readonly type: ResourceType;
  readonly subresource: string | undefined;
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

type Roles = Extract<RbacObject, { rules: unknown }>;
type Bindings = Extract<RbacObject, { roleRef: unknown }>;

const isRole = (object: RbacObject): object is Roles => 'rules' in object;
const isBinding = (object: RbacObject): object is Bindings => 'roleRef' in object;

/**
 * Whether the Roles and bindings of a cluster let a member of these groups do what it attempts.
 * https://kubernetes.io/docs/reference/access-authn-authz/rbac/
 */
export function rbacAllows(objects: readonly RbacObject[], groups: readonly string[], attempt: Attempt): boolean {
  return objects
    .filter(isBinding)
    .filter(({ subjects }) => subjects.some(({ kind, name }) => kind === 'Group' && groups.includes(name)))
    .filter(({ kind, metadata }) => kind === 'ClusterRoleBinding' || metadata.namespace === attempt.namespace)
    .flatMap((binding) => rulesOf(objects, binding))
    .some((rule) => covers(rule, attempt));
}

function rulesOf(objects: readonly RbacObject[], { roleRef, metadata }: Bindings): readonly RbacRule[] {
  const found = objects
    .filter(isRole)
    .find(
      (role) =>
        role.kind === roleRef.kind &&
        role.metadata.name === roleRef.name &&
        (role.kind === 'ClusterRole' || role.metadata.namespace === metadata.namespace),
    );
  return found?.rules ?? [];
}

/** A rule with names is for requests that name an object: it allows no list, and no create. */
function covers({ apiGroups, resources, verbs, resourceNames = [] }: RbacRule, attempt: Attempt): boolean {
  const { verb, type, subresource, name } = attempt;
  const resource = subresource === undefined ? type.plural : `${type.plural}/${subresource}`;
  const has = (values: readonly string[], value: string) => values.includes('*') || values.includes(value);
  const named = resourceNames.length === 0 || (name !== undefined && resourceNames.includes(name));
  return has(apiGroups, type.group) && has(resources, resource) && has(verbs, verb) && named;
}
