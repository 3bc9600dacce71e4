/** The Amazon VPC CNI of a cluster, its DaemonSet aws-node. Versions as `v1.23.0`. */
export interface VpcCni {
  readonly version: string;
  /** AWS_VPC_K8S_CNI_EXTERNALSNAT. */
  readonly externalSnat: boolean;
  /** AWS_VPC_K8S_CNI_EXCLUDE_SNAT_CIDRS. */
  readonly excludeSnatCidrs: readonly string[];
  /** Version of the network policy agent; null if the DaemonSet has no such container. */
  readonly networkPolicyAgent: string | null;
  /** Whether EKS has it as the add-on vpc-cni. */
  readonly addon: boolean;
}

/** By the Kubernetes minor version from which clusters have it, oldest first: the CNI, and the agent that belongs to it. */
const RELEASES: readonly (readonly [since: number, version: string, agent: string])[] = [
  [0, 'v1.18.6', 'v1.1.6'],
  [31, 'v1.19.0', 'v1.2.0'],
  [33, 'v1.19.5', 'v1.2.1'],
  [34, 'v1.20.4', 'v1.2.7'],
  [35, 'v1.21.1', 'v1.3.0'],
  [36, 'v1.23.0', 'v1.4.1'],
];

const minorOf = (version: string): number => Number(version.split('.')[1]);

/** What a cluster of this Kubernetes minor version has, where the world names nothing else. */
export function vpcCni(kubernetesVersion: string, given: Partial<VpcCni> = {}): VpcCni {
  const [, usual = '', agent = ''] = RELEASES.findLast(([since]) => minorOf(kubernetesVersion) >= since) ?? [];
  const { version = usual } = given;
  // The agent of another version of the CNI is that of the newest release up to it.
  const [, , ofVersion = agent] = RELEASES.findLast(([, release]) => minorOf(version) >= minorOf(release)) ?? [];
  return { externalSnat: false, excludeSnatCidrs: [], networkPolicyAgent: ofVersion, addon: true, ...given, version };
}
