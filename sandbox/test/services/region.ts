import type { AddressInfo } from 'node:net';
import { type Clock, VirtualClock } from '../../clock.ts';
import { Credentials } from '../../credentials.ts';
import { Faults } from '../../faults.ts';
import type {
  AgentState,
  ApiCall,
  Cluster,
  CommandResult,
  KubernetesCluster,
  NodeMachine,
  NodeOs,
  ProxyMode,
  Region,
  WorkerNode,
} from '../../region.ts';
import { Dispatcher } from '../../wire/dispatcher.ts';
import type { EmulatorBug } from '../../wire/error.ts';
import { wireServer } from '../../wire/server.ts';

export const START = new Date('2026-11-21T22:00:00Z');

/** The Kubernetes side of a cluster: keeps what the add-on controller wrote last. */
export class RecordingKubernetes implements KubernetesCluster {
  readonly endpoint = 'https://127.0.0.1:6443';
  readonly certificateAuthority = 'UEVN';
  readonly applied: Parameters<KubernetesCluster['applyAddon']>[0][] = [];
  config: { mode: ProxyMode; scheduler: string } = { mode: 'iptables', scheduler: '' };

  applyAddon(addon: Parameters<KubernetesCluster['applyAddon']>[0]): Promise<void> {
    this.applied.push(addon);
    this.config = { mode: addon.mode, scheduler: addon.scheduler };
    return Promise.resolve();
  }
  kubeProxyConfig() {
    return this.config;
  }
  editProxyConfig(): boolean {
    return false;
  }
  nodesChanged(): void {}
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** A machine that answers every script with the same result and keeps what it was asked to run. */
export class ScriptedMachine implements NodeMachine {
  readonly kind = 'model';
  readonly runs: Parameters<NodeMachine['runDocument']>[0][] = [];
  result: CommandResult = { exitCode: 0, stdout: 'done\n', stderr: '' };

  runDocument(run: Parameters<NodeMachine['runDocument']>[0]): Promise<CommandResult> {
    this.runs.push(run);
    return Promise.resolve(this.result);
  }
  startKubeProxy(config: { mode: ProxyMode }) {
    return Promise.resolve({ running: true, mode: config.mode } as const);
  }
  report() {
    const leftovers = { virtualServers: 0, rejectRules: 0, nftTables: 0 };
    return Promise.resolve({ runningMode: null, scheduler: null, modules: [], ipvsadmInstalled: false, leftovers });
  }
  stop(): Promise<void> {
    return Promise.resolve();
  }
}

export interface NodeSketch {
  os?: NodeOs;
  agent?: AgentState;
  address?: string;
  startedBy?: 'eks' | 'karpenter';
}

export function makeNode(
  index: number,
  { os = 'al2023', agent = 'online', address, startedBy = 'eks' }: NodeSketch = {},
): WorkerNode & { machine: ScriptedMachine | null } {
  const last = index + 1;
  return {
    id: `i-${String(last).padStart(17, '0')}`,
    name: `ip-192-168-1-${last}.ec2.internal`,
    os,
    address: address ?? `192.168.1.${last}`,
    launchedAt: new Date('2026-11-01T00:00:00Z'),
    agent,
    startedBy,
    terminated: false,
    machine: os === 'windows' || os === 'fargate' ? null : new ScriptedMachine(),
  };
}

export function makeCluster(
  name: string,
  overrides: Partial<Cluster> = {},
): Cluster & { kubernetes: RecordingKubernetes } {
  const created = new Date('2026-01-15T10:00:00Z');
  return {
    name,
    arn: `arn:aws:eks:us-east-1:111122223333:cluster/${name}`,
    createdAt: created,
    version: '1.34',
    serviceCidr: '10.100.0.0/16',
    ipFamily: 'ipv4',
    endpointAccess: 'public',
    authenticationMode: 'API_AND_CONFIG_MAP',
    autoMode: false,
    status: 'ACTIVE',
    tags: { team: 'platform' },
    services: [],
    nodes: [],
    addon: {
      version: 'v1.34.1-eksbuild.2',
      status: 'ACTIVE',
      configurationValues: null,
      createdAt: created,
      modifiedAt: created,
    },
    addonUpdates: [],
    accessEntries: new Map(),
    ...overrides,
    kubernetes: new RecordingKubernetes(),
  };
}

/** A linear congruential generator: the same numbers in every run. */
function seeded(): () => number {
  let state = 42;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

export class TestRegion {
  readonly clusters = new Map<string, Cluster>();
  readonly clock: VirtualClock;
  readonly region: Region;
  readonly calls: ApiCall[] = [];
  readonly credentials = new Credentials('111122223333');
  readonly faults: Faults;
  readonly dispatcher: Dispatcher;
  readonly bugs: EmulatorBug[] = [];
  readonly clockErrors: unknown[] = [];
  readonly #server;

  constructor(clusters: readonly Cluster[] = []) {
    for (const cluster of clusters) this.clusters.set(cluster.name, cluster);
    this.clock = new VirtualClock(START, (error) => this.clockErrors.push(error));
    this.region = {
      account: '111122223333',
      name: 'us-east-1',
      clock: this.clock,
      random: seeded(),
      latencies: { addonUpdate: 20, command: 3, prepareCommand: 12, podRestart: 4, function: 0.1, grant: 0 },
      clusters: this.clusters,
    };
    this.faults = new Faults(this.region);
    this.dispatcher = new Dispatcher({ clock: this.clock, calls: this.calls, faults: this.faults });
    this.#server = wireServer({
      dispatcher: this.dispatcher,
      credentials: this.credentials,
      onBug: (bug) => this.bugs.push(bug),
    });
  }

  /** Listens; answers the configuration with which SDK clients reach this Region. */
  async listen() {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    const address = this.#server.address();
    const { port } =
      typeof address === 'object' && address ? address : ({ port: 0 } satisfies Pick<AddressInfo, 'port'>);
    const credentials = { accessKeyId: 'AKIAPERSON', secretAccessKey: 'secret' };
    return { endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', credentials, maxAttempts: 1 };
  }

  async close(): Promise<void> {
    this.clock.stop();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Runs `work` while virtual time stands still, so that a test decides when it moves. */
  frozen<T>(work: (clock: Clock) => Promise<T>): Promise<T> {
    return this.clock.busy(() => work(this.clock));
  }
}
