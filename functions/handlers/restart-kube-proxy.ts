import * as z from 'zod/mini';
import { ClusterName, Common, Step } from './shared/input.ts';
import { type OpenKubernetes, openKubernetes } from './shared/kubernetes-access.ts';
import { type Run, wrap } from './shared/wrap.ts';

const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterName,
  restartedAt: z.iso.datetime({ offset: true }),
});

export interface Deps {
  openKubernetes: OpenKubernetes;
}

/**
 * Restarts every kube-proxy pod as `kubectl rollout restart` does: a new annotation in the DaemonSet's pod template.
 * The same `restartedAt` again leaves the template as it is. Throws KubernetesUnreachable, KubernetesForbidden,
 * RolloutFailed.
 */
export function restartKubeProxy(deps: Deps): Run<z.output<typeof Input>, { generation: number }> {
  return async ({ execution, cluster, restartedAt }, say) => {
    const api = await deps.openKubernetes(cluster.name, execution);
    const { generation } = await api.restartKubeProxy(restartedAt);
    say.decision('rollout.restarted', { cluster: cluster.name, restartedAt, generation });
    return { generation };
  };
}

export const handler = wrap(Input, restartKubeProxy({ openKubernetes }));
