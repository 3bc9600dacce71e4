import { bootNode, type NodeMaking } from '../build-cluster.ts';
import { planNode } from '../build-region.ts';
import type { Cluster, Region } from '../region.ts';
import { after, latency } from '../services/latency.ts';
import type { JoinFault } from './kinds.ts';

/** Seconds until a new node's agent has registered with SSM. */
const REGISTRATION_SECONDS = 20;

/**
 * Lets nodes join a cluster as an Auto Scaling group would: they are not prepared, kube-proxy starts with the
 * current ConfigMap, and SSM knows them some seconds later.
 */
export function joinNodes(region: Region, making: NodeMaking, cluster: Cluster, join: JoinFault['join']): void {
  const { os, count, ssm, missingModules } = join;
  const group = { os, count, ssm: 'none' as const, missingModules, builtinModules: [], packageMirror: 'up' as const };
  for (let joined = 0; joined < count; joined += 1) {
    const plan = planNode({
      clusterName: cluster.name,
      version: cluster.version,
      region: region.name,
      family: cluster.ipFamily,
      group,
      index: cluster.nodes.length,
    });
    const node = bootNode(plan, region.clock, making);
    cluster.nodes.push(node);
    if (ssm === 'none' || os === 'fargate') continue;
    region.clock.at(after(region, latency(region, REGISTRATION_SECONDS)), () => {
      if (!node.terminated) node.agent = 'online';
    });
  }
  cluster.kubernetes.nodesChanged();
}
