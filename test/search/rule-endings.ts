import { isLoud } from './claims.ts';
import { duplicatesIn, isOnlyBookkeeping } from './misfortunes.ts';
import { perCluster, type Rule } from './rule.ts';
import { asJson, type ClusterSeen, deedsOf, isDisruptive, isMigration, ownerOf, type Seen, textOf } from './seen.ts';
import { configured, liveNodes, runningOn, runsKubeProxy, sameRunning, shown } from './truth.ts';

/** Three recoveries, and the one that gives up. */
const MOST_RECOVERIES = 4;

/** Rule 11: everything ends: there is a last recovery, an incident pages once, and no broken store keeps a cluster broken. */
export const everythingEnds: Rule = (seen) => [
  ...perCluster((cluster) => [...tooManyRecoveries(seen, cluster), ...tooManyPages(seen, cluster)])(seen),
  ...(isOnlyBookkeeping(seen) ? perCluster((cluster) => notPutBack(seen, cluster))(seen) : []),
];

function tooManyRecoveries(seen: Seen, { executions }: ClusterSeen): string[] {
  const most = MOST_RECOVERIES * (1 + duplicatesIn(seen));
  const counts = new Map<string, number>();
  for (const execution of executions)
    if (execution.input['mode'] === 'recover')
      counts.set(ownerOf(execution), (counts.get(ownerOf(execution)) ?? 0) + 1);
  return [...counts]
    .filter(([, count]) => count > most)
    .map(([owner, count]) => `${count} recoveries of ${owner}, where ${most} are the most`);
}

/** Events that page somebody, by the migration that they are about. */
function tooManyPages({ calls, of, ...seen }: Seen, { executions }: ClusterSeen): string[] {
  const puts = calls.filter(({ operation, error }) => operation === 'PutEvents' && error === undefined);
  // An event whose answer was lost is put again.
  if (puts.some(({ lostReply }) => lostReply)) return [];
  const incidents = new Map(
    executions.map((execution) => [execution.arn, isMigration(execution) ? execution.name : ownerOf(execution)]),
  );
  const pages = puts
    .flatMap(({ input }) => [asJson(input)['Entries']].flat().map(asJson))
    .filter(({ DetailType }) => DetailType === 'nightshift.RollbackFailed')
    .flatMap(({ Resources }) => {
      const about = [Resources].flat().flatMap((arn) => incidents.get(textOf(arn)) ?? []);
      return about.slice(0, 1);
    });
  const most = 1 + duplicatesIn({ calls, of, ...seen });
  return [...new Set(pages)]
    .map((incident) => ({ incident, count: pages.filter((each) => each === incident).length }))
    .filter(({ count }) => count > most)
    .map(({ incident, count }) => `${count} pages about ${incident}`);
}

/**
 * With all else in order, every node runs what is configured, whatever could be recorded of it. If nothing was changed, a
 * kube-proxy that could not start before, for want of a module, still does not run.
 */
function notPutBack(seen: Seen, cluster: ClusterSeen): string[] {
  const { addon } = cluster.after;
  const changed = cluster.executions.some((execution) => deedsOf(execution).some(isDisruptive));
  const first = seen.first.clusters.find(({ name }) => name === cluster.before.name);
  const silent = first?.nodes.filter((node) => runsKubeProxy(node) && node.runningMode === null) ?? [];
  const neverRan = new Set(silent.map(({ id }) => id));
  // A kube-proxy that did not run before may not run in any mode.
  if (isLoud(seen, cluster))
    return neverRan.size > 0 ? [] : ['only records were lost, and the cluster could not be brought into one mode'];
  if (!addon) return [];
  const values = configured(addon.configurationValues);
  return liveNodes(cluster.after)
    .filter((node) => !sameRunning(runningOn(node), values) && (changed || !neverRan.has(node.id)))
    .map((node) => {
      return `${node.id} runs ${shown(runningOn(node))}, configured is ${shown(values)}, and only records were lost`;
    });
}
