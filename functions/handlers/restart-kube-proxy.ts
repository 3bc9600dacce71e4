import { type Leases, leasesIn } from '../aws/leases.ts';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { Input, type Output } from '../contracts/restart-kube-proxy.ts';
import { InvalidRequest } from '../core/errors.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { requireLease } from './shared/require-lease.ts';
import { restartCanary } from './shared/restart-canary.ts';
import { restartPods } from './shared/restart-pods.ts';

export interface Deps {
  openKubernetes: OpenKubernetes;
  store: ObjectStore;
  leases: Pick<Leases, 'holder'>;
}

/**
 * Restarts every kube-proxy pod as `kubectl rollout restart` does: a new annotation in the DaemonSet's pod template.
 * The same `restartedAt` again leaves the template as it is. With `canary`, restarts kube-proxy on the few nodes that it
 * chooses; with `nodes`, on those of an inventory. Throws LeaseLost, KubernetesUnreachable, KubernetesForbidden,
 * RolloutFailed, CanaryFailed, EvidenceMissing.
 */
export function restartKubeProxy(deps: Deps): Run<Input, Output> {
  return async ({ execution, step, cluster, restartedAt, canary, nodes }, log) => {
    if ([restartedAt, canary, nodes].filter((what) => what !== null).length !== 1)
      throw new InvalidRequest('The input must have exactly one of restartedAt, canary and nodes.');
    await requireLease(deps.leases, { execution, cluster });
    const api = await deps.openKubernetes(cluster, execution);
    if (nodes !== null) {
      const task = { execution, step, inventory: nodes.inventory.key };
      const { pods, unnoted } = await restartPods({ api, store: deps.store }, task);
      log.decision('nodes.restarted', {
        cluster: cluster.name,
        pods: pods.map(({ name }) => name).join(', '),
        unnoted,
      });
      return { pods: pods.length };
    }
    if (restartedAt === null) {
      const key = canary?.inventory.key ?? '';
      const restarted = await restartCanary({ api, store: deps.store }, { execution, step, inventory: key, cluster });
      log.decision('canary.restarted', {
        cluster: cluster.name,
        nodes: restarted.canaries.map(({ node }) => node.id).join(' '),
        reason: restarted.reason,
      });
      return restarted;
    }
    const { generation } = await api.restartKubeProxy(restartedAt);
    log.decision('rollout.restarted', { cluster: cluster.name, restartedAt, generation });
    return { generation };
  };
}

const live: Deps = {
  openKubernetes,
  store: objectStore(environment.evidenceBucket),
  leases: leasesIn(environment.leaseGroup),
};

export const handler = wrap(Input, restartKubeProxy(live));
