import type { KubeProxyConfig, KubernetesCluster } from '../region.ts';
import type { ClusterData } from './cluster-data.ts';
import { KUBE_PROXY, KUBE_PROXY_CONFIG, kubeProxyImage, NAMESPACE, proxyConfigMapDraft } from './kube-proxy-objects.ts';
import { isRecord, type KubeObject, parseDraft, record } from './object.ts';
import { defaultProxyConfig, readProxyConfig, writeProxyConfig } from './proxy-config.ts';
import { RESOURCES } from './resources.ts';
import type { Store } from './store.ts';

export type AddonChange = Parameters<KubernetesCluster['applyAddon']>[0];

/**
 * What EKS' add-on controller does with kube-proxy's objects. It owns fields as server-side apply does: annotations that
 * it put on the pod template go when they leave the configuration; others, such as that of an earlier `kubectl rollout
 * restart`, stay.
 */
export class KubeProxyAddon {
  readonly #store: Store;
  readonly #cluster: Pick<ClusterData, 'ipFamily'>;
  readonly #region: string;
  #owned: readonly string[];

  /** `podAnnotations` are those that it was installed with. */
  constructor(
    store: Store,
    { cluster, region }: { cluster: Pick<ClusterData, 'ipFamily'>; region: string },
    podAnnotations: Record<string, string>,
  ) {
    this.#store = store;
    this.#cluster = cluster;
    this.#region = region;
    this.#owned = Object.keys(podAnnotations);
  }

  /** Writes mode and scheduler to the ConfigMap, annotations and image to the DaemonSet. */
  apply({ mode, scheduler, podAnnotations, version, preserve = false }: AddonChange): void {
    this.#writeConfigMap({ mode, scheduler }, preserve);
    const daemonSet = this.#store.get(RESOURCES.daemonsets, NAMESPACE, KUBE_PROXY);
    const image = kubeProxyImage(this.#region, version);
    this.#store.update(RESOURCES.daemonsets, parseDraft(this.#applied(daemonSet, image, podAnnotations)));
    this.#owned = Object.keys(podAnnotations);
  }

  /** The configuration is one field of the ConfigMap: EKS keeps all of a person's text in it, or nothing. */
  #writeConfigMap(wanted: KubeProxyConfig, preserve: boolean): void {
    const configMap = this.#store.find(RESOURCES.configmaps, NAMESPACE, KUBE_PROXY_CONFIG);
    const data = record(configMap?.['data']);
    const text = data['config'];
    const config =
      preserve && typeof text === 'string' && readProxyConfig(text).ok
        ? writeProxyConfig(text, wanted)
        : defaultProxyConfig(this.#cluster, wanted);
    const changed = { ...data, config };
    if (configMap) this.#store.update(RESOURCES.configmaps, parseDraft({ ...configMap, data: changed }));
    else this.#store.create(RESOURCES.configmaps, proxyConfigMapDraft(changed));
  }

  #applied(daemonSet: KubeObject, image: string, podAnnotations: Record<string, string>): unknown {
    const spec = record(daemonSet['spec']);
    const template = record(spec['template']);
    const metadata = record(template['metadata']);
    const podSpec = record(template['spec']);
    const others = Object.entries(record(metadata['annotations'])).filter(([key]) => !this.#owned.includes(key));
    const containers: unknown[] = Array.isArray(podSpec['containers']) ? podSpec['containers'] : [];
    return {
      ...daemonSet,
      spec: {
        ...spec,
        template: {
          metadata: { ...metadata, annotations: { ...Object.fromEntries(others), ...podAnnotations } },
          spec: {
            ...podSpec,
            containers: containers.map((container) =>
              isRecord(container) && container['name'] === KUBE_PROXY ? { ...container, image } : container,
            ),
          },
        },
      },
    };
  }
}
