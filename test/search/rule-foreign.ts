import { isByOther } from './others.ts';
import { perCluster } from './rule.ts';
import { asJson, type ClusterSeen, deedsOf, isDisruptive, type Seen, textOf } from './seen.ts';
import { formerly } from './truth.ts';

/**
 * Rule 9 on nodes: virtual servers of others stay. kube-proxy in IPVS mode deletes them by itself, and so does one that enters nftables mode, so a request has to
 * accept that before anything is changed; and where nothing is changed they stay in any case.
 */
export const serversOfOthersStay = perCluster((cluster, seen) => {
  const { requests, executions, after } = cluster;
  const accepted = requests.some(({ acknowledge = [] }) => acknowledge.includes('foreign-virtual-servers'));
  const changed = executions.some((execution) => deedsOf(execution).some(isDisruptive));
  if ((accepted && changed) || isModeByOther(cluster)) return [];
  // A kube-proxy that could not start for want of a module starts once the node is prepared, as its owner configured it.
  if (formerly(cluster.before).mode !== 'iptables') return [];
  const why = accepted ? 'although nothing was changed' : 'and no request accepted that';
  return after.nodes.flatMap(({ id, foreignVirtualServers = [] }) => {
    const lost = atFirst(seen, cluster, id).filter((server) => !foreignVirtualServers.includes(server));
    return lost.length > 0 ? [`${id} lost ${lost.join(', ')}, which others had made, ${why}`] : [];
  });
});

function atFirst({ first }: Seen, { before }: ClusterSeen, id: string): readonly string[] {
  const nodes = first.clusters.find(({ name }) => name === before.name)?.nodes ?? [];
  return nodes.find((node) => node.id === id)?.foreignVirtualServers ?? [];
}

/** Whether another principal asked for one of these modes: then what kube-proxy deletes is not the product's doing. */
function isModeByOther({ calls }: ClusterSeen): boolean {
  return calls.some((call) => {
    if (!isByOther(call) || call.error !== undefined) return false;
    const input = asJson(call.input);
    const config = textOf(asJson(asJson(input['body'])['data'])['config']);
    return /mode"?:\s*"?(ipvs|nftables)/.test(`${textOf(input['configurationValues'])}\n${config}`);
  });
}
