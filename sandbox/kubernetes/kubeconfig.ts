import { stringify } from 'yaml';

/** One cluster of a kubeconfig, with the administrator's token. */
export interface KubeconfigCluster {
  readonly name: string;
  readonly endpoint: string;
  /** PEM, base64: as EKS' `certificateAuthority.data`. */
  readonly certificateAuthority: string;
  readonly adminToken: string;
}

/** A kubeconfig in YAML with one context per cluster, named as the cluster; the first is the current one. */
export function kubeconfig(clusters: readonly KubeconfigCluster[]): string {
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': clusters[0]?.name ?? '',
    clusters: clusters.map(({ name, endpoint, certificateAuthority }) => ({
      name,
      cluster: { server: endpoint, 'certificate-authority-data': certificateAuthority },
    })),
    users: clusters.map(({ name, adminToken }) => ({ name, user: { token: adminToken } })),
    contexts: clusters.map(({ name }) => ({ name, context: { cluster: name, user: name } })),
  });
}
