import { type Leases, leasesIn } from '../aws/leases.ts';
import { Input, type Output } from '../contracts/edit-config-map.ts';
import { ConfigurationChanged, InvalidRequest, StepFailed } from '../core/errors.ts';
import { restoredConfigMap } from '../core/execution/restore.ts';
import { withProxying } from '../core/modes/kube-proxy-config.ts';
import { environment } from '../runtime/environment.ts';
import { type OpenKubernetes, openKubernetes } from '../runtime/kubernetes-access.ts';
import { type Run, wrap } from '../runtime/wrap.ts';
import { requireLease } from './shared/require-lease.ts';

export interface Deps {
  openKubernetes: OpenKubernetes;
  leases: Pick<Leases, 'holder'>;
}

/**
 * Edits kube-proxy's ConfigMap for the mode and scheduler, keeping everything else, or restores what was saved. The API
 * server accepts the text only if the ConfigMap was not written since it was read. A text that another principal wrote
 * since the inspection is not overwritten, and a text that is already right is not written. kube-proxy reads it when it
 * is restarted. Throws LeaseLost, ConfigurationChanged, InvalidConfiguration, KubernetesUnreachable,
 * KubernetesForbidden.
 */
export function editConfigMap(deps: Deps): Run<Input, Output> {
  return async (input, log) => {
    const { execution, cluster, proxying } = input;
    await requireLease(deps.leases, input);
    const api = await deps.openKubernetes(cluster, execution);
    const { changed } = await api.editKubeProxyConfig((now) =>
      input.back ? restored(input, now) : edited(input, now),
    );
    log.decision(changed ? 'config-map.edited' : 'config-map.unchanged', {
      cluster: cluster.name,
      mode: proxying.mode,
    });
    return { changed };
  };
}

/** An earlier call of this step may have edited the ConfigMap, and its answer may be lost. */
function edited({ cluster, configMap, proxying, retries }: Input, now: string): string {
  if (configMap === null || now === configMap || now === withProxying(configMap, proxying))
    return withProxying(now, proxying);
  const edit = `the ConfigMap kube-proxy-config of ${cluster.name} was edited since the look`;
  if (retries === 0) throw new ConfigurationChanged(`Nothing was written: ${edit}.`);
  throw new StepFailed(`An earlier try may have reached the API server, and its answer was lost; ${edit}.`, {
    nextStep: 'Nothing to do: what was written is undone, and the edits of other principals stay.',
  });
}

function restored({ cluster, configMap, proxying, back }: Input, now: string): string {
  if (configMap === null || back === null) throw new InvalidRequest('configMap must be the text to restore.');
  const result = restoredConfigMap({
    former: { text: configMap, proxying },
    target: back.target,
    values: back.values,
    writtenBy: back.way === 'config-map' ? 'nightshift' : 'eks',
    now,
  });
  if (result.kind === 'write') return result.text;
  throw new ConfigurationChanged(
    `Nothing was restored: another principal edited the ConfigMap kube-proxy-config of ${cluster.name}: ${result.why}.`,
  );
}

export const handler = wrap(Input, editConfigMap({ openKubernetes, leases: leasesIn(environment.leaseGroup) }));
