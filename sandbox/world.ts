import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject } from 'ajv';
import type { RateLimit } from './rates/published.ts';
import type { Addon, AgentState, Cluster, ClusterWorkloads, Latencies, NodeOs, RbacObject } from './region.ts';
import { type ServiceNetwork, serviceNetwork } from './service-network.ts';
import type { VpcCni } from './vpc-cni.ts';
import { isServiceId, serviceModel } from './wire/catalog.ts';

/** A world file as `world.schema.json` describes it, with every default filled in. */
export interface World {
  account: string;
  region: string;
  start: Date;
  seed: number;
  clusters: WorldCluster[];
  /** For the product that is deployed into it; the sandbox itself does nothing with them. */
  windows: Record<string, unknown>;
  calendars: Record<string, { state: 'OPEN' | 'CLOSED'; transitions: Date[] }>;
  /** By add-on version. */
  addonModes: Record<string, string[]>;
  latencies: Latencies;
  /** Without them no call is throttled. */
  rates?: { published: boolean; own: RateLimit[] };
}

export interface WorldCluster {
  name: string;
  version: string;
  serviceCidr: string;
  services: number;
  servicesWithoutEndpoints: number;
  tags: Record<string, string>;
  endpoint: 'public' | 'private';
  publicAccessCidrs?: string[];
  remoteNodeNetworks?: string[];
  capabilities?: ('ACK' | 'ARGOCD' | 'KRO')[];
  authenticationMode: Cluster['authenticationMode'];
  status: Cluster['status'];
  /** Seconds from the world's start. */
  activeAfter?: number;
  autoMode: boolean;
  /** How many updates of the add-on there were before the world's start. */
  pastUpdates: number;
  addon: {
    version: string;
    status: Addon['status'];
    /** Seconds from the world's start. */
    activeAfter?: number;
    configuration: string | null;
    tags: Record<string, string>;
    issues: { code: string; message: string }[];
  } | null;
  /** What is not given is that of a recent CNI for the cluster's version. */
  cni?: Partial<VpcCni>;
  workloads?: ClusterWorkloads;
  rbac?: RbacObject[];
  nodeGroups: WorldNodeGroup[];
}

export interface WorldNodeGroup {
  os: NodeOs;
  count: number;
  ssm: AgentState;
  missingModules: string[];
  builtinModules: string[];
  packageMirror: 'up' | 'down';
  agentVersion?: string;
  startedBy?: 'eks' | 'karpenter' | 'person';
  state?: 'running' | 'stopped' | 'not-ready';
  /** IPVS virtual servers that kube-proxy did not make, as prepare-node.sh prints them. */
  foreignVirtualServers?: string[];
  claims?: NodeOs;
  /** The kernel's release; without it that of a recent image for the cluster's version. */
  kernel?: string;
  /** Base chains of a firewall on the nodes that drop what they do not know. */
  dropChains?: string[];
  /** Packets to node ports on 127.0.0.1 that kube-proxy counts on each node in iptables mode. */
  localhostNodePorts?: number;
  /** Tags of the instances besides those of who started them. */
  nodeTags?: Record<string, string>;
}

/** The file as the schema admits it, before defaults. */
interface WorldFile {
  account: string;
  region: string;
  start: string;
  seed: number;
  clusters: (Pick<WorldCluster, 'name' | 'version' | 'serviceCidr' | 'services' | 'endpoint' | 'authenticationMode'> &
    Partial<
      Pick<
        WorldCluster,
        | 'capabilities'
        | 'publicAccessCidrs'
        | 'remoteNodeNetworks'
        | 'pastUpdates'
        | 'servicesWithoutEndpoints'
        | 'tags'
        | 'status'
        | 'activeAfter'
        | 'autoMode'
        | 'cni'
        | 'workloads'
      >
    > & {
      addon: {
        version: string;
        status?: Addon['status'];
        activeAfter?: number;
        configuration?: string | object | null;
        tags?: Record<string, string>;
        issues?: { code: string; message: string }[];
      } | null;
      nodeGroups: (Pick<WorldNodeGroup, 'os' | 'count'> & Partial<WorldNodeGroup>)[];
    })[];
  windows: Record<string, unknown>;
  calendars?: Record<string, { state: 'OPEN' | 'CLOSED'; transitions?: string[] }>;
  addonModes?: Record<string, string[]>;
  latencies?: Partial<Latencies>;
  rates?: { published?: boolean; own?: Record<string, { size: number; perSecond: number }> };
}

/** A world file that breaks a rule; the message names the path in the file and the rule. */
export class WorldError extends Error {
  override readonly name = 'WorldError';
}

const LATENCIES: Latencies = {
  addonUpdate: 20,
  command: 3,
  prepareCommand: 25,
  podRestart: 4,
  function: 0.4,
  grant: 10,
};

/** https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html */
const CLUSTER_NAME = /^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/;

