import { eks } from '../../aws/eks.ts';
import { assumeRole, eksToken } from '../../aws/eks-token.ts';
import { type Kubernetes, kubernetes } from '../../aws/kubernetes.ts';
import { environment } from './environment.ts';
import type { Execution } from './input.ts';

/** Opens a cluster's Kubernetes API as the role that the execution's access entry names. */
export type OpenKubernetes = (cluster: string, execution: Execution) => Promise<Kubernetes>;

export const openKubernetes: OpenKubernetes = async (cluster, execution) => {
  const endpoint = await eks.apiServer(cluster);
  const credentials = await assumeRole(environment.kubernetesRoleArn(), execution.name);
  return kubernetes(endpoint, await eksToken({ cluster, region: environment.region(), credentials }));
};
