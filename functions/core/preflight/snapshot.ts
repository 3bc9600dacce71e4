import * as z from 'zod/mini';

/** Where a cluster's API server answers; `certificateAuthority` is PEM in base64. */
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
  /** EKS's word: ACTIVE, CREATING, UPDATING, DELETING, FAILED, PENDING. */
  status: string;
  /** null while EKS has none for it. */
  api: ApiServer | null;
  /** `publicCidrs`: the only addresses that the public endpoint answers; empty when it answers all. */
  endpoint: { public: boolean; private: boolean; publicCidrs: string[] };
  /** API, API_AND_CONFIG_MAP or CONFIG_MAP. */
  authenticationMode: string;
  serviceCidr: string;
  autoMode: boolean;
  /** Whether the cluster has networks for EKS Hybrid Nodes, which are no EC2 instances. */
  hybridNetworks: boolean;
  /** The kube-proxy add-on; null when kube-proxy is self-managed. */
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
   * The add-on version that could adopt a self-managed kube-proxy, EKS's default until its image is known, with its schema,
   * and all that EKS has for the cluster; null where there is an add-on.
   */
  offered: { version: string; schema: string; versions: string[] } | null;
  updateInFlight: boolean;
  /** EKS Capabilities that run in the cluster, managed Argo CD, ACK and kro; null if EKS does not tell. */
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
 * Whether functions get an answer from the cluster's endpoint. A function outside a VPC has no address of its own that
 * `publicAccessCidrs` could list; one in a VPC is taken to have a way to a private endpoint, which the look through
 * Kubernetes then tries before anything is changed. https://docs.aws.amazon.com/eks/latest/userguide/cluster-endpoint.html
 */
export function isReachable({ endpoint }: Pick<ClusterSnapshot, 'endpoint'>, inVpc: boolean): boolean {
  return (endpoint.public && endpoint.publicCidrs.length === 0) || (endpoint.private && inVpc);
}

/**
 * Access entries do not exist on CONFIG_MAP clusters, and an endpoint that does not answer cannot be used: both are left
 * with pod annotations. https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html
 */
export function restartStrategy(snapshot: ClusterSnapshot, inVpc: boolean): RestartStrategy {
  return snapshot.authenticationMode !== 'CONFIG_MAP' && isReachable(snapshot, inVpc)
    ? 'kubernetes-api'
    : 'pod-annotations';
}
