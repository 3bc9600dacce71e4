import * as z from 'zod/mini';
import { type Leases, leasesIn } from '../aws/leases.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { InvalidRequest } from '../core/errors.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { ClusterWithApi, Common, Step, Stored } from './shared/input.ts';
import { requireLease } from './shared/require-lease.ts';
import { type CanaryOutput, restartCanary } from './shared/restart-canary.ts';
import { restartPods } from './shared/restart-pods.ts';

const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterWithApi,
  /** For all nodes: the moment of the restart, the same in every repetition. */
  restartedAt: z._default(z.nullable(z.iso.datetime({ offset: true })), null),
  /** For one node of each way of proving, chosen from this inventory. */
  canary: z._default(z.nullable(z.object({ inventory: Stored })), null),
  /** On the way back from a canary: the nodes of this inventory, and no other. */
  nodes: z._default(z.nullable(z.object({ inventory: Stored })), null),
});

export interface Deps {
  openKubernetes: OpenKubernetes;
  store: ObjectStore;
  leases: Pick<Leases, 'holder'>;
}

/** The DaemonSet's generation; what is known of the canary; or how many pods were restarted on the named nodes. */
export type Output = { generation: number } | CanaryOutput | { pods: number };

/**
 * Restarts every kube-proxy pod as `kubectl rollout restart` does: a new annotation in the DaemonSet's pod template.
 * The same `restartedAt` again leaves the template as it is. With `canary`, restarts kube-proxy on the few nodes that it
 * chooses; with `nodes`, on those of an inventory. Throws LeaseLost, KubernetesUnreachable, KubernetesForbidden,
 * RolloutFailed, CanaryFailed, EvidenceMissing.
 */
export function restartKubeProxy(deps: Deps): Run<z.output<typeof Input>, Output> {
  return async ({ execution, step, cluster, restartedAt, canary, nodes }, say) => {
    if ([restartedAt, canary, nodes].filter((what) => what !== null).length !== 1)
      throw new InvalidRequest('The input must have exactly one of restartedAt, canary and nodes.');
    await requireLease(deps.leases, { execution, cluster });
    const api = await deps.openKubernetes(cluster, execution);
    if (nodes !== null) {
      const task = { execution, step, inventory: nodes.inventory.key };
      const { pods, unnoted } = await restartPods({ api, store: deps.store }, task);
      say.decision('nodes.restarted', {
        cluster: cluster.name,
        pods: pods.map(({ name }) => name).join(', '),
        unnoted,
      });
      return { pods: pods.length };
    }
    if (restartedAt === null) {
      const key = canary?.inventory.key ?? '';
      const restarted = await restartCanary({ api, store: deps.store }, { execution, step, inventory: key, cluster });
      say.decision('canary.restarted', {
        cluster: cluster.name,
        nodes: restarted.canaries.map(({ node }) => node.id).join(' '),
        reason: restarted.reason,
      });
      return restarted;
    }
    const { generation } = await api.restartKubeProxy(restartedAt);
    say.decision('rollout.restarted', { cluster: cluster.name, restartedAt, generation });
    return { generation };
  };
}

const live: Deps = {
  openKubernetes,
  store: objectStore(environment.evidenceBucket),
  leases: leasesIn(environment.leaseGroup),
};

export const handler = wrap(Input, restartKubeProxy(live));
