import { buildServices, type NodePlan, planNodes } from './build-region.ts';
import type { Credentials } from './credentials.ts';
import type { ClusterData } from './kubernetes/cluster-data.ts';
import type { Listeners } from './kubernetes/listeners.ts';
import type { Intercept } from './kubernetes/server.ts';
import { type RunningKubernetesApi, startKubernetesApi } from './kubernetes/start.ts';
import { kernelMachine } from './nodes/kernel/machine.ts';
import { modelMachine } from './nodes/model.ts';
import type { ApiCall, Cluster, NodeMachine, Region, WorkerNode } from './region.ts';
import type { WorldCluster } from './world.ts';

export type NodeKind = 'model' | 'kernel';

const DAY_MS = 86_400_000;

/** What a cluster needs of the sandbox around it. */
export interface ClusterSurroundings {
  region: Region;
  credentials: Credentials;
  calls: ApiCall[];
  listeners: Listeners;
  nodeKind: NodeKind;
  intercept: Intercept;
  loseReply: (operation: string) => boolean;
  /** Hosts, with port, besides STS's own for which an EKS token may be signed. */
  stsHosts: () => readonly string[];
}

/** A cluster with its worker nodes and its Kubernetes API, as it has run for a month before the world's start. */
export async function buildCluster(
  described: WorldCluster,
  around: ClusterSurroundings,
): Promise<{ cluster: Cluster; api: RunningKubernetesApi }> {
  const { region, credentials, calls, listeners, nodeKind, intercept, loseReply, stsHosts } = around;
  const createdAt = new Date(region.clock.now().getTime() - 30 * DAY_MS);
  const data: ClusterData = {
    name: described.name,
    arn: `arn:aws:eks:${region.name}:${region.account}:cluster/${described.name}`,
    createdAt,
    version: described.version,
    serviceCidr: described.serviceCidr,
    ipFamily: described.serviceCidr.includes(':') ? 'ipv6' : 'ipv4',
    endpointAccess: described.endpoint,
    authenticationMode: described.authenticationMode,
    autoMode: described.autoMode,
    status: described.status,
    tags: { ...described.tags },
    services: buildServices(described),
    nodes: planNodes(described, region.name).map((plan) => bootNode(plan, createdAt, nodeKind)),
    addon: described.addon && {
      version: described.addon.version,
      status: described.addon.status,
      configurationValues: described.addon.configuration,
      tags: described.addon.tags,
      issues: described.addon.issues,
      createdAt,
      modifiedAt: createdAt,
    },
    addonUpdates: [],
    accessEntries: new Map(),
    ...(described.workloads && { workloads: described.workloads }),
  };
  const api = await startKubernetesApi({
    cluster: data,
    region,
    credentials,
    calls,
    listeners,
    creator: credentials.person,
    intercept,
    loseReply,
    stsHosts,
  });
  // The Kubernetes API keeps `data` itself: both must stay one object.
  return { cluster: Object.assign(data, { kubernetes: api }), api };
}

/** A worker node of this plan with a machine that runs. */
export function bootNode({ group, ...identity }: NodePlan, launchedAt: Date, kind: NodeKind): WorkerNode {
  const { agentVersion } = group;
  const agent = agentVersion === undefined ? {} : { agentVersion };
  return { ...identity, ...agent, launchedAt, terminated: false, machine: machineFor({ group, ...identity }, kind) };
}

function machineFor({ os, name, address, group }: NodePlan, kind: NodeKind): NodeMachine | null {
  if (os === 'windows' || os === 'fargate') return null;
  const { missingModules, builtinModules, packageMirror } = group;
  // Bottlerocket takes no script at all: a kernel of Debian's would say nothing about it.
  return kind === 'kernel' && os !== 'bottlerocket'
    ? kernelMachine({ name, address, missingModules, packageMirror })
    : modelMachine({ os, name, address, missingModules, builtinModules, packageMirror });
}
