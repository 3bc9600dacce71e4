/** A template's resources, and what its policies allow. */
export { type Resource, Stack } from '../template/stack.ts';
export { applies, isAllowed, type Need } from './evaluate.ts';
export { rolePolicies, type Statement } from './policies.ts';
export { admits, type Principal, policyOf, type ResourcePolicies, resourcePolicies } from './resource-policies.ts';
export { type MayCall, roleRights } from './role-rights.ts';
export * from './service-requests.ts';
