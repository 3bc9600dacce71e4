/** The tags whose value is the name of the cluster that an instance belongs to; EKS and Karpenter set them. */
const NAMING_TAGS = ['aws:eks:cluster-name', 'eks:eks-cluster-name'] as const;
/** The tag whose key names the cluster, also for nodes that neither EKS nor Karpenter started. */
const OWNING_TAG = /^kubernetes\.io\/cluster\/(.+)$/;

/** The keys of these tags, with `*` for the cluster's name, as a filter of EC2 takes them. */
export const CLUSTER_TAG_KEYS: readonly string[] = [...NAMING_TAGS, 'kubernetes.io/cluster/*'];

/** The clusters that an instance's tags name, by name; a worker node is of one. */
export function clustersOf(tags: Readonly<Record<string, string>>): string[] {
  const named = NAMING_TAGS.flatMap((key) => tags[key] ?? []);
  const owning = Object.keys(tags).flatMap((key) => OWNING_TAG.exec(key)?.[1] ?? []);
  return [...new Set([...named, ...owning])].sort();
}