const validate = new Ajv({
  allErrors: true,
  strict: true,
  allowUnionTypes: true,
  formats: { 'date-time': isDateTime, 'eks-cluster-name': CLUSTER_NAME },
}).compile<WorldFile>(JSON.parse(readFileSync(new URL('world.schema.json', import.meta.url), 'utf8')));

/**
 * Checks a parsed world file and fills in its defaults.
 *
 * @throws WorldError naming the path and the rule that it breaks.
 */
export function parseWorld(input: unknown): World {
  if (!validate(input)) throw new WorldError(describe(validate.errors ?? []));
  const names = new Set<string>();
  for (const [index, cluster] of input.clusters.entries()) {
    const { name } = cluster;
    if (names.has(name)) throw new WorldError(`/clusters/${index}/name: ${name} is there twice; names are unique`);
    names.add(name);
    checkServices(cluster, `/clusters/${index}`);
    checkNodes(cluster, `/clusters/${index}`);
  }
  return {
    account: input.account,
    region: input.region,
    start: new Date(input.start),
    seed: input.seed,
    clusters: input.clusters.map(withDefaults),
    windows: input.windows,
    calendars: Object.fromEntries(
      Object.entries(input.calendars ?? {}).map(([name, { state, transitions = [] }]) => [
        name,
        { state, transitions: transitions.map((moment) => new Date(moment)).sort((a, b) => a.getTime() - b.getTime()) },
      ]),
    ),
    addonModes: input.addonModes ?? {},
    latencies: { ...LATENCIES, ...input.latencies },
    ...(input.rates && { rates: readRates(input.rates) }),
  };
}

/** `own` has the operations as `service:Operation`, each with a bucket of its own. */
function readRates({ published = false, own = {} }: NonNullable<WorldFile['rates']>): NonNullable<World['rates']> {
  const limits = Object.entries(own).map(([name, rate]): RateLimit => {
    const [service = '', operation = ''] = name.split(':');
    if (!isServiceId(service) || !serviceModel(service).operations.has(operation))
      throw new WorldError(`/rates/own/${name}: is no operation of a service that the sandbox has`);
    return { service, operations: [operation], ...rate };
  });
  return { published, own: limits };
}

function withDefaults(cluster: WorldFile['clusters'][number]): WorldCluster {
  const { addon } = cluster;
  return {
    servicesWithoutEndpoints: 0,
    tags: {},
    status: 'ACTIVE',
    autoMode: false,
    pastUpdates: 0,
    ...cluster,
    addon: addon && {
      version: addon.version,
      status: addon.status ?? 'ACTIVE',
      ...(addon.activeAfter !== undefined && { activeAfter: addon.activeAfter }),
      configuration: asText(addon.configuration),
      tags: addon.tags ?? {},
      issues: addon.issues ?? [],
    },
    nodeGroups: cluster.nodeGroups.map((group) => ({
      ssm: 'online',
      missingModules: [],
      builtinModules: [],
      packageMirror: 'up',
      ...group,
    })),
  };
}

/** `default/kubernetes` and `kube-system/kube-dns` are among a cluster's Services; the first 16 addresses are EKS's. */
function checkServices(cluster: Pick<WorldCluster, 'serviceCidr' | 'services'>, path: string): void {
  const { serviceCidr, services } = cluster;
  if (services - 2 > networkOf(serviceCidr, path).size - 16)
    throw new WorldError(`${path}/services: ${services} Services do not fit into ${serviceCidr}`);
}

function networkOf(serviceCidr: string, path: string): ServiceNetwork {
  try {
    return serviceNetwork(serviceCidr);
  } catch (cause) {
    if (cause instanceof RangeError) throw new WorldError(`${path}/serviceCidr: ${cause.message}`, { cause });
    throw cause;
  }
}

/** Above it the addresses that nodes get would meet those of the pods behind the Services. */
const MOST_NODES = 30_000;

function checkNodes({ nodeGroups }: WorldFile['clusters'][number], path: string): void {
  const count = nodeGroups.reduce((sum, group) => sum + group.count, 0);
  if (count > MOST_NODES)
    throw new WorldError(`${path}/nodeGroups: have ${count} nodes; a cluster has at most ${MOST_NODES}`);
}

const asText = (configuration: string | object | null | undefined): string | null =>
  typeof configuration === 'object' && configuration !== null ? JSON.stringify(configuration) : (configuration ?? null);

/** ISO 8601 with a zone: a moment without one would mean another time on another machine. */
function isDateTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text));
}

/** The most specific complaint first: of an `anyOf` that failed, its branches say more than itself. */
function describe(errors: ErrorObject[]): string {
  const [first] = errors.filter(({ keyword }) => keyword !== 'anyOf').concat(errors);
  if (!first) return '/: is not a world file';
  const { instancePath, keyword, message, params } = first;
  const detail =
    keyword === 'additionalProperties'
      ? `has no member ${String(params['additionalProperty'])}`
      : keyword === 'enum'
        ? `${message}: ${params['allowedValues'].join(', ')}`
        : keyword === 'type'
          ? `must be ${[params['type']].flat().join(' or ')}`
          : message;
  return `${instancePath || '/'}: ${detail}`;
}
