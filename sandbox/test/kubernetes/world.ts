import { VirtualClock } from '../../clock.ts';
import { createCertificates } from '../../kubernetes/certificates.ts';
import type { ClusterData } from '../../kubernetes/cluster-data.ts';
import { kubeconfig } from '../../kubernetes/kubeconfig.ts';
import { Listeners } from '../../kubernetes/listeners.ts';
import type { Intercept } from '../../kubernetes/server.ts';
import { type RunningKubernetesApi, startKubernetesApi } from '../../kubernetes/start.ts';
import type {
  AccessEntry,
  ApiCall,
  Cluster,
  ClusterWorkloads,
  KubeProxyConfig,
  NodeMachine,
  NodeOs,
  Region,
  WorkerNode,
} from '../../region.ts';

/** One authority for all tests of a file, as a sandbox has one for all clusters. */
const certificates = await createCertificates();

export const ROLE_ARN = 'arn:aws:iam::111122223333:role/nightshift-kubernetes';
export const SESSION_ARN = 'arn:aws:sts::111122223333:assumed-role/nightshift-kubernetes/run-1';
export const ISSUED = { accessKeyId: 'ASIAEXAMPLE', secretAccessKey: 'a-secret', sessionToken: 'a-session' };

/** A machine that remembers what kube-proxy was started with. `refuses` names a scheduler whose module is missing. */
export class RecordingMachine implements NodeMachine {
  readonly kind = 'model';
  readonly starts: KubeProxyConfig[] = [];
  readonly versions: string[] = [];
  refuses: string | undefined;
  #running: KubeProxyConfig | null = null;

  async runDocument() {
    return { exitCode: 1, stdout: '', stderr: 'no agent' };
  }

  async startKubeProxy(config: KubeProxyConfig, cluster: { version: string }) {
    this.starts.push(config);
    this.versions.push(cluster.version);
    if (config.mode === 'ipvs' && config.scheduler === this.refuses) {
      this.#running = null;
      return { running: false, reason: `can't use the IPVS proxier: ip_vs_${config.scheduler}` } as const;
    }
    this.#running = config;
    return { running: true, mode: config.mode } as const;
  }

  async report() {
    return {
      runningMode: this.#running?.mode ?? null,
      scheduler: this.#running?.scheduler ?? null,
      modules: [],
      ipvsadmInstalled: false,
      leftovers: { virtualServers: 0, rejectRules: 0, nftTables: 0 },
    };
  }

  async stop() {}
}

export interface World {
  readonly clock: VirtualClock;
  readonly cluster: ClusterData;
  readonly api: RunningKubernetesApi;
  readonly calls: ApiCall[];
  readonly machines: Map<string, RecordingMachine>;
  readonly kubeconfig: string;
  /** What timers threw. */
  readonly failures: unknown[];
  addNode(os: NodeOs): WorkerNode;
}

export interface WorldOptions {
  nodes?: NodeOs[];
  services?: number;
  configurationValues?: string | null;
  authenticationMode?: Cluster['authenticationMode'];
  entries?: AccessEntry['policies'][];
  intercept?: Intercept;
  /** The person who made the cluster; without one, a key that was not issued is nobody's. */
  creator?: { principal: string; arn: string };
  /** Besides STS's own. */
  stsHosts?: string[];
  workloads?: ClusterWorkloads;
}

export const EDIT_IN_KUBE_SYSTEM: AccessEntry['policies'][number] = {
  policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSEditPolicy',
  accessScope: { type: 'namespace', namespaces: ['kube-system'] },
};
export const VIEW: AccessEntry['policies'][number] = {
  policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSViewPolicy',
  accessScope: { type: 'cluster', namespaces: [] },
};

const START = new Date('2026-11-06T22:00:00Z');

