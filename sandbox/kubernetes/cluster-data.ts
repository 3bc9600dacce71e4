import type { Cluster } from '../region.ts';

/**
 * A cluster before its Kubernetes API runs. The API keeps the object itself: add `kubernetes` to it with
 * `Object.assign`, and what later changes in it (nodes, access entries) is seen here.
 */
export type ClusterData = Omit<Cluster, 'kubernetes'>;
