import {
  AppsV1Api,
  CoreV1Api,
  DiscoveryV1Api,
  KubeConfig,
  type PatchStrategy,
  setHeaderOptions,
  Watch,
} from '@kubernetes/client-node';
import type { World } from './world.ts';

/** The stock client of Kubernetes, configured by the world's kubeconfig alone. */
export function clients(world: World) {
  const config = new KubeConfig();
  config.loadFromString(world.kubeconfig);
  return {
    core: config.makeApiClient(CoreV1Api),
    apps: config.makeApiClient(AppsV1Api),
    discovery: config.makeApiClient(DiscoveryV1Api),
    watch: new Watch(config),
  };
}

export const KUBE_PROXY = { namespace: 'kube-system', name: 'kube-proxy' } as const;

export function as(strategy: PatchStrategy) {
  return setHeaderOptions('Content-Type', strategy);
}
