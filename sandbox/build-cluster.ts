import { buildServices, type NodePlan, planNodes } from './build-region.ts';
import type { Clock } from './clock.ts';
import type { Credentials } from './credentials.ts';
import type { ClusterData } from './kubernetes/cluster-data.ts';
import type { Listeners } from './kubernetes/listeners.ts';
import type { Intercept } from './kubernetes/server.ts';
import { type RunningKubernetesApi, startKubernetesApi } from './kubernetes/start.ts';
import { kernelMachine } from './nodes/kernel/machine.ts';
import { type ModelDocuments, modelMachine } from './nodes/model.ts';
import type { Addon, ApiCall, Cluster, NodeMachine, Region, WorkerNode } from './region.ts';
import { pastUpdates } from './services/eks/past-updates.ts';
import { vpcCni } from './vpc-cni.ts';
import type { WorldCluster } from './world.ts';

export type NodeKind = 'model' | 'kernel';

/** How the machines of worker nodes are made. */
export interface NodeMaking {
  readonly kind: NodeKind;
  /** What model nodes can run. */
  readonly documents: ModelDocuments;
}

const DAY_MS = 86_400_000;

/** What a cluster needs of the sandbox around it. */
export interface ClusterSurroundings {
  region: Region;
  credentials: Credentials;
  calls: ApiCall[];
  listeners: Listeners;
  nodeMaking: NodeMaking;
  intercept: Intercept;
  loseReply: (operation: string) => boolean;
  noAnswer: (milliseconds: number) => void;
  /** Hosts, with port, besides STS's own for which an EKS token may be signed. */
  stsHosts: () => readonly string[];
}

/** A cluster with its worker nodes and its Kubernetes API, as it has run for a month before the world's start. */
export async function buildCluster(
  described: WorldCluster,
  around: ClusterSurroundings,
): Promise<{ cluster: Cluster; api: RunningKubernetesApi }> {
  const { region, credentials, calls, listeners, nodeMaking, intercept, loseReply, noAnswer, stsHosts } = around;
  const createdAt = new Date(region.clock.now().getTime() - 30 * DAY_MS);
  const status = new Status(described, 'ACTIVE', region.clock);
  const data: ClusterData = {
    name: described.name,
    arn: `arn:aws:eks:${region.name}:${region.account}:cluster/${described.name}`,
    createdAt,
    version: described.version,
    serviceCidr: described.serviceCidr,
    ipFamily: described.serviceCidr.includes(':') ? 'ipv6' : 'ipv4',
    endpointAccess: described.endpoint,
    ...(described.publicAccessCidrs && { publicAccessCidrs: described.publicAccessCidrs }),
    ...(described.remoteNodeNetworks && { remoteNodeNetworks: described.remoteNodeNetworks }),
    authenticationMode: described.authenticationMode,
    autoMode: described.autoMode,
    ...(described.capabilities && { capabilities: described.capabilities }),
    get status() {
      return status.get();
    },
    set status(value) {
      status.set(value);
    },
    tags: { ...described.tags },
    services: buildServices(described),
    nodes: planNodes(described, region.name).map((plan) => bootNode(plan, region.clock, nodeMaking, createdAt)),
    addon: described.addon && addonOf(described.addon, createdAt, region.clock),
    addonUpdates: pastUpdates(described.pastUpdates, createdAt),
    accessEntries: new Map(),
    ...(described.rbac && { rbac: described.rbac }),
    // EKS Auto Mode has its own, which is not an add-on.
    cni: vpcCni(described.version, { addon: !described.autoMode, ...described.cni }),
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
    noAnswer,
    stsHosts,
  });
  // The Kubernetes API keeps `data` itself: both must stay one object.
  return { cluster: Object.assign(data, { kubernetes: api }), api };
}

/**
 * A status that becomes ACTIVE by itself when its time has come, unless it was set meanwhile. Without a timer: a virtual
 * clock would run on to it before anybody asks.
 */
class Status<Value extends string> {
  #value: Value;
  #activeAt: number;
  readonly #active: Value;
  readonly #now: () => number;

  constructor(described: { status: Value; activeAfter?: number }, active: Value, clock: Region['clock']) {
    this.#value = described.status;
    this.#active = active;
    this.#now = () => clock.now().getTime();
    this.#activeAt = this.#now() + (described.activeAfter ?? Number.POSITIVE_INFINITY) * 1000;
  }

  get(): Value {
    if (this.#now() >= this.#activeAt) this.set(this.#active);
    return this.#value;
  }

  set(value: Value): void {
    this.#value = value;
    this.#activeAt = Number.POSITIVE_INFINITY;
  }
}

/** The add-on as the world describes it. */
function addonOf(described: NonNullable<WorldCluster['addon']>, createdAt: Date, clock: Region['clock']): Addon {
  const status = new Status(described, 'ACTIVE', clock);
  return {
    version: described.version,
    get status() {
      return status.get();
    },
    set status(value) {
      status.set(value);
    },
    configurationValues: described.configuration,
    tags: described.tags,
    issues: described.issues,
    createdAt,
    modifiedAt: createdAt,
  };
}

/** A worker node of this plan with a machine that runs. */
export function bootNode(
  { group, ...identity }: NodePlan,
  clock: Clock,
  making: NodeMaking,
  launchedAt = clock.now(),
): WorkerNode {
  const { agentVersion, startedBy, claims, nodeTags: tags } = group;
  const known = {
    ...(agentVersion !== undefined && { agentVersion }),
    ...(startedBy && { startedBy }),
    ...(claims && { claims }),
    ...(tags && { tags }),
    ...(group.state === 'stopped' && { stopped: true }),
    ...(group.state === 'not-ready' && { notReady: true }),
  };
  const machine = machineFor({ group, ...identity }, clock, making);
  return { ...identity, ...known, launchedAt, terminated: false, machine };
}

function machineFor(
  { os, name, address, kernel, group }: NodePlan,
  clock: Clock,
  { kind, documents }: NodeMaking,
): NodeMachine | null {
  if (os === 'windows' || os === 'fargate') return null;
  const { missingModules, builtinModules, packageMirror, foreignVirtualServers = [], dropChains = [] } = group;
  const { localhostNodePorts = 0 } = group;
  // Bottlerocket takes no script at all: Debian's kernel would prove nothing about it.
  return kind === 'kernel' && os !== 'bottlerocket'
    ? kernelMachine({ name, address, missingModules, packageMirror, foreignVirtualServers })
    : modelMachine({
        os,
        name,
        address,
        ...(kernel !== undefined && { kernel }),
        now: () => clock.now(),
        missingModules,
        builtinModules,
        packageMirror,
        foreignVirtualServers,
        dropChains,
        localhostNodePorts,
        documents,
      });
}
