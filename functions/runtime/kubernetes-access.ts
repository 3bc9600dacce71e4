import { assumeRole, eksToken } from '../aws/eks-token.ts';
import { type Kubernetes, kubernetes } from '../aws/kubernetes.ts';
import type { Execution } from '../contracts/shared/input.ts';
import { KubernetesUnreachable } from '../core/errors.ts';
import type { ClusterSnapshot } from '../core/preflight/snapshot.ts';
import { environment } from './environment.ts';

/**
 * Opens a cluster's Kubernetes API as the role that the execution's access entry names. Throws KubernetesUnreachable if
 * the cluster has no API server.
 */
export type OpenKubernetes = (
  cluster: Pick<ClusterSnapshot, 'name' | 'api'>,
  execution: Execution,
) => Promise<Kubernetes>;

export const openKubernetes: OpenKubernetes = async ({ name: cluster, api }, execution) => {
  if (!api)
    throw new KubernetesUnreachable(`Cluster ${cluster} has no API server endpoint.`, {
      nextStep: `Wait until \`aws eks describe-cluster --name ${cluster}\` shows the cluster ACTIVE.`,
    });
  const credentials = await assumeRole(environment.kubernetesRoleArn(), execution.name);
  return kubernetes({ cluster, ...api }, await eksToken({ cluster, region: environment.region(), credentials }));
};
