import { type ClusterSeen, clustersOf, type Seen } from './seen.ts';

/** Looks at what was seen of one run and answers a sentence for each violation. */
export type Rule = (seen: Seen) => string[];

/** A rule that looks at each cluster by itself. */
export function perCluster(rule: (cluster: ClusterSeen, seen: Seen) => string[]): Rule {
  return (seen) =>
    clustersOf(seen).flatMap((cluster) =>
      rule(cluster, seen).map((violation) => `${cluster.before.name}: ${violation}`),
    );
}
