import type { Addon, Cluster, Region } from '../../region.ts';
import { ServiceError } from '../../wire/error.ts';

export const ADDON_NAME = 'kube-proxy';

/** Throws ResourceNotFoundException as EKS does. */
export function findCluster(region: Region, name: string): Cluster {
  const cluster = region.clusters.get(name);
  if (cluster) return cluster;
  throw new ServiceError('ResourceNotFoundException', `No cluster found for name: ${name}.`, 404, {
    clusterName: name,
  });
}

/** The only add-on of a cluster that the sandbox changes is kube-proxy. */
export function findAddon(cluster: Cluster, addonName: string): Addon {
  if (addonName === ADDON_NAME && cluster.addon) return cluster.addon;
  const members = { clusterName: cluster.name, addonName };
  throw new ServiceError(
    'ResourceNotFoundException',
    `No addon: ${addonName} found in cluster: ${cluster.name}`,
    404,
    members,
  );
}

/** Throws InvalidRequestException unless the cluster is ACTIVE. */
export function requireActive(cluster: Cluster): void {
  if (cluster.status === 'ACTIVE') return;
  const message = `Cluster ${cluster.name} is in status ${cluster.status}; it must be ACTIVE for this operation`;
  throw new ServiceError('InvalidRequestException', message, 400, { clusterName: cluster.name });
}
