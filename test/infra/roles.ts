import type { ApiCall, Region } from '@nightshift/sandbox';
import { instanceTags } from '@nightshift/sandbox';
import type { Stack } from '@nightshift/sandbox/iam';
import { rolePolicies } from '@nightshift/sandbox/iam';
import { parseFleet } from '../../functions/core/fleet/stages.ts';
import type { GuardSettings } from '../../functions/core/guards/alarms.ts';
import { parseConfig } from '../../infra/config.ts';
import { synthesized } from '../../infra/synthesized.ts';
import { resourcesOf, type Template, textOf } from '../../infra/template.ts';
import { SETTINGS } from '../functions/handlers/events.ts';
import { WEEKEND } from '../workflow/worlds.ts';
import { type InstanceTags, unallowedCalls } from './iam/calls.ts';
import { stackOf } from './stack-of.ts';

/** A Change Calendar that another account shares. */
export const SHARED_CALENDAR = 'arn:aws:ssm:us-east-1:444455556666:document/company-freeze';

/** Configures everything that adds a permission, except a VPC, whose network interfaces Lambda manages. */
const CONFIG = parseConfig({
  windows: { weekend: WEEKEND, frozen: { ...WEEKEND, changeCalendars: ['freeze', SHARED_CALENDAR] } },
  settings: SETTINGS,
  notifications: { centralBusArn: 'arn:aws:events:us-east-1:444455556666:event-bus/central' },
});

/** The template with whose roles every run of the product is compared. */
export const configuredTemplate = (): Promise<Template> => synthesized(CONFIG);

/** The template in which the access entry has this Kubernetes group. */
export const groupTemplate = (kubernetesGroup: string): Promise<Template> =>
  synthesized({ ...CONFIG, kubernetesGroup });

/** The template whose settings have these guards. */
export const guardTemplate = (guards: GuardSettings): Promise<Template> =>
  synthesized({ ...CONFIG, settings: { ...CONFIG.settings, guards } });

/** The stages of `stagedTemplate`: one stage, whose clusters a manifest names, and which a person approves. */
export const MANIFEST = 'manifests/staging.json';
const STAGES = parseFleet({
  stages: [{ name: 'staging', select: { manifest: MANIFEST }, approval: 'required', soakHours: 2 }],
});

/** The template with stages, in which an alarm during the soak restores the clusters that it guards. */
export const stagedTemplate = (): Promise<Template> => {
  const guards = { alarms: [], onGuard: 'rollback' as const, onUnknown: 'closed' as const };
  return synthesized({ ...CONFIG, fleet: STAGES, settings: { ...CONFIG.settings, guards } });
};

/** The template with a VPC, for tests that read it and do not run it. */
export const everythingConfigured = (): Promise<Template> =>
  synthesized({ ...CONFIG, vpc: { subnetIds: ['subnet-01234567'], securityGroupIds: ['sg-01234567'] } });

type Place = Pick<Region, 'account' | 'name'>;

/** The roles of a template, and the calls of a world that were already compared with them. */
export class Roles {
  readonly #template: unknown;
  readonly #places = new Map<string, { stack: Stack; roles: ReadonlySet<string> }>();
  #log: readonly ApiCall[] = [];
  #compared = 0;

  constructor(template: unknown) {
    this.#template = template;
  }

  /** A sentence for each call of this Region that a role of the product made without permission. */
  exceededBy(calls: readonly ApiCall[], place: Place, tagsOf?: InstanceTags): string[] {
    const { stack, roles } = this.#at(place);
    const strangers = calls.map(roleOf).filter((role) => role.startsWith('nightshift-') && !roles.has(role));
    return [
      ...[...new Set(strangers)].map((role) => `${role} is not a role of the template`),
      ...unallowedCalls(calls, stack, tagsOf).map(({ role, call, action, resource }) =>
        action === null
          ? `${role} called ${call}, and the sandbox does not know what that needs`
          : `${role} called ${call} without ${action} on ${resource}`,
      ),
    ];
  }

  /** Like `exceededBy`, for the calls in a world's log since the last comparison. */
  exceededSince(calls: readonly ApiCall[], region: Region): string[] {
    if (calls !== this.#log) this.#compared = 0;
    const since = calls.slice(this.#compared);
    this.#log = calls;
    this.#compared = calls.length;
    return this.exceededBy(since, region, (id) => instanceTags(region, id));
  }

  #at({ account, name: region }: Place) {
    const key = `${account} ${region}`;
    let found = this.#places.get(key);
    if (!found) {
      const stack = stackOf(this.#template, { account, region });
      found = { stack, roles: new Set(rolePolicies(stack).keys()) };
      this.#places.set(key, found);
    }
    return found;
  }
}

/** `role/session` if a role was assumed. */
const roleOf = ({ principal }: ApiCall): string => principal.replace(/\/.*$/, '');

/**
 * The template without one action of one role, named without prefix and Region. Throws if the role lacks it already.
 */
export function withoutRight(template: Template, role: string, action: string): Template {
  let taken = 0;
  const take = (key: string, value: unknown): unknown => {
    if (key !== 'Action') return value;
    const actions = [value].flat();
    if (!actions.includes(action)) return value;
    taken += 1;
    return ['none:None', ...actions.filter((each) => each !== action)];
  };
  const Resources = Object.fromEntries(
    resourcesOf(template, 'AWS::IAM::Role')
      .filter(([, { Properties }]) => textOf(Properties['RoleName']) === `nightshift-${role}-REGION`)
      .map(([id, resource]) => [id, JSON.parse(JSON.stringify(resource), take)]),
  );
  if (taken !== 1) throw new Error(`the role of ${role} has ${action} ${taken} times`);
  return { ...template, Resources: { ...template.Resources, ...Resources } };
}
