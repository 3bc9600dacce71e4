/** A template's resources, and what its policies allow. */

export { type InstanceTags, neededBy, unallowedCalls, unusedRights } from '../iam.ts';
export { aliasedVersion } from '../template/identities.ts';
export { type Resource, Stack } from '../template/stack.ts';
export { isAllowed, type Need } from './evaluate.ts';
export { rolePolicies, type Statement } from './policies.ts';
export { admits, type Principal, policyOf, type ResourcePolicies, resourcePolicies } from './resource-policies.ts';
export * from './service-requests.ts';
