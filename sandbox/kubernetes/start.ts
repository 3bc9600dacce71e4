import { randomBytes } from 'node:crypto';
import type { ApiCall, KubernetesCluster, Region } from '../region.ts';
import { serviceNetwork } from '../service-network.ts';
import { KubeProxyAddon } from './addon.ts';
import type { Authenticator, Creator, CredentialSource } from './authentication.ts';
import type { ClusterData } from './cluster-data.ts';
import { DaemonSetController } from './daemonset-controller.ts';
import { addonValues, configMapDrafts, daemonSetDraft, KUBE_PROXY_CONFIG, NAMESPACE } from './kube-proxy-objects.ts';
import type { Listeners } from './listeners.ts';
import { parseDraft, record } from './object.ts';
import { RESOURCES } from './resources.ts';
import { type Intercept, serve } from './server.ts';
import { endpointSliceObjects, endpointsObjects, namespaceObjects, serviceObjects } from './services.ts';
import { Store } from './store.ts';
import { createWorkloads } from './workload-objects.ts';

export interface KubernetesApiOptions {
  readonly cluster: ClusterData;
  readonly region: Region;
  readonly credentials: CredentialSource;
  /** The sandbox's log: every request is appended. */
  readonly calls: ApiCall[];
  readonly listeners: Listeners;
  /** Cluster administrator, and the owner of every access key that was not issued. Without one such keys are refused. */
  readonly creator?: Creator;
  /** Hosts, with port, besides `sts.REGION.amazonaws.com` for which an EKS token may be signed. */
  readonly stsHosts?: () => readonly string[];
  readonly intercept?: Intercept;
  readonly loseReply?: (operation: string) => boolean;
  readonly noAnswer?: (milliseconds: number) => void;
}

/** A cluster's Kubernetes API that runs. `adminToken` is the one for its kubeconfig. */
export interface RunningKubernetesApi extends KubernetesCluster {
  readonly name: string;
  readonly adminToken: string;
}

/**
 * Starts a cluster's Kubernetes API on a port of 127.0.0.1 that no other has, in the state of a cluster that has run for long:
 * kube-proxy is started on every Linux node's machine with what the add-on's configuration says before it resolves.
 */
export async function startKubernetesApi(options: KubernetesApiOptions): Promise<RunningKubernetesApi> {
  const { cluster, region, calls, listeners } = options;
  const listener = await listeners.take();
  const { server, endpoint } = listener;
  const store = new Store(cluster.name, () => region.clock.now());
  const adminToken = randomBytes(24).toString('base64url');
  const { controller, addon } = await populate(store, cluster, region, endpoint);
  const authenticator: Authenticator = {
    cluster: cluster.name,
    region: region.name,
    adminToken,
    now: () => region.clock.now(),
    credentials: options.credentials,
    creator: options.creator,
    stsHosts: options.stsHosts ?? (() => []),
  };
  const { clock } = region;
  const stopServing = serve(server, {
    cluster,
    store,
    controller: () => controller,
    clock,
    calls,
    authenticator,
    intercept: options.intercept,
    loseReply: options.loseReply,
    noAnswer: options.noAnswer,
  });
  return {
    name: cluster.name,
    endpoint,
    certificateAuthority: Buffer.from(listeners.certificates.authority).toString('base64'),
    adminToken,
    applyAddon: async (change) => addon.apply(change),
    kubeProxyConfig: () => {
      const read = controller.proxyConfig();
      if (!read.ok) throw new Error(`ConfigMap ${KUBE_PROXY_CONFIG} of cluster ${cluster.name}: ${read.reason}`);
      const { mode, scheduler } = read.config;
      return { mode, scheduler };
    },
    editProxyConfig: (edit) => editProxyConfig(store, edit),
    nodesChanged: () => controller.nodesChanged(),
    close: async () => {
      controller.stop();
      stopServing();
      listeners.giveBack(listener);
    },
  };
}

/** Edits the text in the ConfigMap `kube-proxy-config`; false where it is gone. */
function editProxyConfig(store: Store, edit: (text: string) => string): boolean {
  const configMap = store.find(RESOURCES.configmaps, NAMESPACE, KUBE_PROXY_CONFIG);
  const data = record(configMap?.['data']);
  const text = data['config'];
  if (!configMap || typeof text !== 'string') return false;
  store.update(RESOURCES.configmaps, parseDraft({ ...configMap, data: { ...data, config: edit(text) } }));
  return true;
}

async function populate(
  store: Store,
  cluster: ClusterData,
  region: Region,
  endpoint: string,
): Promise<{ controller: DaemonSetController; addon: KubeProxyAddon }> {
  const created = { created: cluster.createdAt };
  const { config, podAnnotations } = addonValues(cluster.addon?.configurationValues ?? null);
  const version = cluster.addon?.version ?? `v${cluster.version}.0-eksbuild.1`;
  store.fillWhenAsked(RESOURCES.services, () => serviceObjects(cluster, store));
  store.fillWhenAsked(RESOURCES.endpoints, () => endpointsObjects(cluster, store));
  store.fillWhenAsked(RESOURCES.endpointslices, () => endpointSliceObjects(cluster, store));
  store.fillWhenAsked(RESOURCES.namespaces, () => namespaceObjects(cluster, store));
  for (const draft of configMapDrafts(cluster, endpoint, config)) store.create(RESOURCES.configmaps, draft, created);
  store.create(RESOURCES.daemonsets, daemonSetDraft(region.name, version, podAnnotations), created);
  createWorkloads(store, cluster, serviceNetwork(cluster.serviceCidr).dns);
  const controller = new DaemonSetController(store, cluster, region);
  await controller.start();
  return { controller, addon: new KubeProxyAddon(store, { cluster, region: region.name }, podAnnotations) };
}
