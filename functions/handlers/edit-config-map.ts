import * as z from 'zod/mini';
import { withProxying } from '../core/kube-proxy-config.ts';
import { ClusterWithApi, Common, Proxying, Step } from './shared/input.ts';
import { type OpenKubernetes, openKubernetes } from './shared/kubernetes-access.ts';
import { type Run, wrap } from './shared/wrap.ts';

const Input = z.object({
  ...Common,
  step: Step,
  cluster: ClusterWithApi,
  /** The exact text to restore; null edits the text that is there. */
  configMap: z.nullable(z.string().check(z.minLength(1))),
  proxying: Proxying,
});

export interface Deps {
  openKubernetes: OpenKubernetes;
}

/**
 * Edits kube-proxy's ConfigMap for the mode and scheduler, keeping everything else, or restores the text that was
 * saved. A text that is already right is not written. kube-proxy reads it when it is restarted. Throws
 * InvalidConfiguration, KubernetesUnreachable, KubernetesForbidden.
 */
export function editConfigMap(deps: Deps): Run<z.output<typeof Input>, { changed: boolean }> {
  return async ({ execution, cluster, configMap, proxying }, say) => {
    const api = await deps.openKubernetes(cluster, execution);
    const { changed } = await api.editKubeProxyConfig((text) => configMap ?? withProxying(text, proxying));
    say.decision(changed ? 'config-map.edited' : 'config-map.unchanged', {
      cluster: cluster.name,
      mode: proxying.mode,
    });
    return { changed };
  };
}

export const handler = wrap(Input, editConfigMap({ openKubernetes }));
