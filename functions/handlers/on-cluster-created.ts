import { Input, type Output } from '../contracts/on-cluster-created.ts';
import { parseClusterCreated } from '../core/fleet/cloudtrail.ts';
import type { Settings } from '../core/fleet/settings.ts';
import { reactToCluster } from '../core/fleet/triggers.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { act, liveStart, type StartDeps } from './shared/start-migration.ts';

export interface Deps extends StartDeps {
  settings: () => Settings;
}

/**
 * Starts a migration for a cluster that was just created, which begins when the cluster is ACTIVE. Throws
 * InvalidRequest for an event that is not a record of a CreateCluster call, InvalidConfiguration for settings that
 * break a rule.
 */
export function onClusterCreated(deps: Deps): Run<unknown, Output> {
  return async (event, log) => {
    const created = parseClusterCreated(event);
    const cluster = created.kind === 'made' ? created.cluster : null;
    return act(deps, reactToCluster(created, deps.settings()), log, { cluster, event: created.eventId });
  };
}

export const handler = wrap(Input, onClusterCreated({ ...liveStart, settings: environment.settings }));
