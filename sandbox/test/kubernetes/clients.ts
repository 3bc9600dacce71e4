import { request } from 'node:https';
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

/** What the API answers to a request without a body, as its status and its JSON. */
export function ask(
  world: World,
  path: string,
  token: string | undefined,
  method = 'GET',
): Promise<{ status: number; body: unknown }> {
  const ca = Buffer.from(world.api.certificateAuthority, 'base64').toString('utf8');
  return new Promise((resolve, reject) => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const outgoing = request(`${world.api.endpoint}${path}`, { ca, headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString('utf8')) }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}
