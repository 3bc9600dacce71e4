import { readConfig } from '../../infra/config.ts';
import { type Right, rightsOf } from '../../infra/security-page.ts';
import { synthesized } from '../../infra/synthesized.ts';
import { type Resource, resourcesOf, textOf } from '../../infra/template.ts';

export const CONFIG = readConfig(new URL('../../nightshift.config.json', import.meta.url));

export const template = await synthesized(CONFIG);

/** The resources of a type by the value of one property, as text. */
export function byName(type: string, property: string): Map<string, Resource> {
  return new Map(resourcesOf(template, type).map(([, resource]) => [textOf(resource.Properties[property]), resource]));
}

const rights = rightsOf(template);

/** The permissions of a role; `role` without `nightshift-` and the Region. */
export function rightsOfRole(role: string): Right[] {
  return rights.filter((right) => right.role === `nightshift-${role}-REGION`);
}

/** The permissions of all roles. */
export const allRights: readonly Right[] = rights;
