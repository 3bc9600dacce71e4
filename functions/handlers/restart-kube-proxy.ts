import * as z from 'zod/mini';
import { type ObjectStore, objectStore } from '../aws/s3.ts';
import { InvalidRequest } from '../core/errors.ts';
import { environment } from './shared/environment.ts';
import { ClusterWithApi, Common, Step, Stored } from './shared/input.ts';
import { type OpenKubernetes, openKubernetes } from './shared/kubernetes-access.ts';
import { type CanaryOutput, restartCanary } from './shared/restart-canary.ts';
import { type Run, wrap } from './shared/wrap.ts';

const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterWithApi,
  /** For all nodes: the moment of the restart, the same in every repetition. */
  restartedAt: z._default(z.nullable(z.iso.datetime({ offset: true })), null),
  /** For one node of each way of proving, chosen from this inventory. */
  canary: z._default(z.nullable(z.object({ inventory: Stored })), null),
});

export interface Deps {
  openKubernetes: OpenKubernetes;
  store: ObjectStore;
}

/**
 * Restarts every kube-proxy pod as `kubectl rollout restart` does: a new annotation in the DaemonSet's pod template.
 * The same `restartedAt` again leaves the template as it is. With `canary`, restarts kube-proxy on the few
 * nodes that it chooses. Throws KubernetesUnreachable, KubernetesForbidden, RolloutFailed, CanaryFailed, EvidenceMissing.
 */
export function restartKubeProxy(deps: Deps): Run<z.output<typeof Input>, { generation: number } | CanaryOutput> {
  return async ({ execution, step, cluster, restartedAt, canary }, say) => {
    if ((restartedAt === null) === (canary === null))
      throw new InvalidRequest('The input must have either restartedAt or canary.');
    const api = await deps.openKubernetes(cluster, execution);
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

export const handler = wrap(
  Input,
  restartKubeProxy({ openKubernetes, store: objectStore(environment.evidenceBucket) }),
);
