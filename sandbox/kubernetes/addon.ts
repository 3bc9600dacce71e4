import type { KubeProxyConfig, KubernetesCluster } from '../region.ts';
import type { ClusterData } from './cluster-data.ts';
import { daemonSetDraft, KUBE_PROXY, KUBE_PROXY_CONFIG, NAMESPACE, proxyConfigMapDraft } from './kube-proxy-objects.ts';
import { managed } from './managed-fields.ts';
import { type Draft, isRecord, type KubeObject, parseDraft, record } from './object.ts';
import { defaultProxyConfig, readProxyConfig, writeProxyConfig } from './proxy-config.ts';
import { RESOURCES } from './resources.ts';
import type { Store } from './store.ts';

export type AddonChange = Parameters<KubernetesCluster['applyAddon']>[0];

/**
 * What EKS' add-on controller does with kube-proxy's objects. It owns fields as server-side apply does: annotations that
 * it put on the pod template go when they leave the configuration, and its own fields are set again; annotations of others, such as that of an earlier `kubectl rollout
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
    const own = daemonSetDraft(this.#region, version, podAnnotations);
    const after = parseDraft(this.#applied(daemonSet, own, { podAnnotations, preserve }));
    const managedFields = managed(daemonSet, after, 'eks', preserve ? undefined : own);
    this.#store.update(RESOURCES.daemonsets, { ...after, metadata: { ...after.metadata, managedFields } });
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

  /** With `preserve` only the image is EKS's again, and else each field of its own. */
  #applied(
    daemonSet: KubeObject,
    own: Draft,
    { podAnnotations, preserve }: { podAnnotations: Record<string, string>; preserve: boolean },
  ): unknown {
    const spec = record(daemonSet['spec']);
    const template = record(spec['template']);
    const metadata = record(template['metadata']);
    const ownPod = record(record(record(own['spec'])['template'])['spec']);
    const others = Object.entries(record(metadata['annotations'])).filter(([key]) => !this.#owned.includes(key));
    const [ownContainer] = containersOf(ownPod);
    const { image } = record(ownContainer);
    const podSpec = record(template['spec']);
    const containers = containersOf(podSpec).map((container) =>
      isRecord(container) && container['name'] === KUBE_PROXY
        ? {
            ...container,
            ...(preserve ? { image } : { ...record(ownContainer), env: environment(container, ownContainer) }),
          }
        : container,
    );
    return {
      ...daemonSet,
      spec: {
        ...spec,
        ...(!preserve && { updateStrategy: record(own['spec'])['updateStrategy'] }),
        template: {
          metadata: { ...metadata, annotations: { ...Object.fromEntries(others), ...podAnnotations } },
          spec: { ...podSpec, ...(!preserve && ownPod), containers },
        },
      },
    };
  }
}

function containersOf({ containers }: Record<string, unknown>): unknown[] {
  return Array.isArray(containers) ? containers : [];
}

/** Variables are managed by name: those of other managers stay. */
function environment(container: Record<string, unknown>, own: unknown): unknown[] {
  const [theirs, ours] = [container, record(own)].map(({ env }): unknown[] => (Array.isArray(env) ? env : []));
  const names = new Set((ours ?? []).map((each) => record(each)['name']));
  return [...(ours ?? []), ...(theirs ?? []).filter((each) => !names.has(record(each)['name']))];
}
