import { randomBytes } from 'node:crypto';
import type { Server } from 'node:https';
import { serviceAddresses } from '../../functions/core/cluster-ip.ts';
import type { ApiCall, KubernetesCluster, Region } from '../region.ts';
import { KubeProxyAddon } from './addon.ts';
import type { Authenticator, Creator, CredentialSource } from './authentication.ts';
import type { Certificates } from './certificates.ts';
import type { ClusterData } from './cluster-data.ts';
import { DaemonSetController } from './daemonset-controller.ts';
import { addonValues, configMapDrafts, daemonSetDraft, KUBE_PROXY_CONFIG } from './kube-proxy-objects.ts';
import { RESOURCES } from './resources.ts';
import { type Intercept, listen, serve } from './server.ts';
import { endpointSliceObjects, endpointsObjects, namespaceObjects, serviceObjects } from './services.ts';
import { Store } from './store.ts';
import { createWorkloads } from './workload-objects.ts';

export interface KubernetesApiOptions {
  readonly cluster: ClusterData;
  readonly region: Region;
  readonly credentials: CredentialSource;
  /** The sandbox's log: every request is appended. */
  readonly calls: ApiCall[];
  readonly certificates: Certificates;
  /** Cluster administrator, and the owner of every access key that was not issued. Without one such keys are refused. */
  readonly creator?: Creator;
  /** Hosts, with port, besides `sts.REGION.amazonaws.com` for which an EKS token may be signed. */
  readonly stsHosts?: () => readonly string[];
  readonly intercept?: Intercept;
  readonly loseReply?: (operation: string) => boolean;
}

/** A cluster's Kubernetes API that runs. `adminToken` is the one for its kubeconfig. */
export interface RunningKubernetesApi extends KubernetesCluster {
  readonly name: string;
  readonly adminToken: string;
}

/**
 * Starts a cluster's Kubernetes API on a free port of 127.0.0.1, in the state of a cluster that has run for long:
 * kube-proxy is started on every Linux node's machine with what the add-on's configuration says before it resolves.
 */
export async function startKubernetesApi(options: KubernetesApiOptions): Promise<RunningKubernetesApi> {
  const { cluster, region, calls, certificates } = options;
  const { server, endpoint } = await listen(certificates);
  const store = new Store(cluster.name, () => region.clock.now());
  const adminToken = randomBytes(24).toString('base64url');
  const { controller, addon } = await populate(store, cluster, region, endpoint);
  const authenticator: Authenticator = {
    cluster: cluster.name,
    region: region.name,
    adminToken,
    credentials: options.credentials,
    creator: options.creator,
    stsHosts: options.stsHosts ?? (() => []),
  };
  const { clock } = region;
  serve(server, {
    cluster,
    store,
    controller: () => controller,
    clock,
    calls,
    authenticator,
    intercept: options.intercept,
    loseReply: options.loseReply,
  });
  return {
    name: cluster.name,
    endpoint,
    certificateAuthority: Buffer.from(certificates.authority).toString('base64'),
    adminToken,
    applyAddon: async (change) => addon.apply(change),
    kubeProxyConfig: () => {
      const read = controller.proxyConfig();
      if (!read.ok) throw new Error(`ConfigMap ${KUBE_PROXY_CONFIG} of cluster ${cluster.name}: ${read.reason}`);
      return read.config;
    },
    nodesChanged: () => controller.nodesChanged(),
    close: () => close(server, controller),
  };
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
  createWorkloads(store, cluster, serviceAddresses(cluster.serviceCidr).dns);
  const controller = new DaemonSetController(store, cluster, region);
  await controller.start();
  return { controller, addon: new KubeProxyAddon(store, { cluster, region: region.name }, podAnnotations) };
}

/** Ends watches and connections; the machines stay as they are. */
function close(server: Server, controller: DaemonSetController): Promise<void> {
  controller.stop();
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
    // A connection in its TLS handshake is none of HTTP's yet, and would be kept alive for two minutes after it.
    server.on('secureConnection', (socket) => socket.destroy());
  });
}
