import { type Claim, claimsOf, isLoud, proofOf } from './claims.ts';
import { isByProduct, isChangedByOther } from './others.ts';
import { perCluster } from './rule.ts';
import { type ClusterSeen, deedsOf, type Seen } from './seen.ts';
import { configured, nextPodRuns, sameRunning, shown } from './truth.ts';

/**
 * Rule 10: success is what runs and what the next pod starts with. What another changes after the execution looked for
 * the last time is another's.
 */
export const theNextPodStartsTheSame = perCluster((cluster, seen) => {
  const claim = claimsOf(seen, cluster).at(-1);
  if (!claim || isLoud(seen, cluster) || isChangedByOther(cluster, lastLook(seen, cluster, claim))) return [];
  const { addon } = cluster.after;
  const values = addon && configured(addon.configurationValues);
  const sentence = `${claim.execution.name} ended ${claim.ending} with ${shown(claim.running)}`;
  if (values && !sameRunning(values, claim.values))
    return [`${sentence}, and the add-on is configured as ${shown(values)}`];
  if (!seesConfigMap(cluster, claim)) return [];
  const next = nextPodRuns(cluster.after);
  if (next === null) return [`${sentence}, and the next pod would not start`];
  return sameRunning(next, claim.running) ? [] : [`${sentence}, and the next pod starts with ${shown(next)}`];
});

/** The functions that read the add-on or the ConfigMap, and the seconds that they take at most. */
const READERS = new Set([
  'inspect-cluster',
  'inspect-rollback',
  'check-configuration',
  'update-addon',
  'edit-config-map',
]);
const READER_SECONDS = 60;

/**
 * When the executions of the claim last read the add-on or the ConfigMap before it, but not before they asked for the
 * proof. What another execution reads of the same cluster meanwhile is not their look.
 */
export function lastLook(seen: Seen, cluster: ClusterSeen, claim: Claim): string {
  const own = cluster.executions.filter(({ name }) => [claim.execution.name, claim.provenBy].includes(name));
  const readers = own.flatMap(deedsOf).filter(({ what }) => READERS.has(what));
  const starts = readers.map(({ at }) => at.getTime());
  const isOwn = (at: number) => starts.some((start) => start <= at && at <= start + READER_SECONDS * 1_000);
  const looked = cluster.calls.findLast(
    (call) =>
      isByProduct(call) &&
      call.at <= claim.endedAt &&
      call.error === undefined &&
      /^(DescribeAddon|get configmaps)$/.test(call.operation) &&
      isOwn(Date.parse(call.at)),
  );
  const proven = proofOf(seen, cluster, claim).at(-1)?.sentAt ?? '';
  return looked && looked.at > proven ? looked.at : proven;
}

/** Only with access to the Kubernetes API can an execution see what the ConfigMap says. */
function seesConfigMap({ calls }: ClusterSeen, { provenBy }: Claim): boolean {
  return calls.some(
    ({ service, principal, error }) =>
      service === 'kubernetes' && error === undefined && principal.endsWith(`/nightshift-${provenBy}`),
  );
}
