import * as z from 'zod/mini';

/** The endpoint of a cluster's API server; `certificateAuthority` is PEM in base64. */
export interface ApiServer {
  url: string;
  certificateAuthority: string;
}

/** One look at a cluster, as EKS describes it. */
export interface ClusterSnapshot {
  name: string;
  arn: string;
  /** Kubernetes minor version, `1.34`. */
  version: string;
  /** EKS's status: ACTIVE, CREATING, UPDATING, DELETING, FAILED, PENDING. */
  status: string;
  /** null while EKS has no endpoint for the cluster. */
  api: ApiServer | null;
  /** `publicCidrs`: the only addresses that the public endpoint answers; empty if it answers all. */
  endpoint: { public: boolean; private: boolean; publicCidrs: string[] };
  /** API, API_AND_CONFIG_MAP or CONFIG_MAP. */
  authenticationMode: string;
  serviceCidr: string;
  autoMode: boolean;
  /** Whether the cluster has networks for EKS Hybrid Nodes, which are not EC2 instances. */
  hybridNetworks: boolean;
  /** The kube-proxy add-on; null if kube-proxy is self-managed. */
  addon: {
    version: string;
    status: string;
    /** The exact text of its configuration values. */
    configuration: string | null;
    /** Health issues, `code: message`. */
    issues: string[];
    /** Configuration schema of the installed version, JSON text. */
    schema: string;
    tags: Record<string, string>;
  } | null;
  /**
   * The add-on version that could adopt a self-managed kube-proxy (EKS's default until the image is known), its schema,
   * and all versions that EKS offers for the cluster; null if there is an add-on.
   */
  offered: { version: string; schema: string; versions: string[] } | null;
  updateInFlight: boolean;
  /** EKS Capabilities that run in the cluster, managed Argo CD, ACK and kro; null if EKS does not list them. */
  capabilities: { type: string; name: string }[] | null;
  tags: Record<string, string>;
}

/** How kube-proxy's pods are restarted: through the Kubernetes API, or by EKS because a pod annotation changed. */
export const RestartStrategy = z.enum(['kubernetes-api', 'pod-annotations']);
export type RestartStrategy = z.output<typeof RestartStrategy>;

/**
 * How the configuration is changed: `addon` by UpdateAddon; a self-managed kube-proxy is adopted by CreateAddon, or its
 * ConfigMap is edited.
 */
export const Way = z.enum(['addon', 'create-addon', 'config-map']);
export type Way = z.output<typeof Way>;

/**
 * Whether functions get an answer from the cluster's endpoint. A function outside a VPC has no fixed address that
 * `publicAccessCidrs` could list. A function in a VPC is assumed to reach a private endpoint; the look through
 * Kubernetes tests this before anything is changed.
 * https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html
 */
export function isReachable({ endpoint }: Pick<ClusterSnapshot, 'endpoint'>, inVpc: boolean): boolean {
  return (endpoint.public && endpoint.publicCidrs.length === 0) || (endpoint.private && inVpc);
}

/**
 * CONFIG_MAP clusters have no access entries, and an endpoint that does not answer cannot be used: in both cases only
 * pod annotations remain. https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
 */
export function restartStrategy(snapshot: ClusterSnapshot, inVpc: boolean): RestartStrategy {
  return snapshot.authenticationMode !== 'CONFIG_MAP' && isReachable(snapshot, inVpc)
    ? 'kubernetes-api'
    : 'pod-annotations';
}