function addNode(cluster: ClusterData, machines: Map<string, RecordingMachine>, os: NodeOs): WorkerNode {
  const number = cluster.nodes.length + 1;
  const machine = os === 'windows' || os === 'fargate' ? null : new RecordingMachine();
  const address = `192.168.${Math.floor(number / 250)}.${(number % 250) + 1}`;
  const name = `${os === 'fargate' ? 'fargate-' : ''}ip-${address.replaceAll('.', '-')}.ec2.internal`;
  const node: WorkerNode = {
    id: `i-${String(number).padStart(17, '0')}`,
    name,
    os,
    address,
    launchedAt: new Date('2026-11-01T00:00:00Z'),
    agent: 'online',
    terminated: false,
    machine,
  };
  cluster.nodes.push(node);
  if (machine) machines.set(node.id, machine);
  return node;
}

function clusterOf(options: WorldOptions): ClusterData {
  return {
    name: 'demo',
    arn: 'arn:aws:eks:us-east-1:111122223333:cluster/demo',
    createdAt: new Date('2026-10-01T00:00:00Z'),
    version: '1.34',
    serviceCidr: '10.100.0.0/16',
    ipFamily: 'ipv4',
    endpointAccess: 'public',
    authenticationMode: options.authenticationMode ?? 'API',
    autoMode: false,
    status: 'ACTIVE',
    tags: {},
    ...(options.workloads && { workloads: options.workloads }),
    services: [
      {
        namespace: 'default',
        name: 'kubernetes',
        clusterIp: '10.100.0.1',
        port: 443,
        protocol: 'TCP',
        endpoints: ['192.168.9.1:443'],
      },
      ...(['UDP', 'TCP'] as const).map((protocol) => ({
        namespace: 'kube-system',
        name: 'kube-dns',
        clusterIp: '10.100.0.10',
        port: 53,
        protocol,
        endpoints: ['192.168.7.2:53', '192.168.7.3:53'],
      })),
      ...Array.from({ length: options.services ?? 3 }, (_, index) => ({
        namespace: 'shop',
        name: `${options.workloads ? 'app' : 'svc'}-${index}`,
        clusterIp: `10.100.${1 + Math.floor(index / 250)}.${index % 250}`,
        port: 80,
        protocol: 'TCP' as const,
        endpoints: [`192.168.8.${index % 250}:8080`],
      })),
    ],
    nodes: [],
    addon: {
      version: 'v1.34.0-eksbuild.2',
      status: 'ACTIVE',
      configurationValues: options.configurationValues ?? null,
      createdAt: START,
      modifiedAt: START,
    },
    addonUpdates: [],
    accessEntries: new Map(
      (options.entries ?? []).map((policies) => [
        ROLE_ARN,
        { principalArn: ROLE_ARN, createdAt: START, kubernetesGroups: [], tags: {}, policies },
      ]),
    ),
  };
}

/** A cluster `demo` with its API running; by default three Amazon Linux nodes in iptables mode. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const failures: unknown[] = [];
  const clock = new VirtualClock(START, (error) => failures.push(error));
  const region: Region = {
    account: '111122223333',
    name: 'us-east-1',
    clock,
    random: () => 0.5,
    latencies: { addonUpdate: 20, command: 3, prepareCommand: 9, podRestart: 4, function: 0.2, grant: 0 },
    clusters: new Map(),
  };
  const cluster = clusterOf(options);
  const machines = new Map<string, RecordingMachine>();
  for (const os of options.nodes ?? ['al2023', 'al2023', 'al2023']) addNode(cluster, machines, os);
  const calls: ApiCall[] = [];
  // Of its own: a port that was given back would go on to listen.
  const listeners = new Listeners(certificates);
  const started = await startKubernetesApi({
    cluster,
    region,
    listeners,
    calls,
    credentials: {
      find: (id) =>
        id === ISSUED.accessKeyId
          ? { principal: 'nightshift-check-rollout', arn: SESSION_ARN, secretAccessKey: ISSUED.secretAccessKey }
          : undefined,
    },
    ...(options.intercept === undefined ? {} : { intercept: options.intercept }),
    ...(options.creator === undefined ? {} : { creator: options.creator }),
    stsHosts: () => options.stsHosts ?? [],
  });
  const api: RunningKubernetesApi = {
    ...started,
    close: async () => {
      await started.close();
      await listeners.close();
    },
  };
  return {
    clock,
    cluster,
    api,
    calls,
    machines,
    failures,
    kubeconfig: kubeconfig([api]),
    addNode: (os) => addNode(cluster, machines, os),
  };
}
