import { type Ec2, ec2 } from '../aws/ec2.ts';
import { type Eks, eks } from '../aws/eks.ts';
import { Input, type Output } from '../contracts/on-node-registered.ts';
import { type InstanceRunning, parseInstanceRunning } from '../core/fleet/native-events.ts';
import type { Settings } from '../core/fleet/settings.ts';
import { type Reaction, reactToNode } from '../core/fleet/triggers.ts';
import { clustersOf } from '../core/nodes/cluster-tags.ts';
import { environment } from '../runtime/environment.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { act, liveStart, type StartDeps } from './shared/start-migration.ts';

export interface Deps extends StartDeps {
  ec2: Pick<Ec2, 'tags'>;
  eks: Pick<Eks, 'standing'>;
  settings: () => Settings;
}

/**
 * Starts one execution for all nodes that join a compliant cluster in the same quarter of an hour: it proves every
 * node, and in the window prepares the nodes that are not prepared. Throws InvalidRequest for an event that is not
 * about a running instance, InvalidConfiguration for settings that break a rule.
 */
export function onNodeRegistered(deps: Deps): Run<unknown, Output> {
  return async (event, log) => {
    const instance = parseInstanceRunning(event);
    const { cluster, reaction } = await react(deps, instance);
    return act(deps, reaction, log, { instance: instance.instanceId, cluster });
  };
}

async function react(deps: Deps, instance: InstanceRunning): Promise<{ cluster: string | null; reaction: Reaction }> {
  const ignore = (reason: string) => ({ cluster: null, reaction: { kind: 'ignore', reason } as const });
  const tags = await deps.ec2.tags(instance.instanceId);
  if (tags === null) return ignore('The instance is gone.');
  const [cluster, other] = clustersOf(tags);
  if (cluster === undefined) return ignore('The instance is not a worker node of an EKS cluster.');
  if (other !== undefined) return ignore(`The instance names several clusters: ${clustersOf(tags).join(', ')}.`);
  return { cluster, reaction: reactToNode(instance, await deps.eks.standing(cluster), deps.settings()) };
}

export const handler = wrap(Input, onNodeRegistered({ ...liveStart, ec2, eks, settings: environment.settings }));
