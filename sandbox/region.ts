import type { Clock } from './clock.ts';
import type { VpcCni } from './vpc-cni.ts';

/**
 * The state that the sandbox's services share: clusters and their worker nodes. A service keeps what only it knows
 * (commands, objects, executions) to itself.
 */
export interface Region {
  readonly account: string;
  readonly name: string;
  readonly clock: Clock;
  /** Seeded: the same world file gives the same numbers in the same order. 0 ≤ n < 1. */
  readonly random: () => number;
  readonly latencies: Latencies;
  readonly clusters: Map<string, Cluster>;
}

/** Seconds of the sandbox's time; each use is spread by ±20 % with the region's random numbers. */
export interface Latencies {
  addonUpdate: number;
  command: number;
  prepareCommand: number;
  podRestart: number;
  function: number;
  /** Until an access entry or a policy counts everywhere; 0: at once. */
  grant: number;
}

export const NODE_SYSTEMS = [
  'al2023',
  'al2',
  'ubuntu',
  'rhel',
  'rocky',
  'almalinux',
  'oracle',
  'sles',
  'bottlerocket',
  'windows',
  'fargate',
] as const;
export type NodeOs = (typeof NODE_SYSTEMS)[number];
/** As SSM sees the agent: `offline` is ConnectionLost, `none` never registered. */
export type AgentState = 'online' | 'offline' | 'none';

export interface Cluster {
  readonly name: string;
  readonly arn: string;
  readonly createdAt: Date;
  /** Kubernetes minor version, `1.34`. */
  readonly version: string;
  readonly serviceCidr: string;
  readonly ipFamily: 'ipv4' | 'ipv6';
  readonly endpointAccess: 'public' | 'private';
  /** The only addresses that a public endpoint answers; without it, it answers all. */
  readonly publicAccessCidrs?: readonly string[];
  /** Networks outside AWS that hybrid nodes may be in. */
  readonly remoteNodeNetworks?: readonly string[];
  readonly authenticationMode: 'API' | 'API_AND_CONFIG_MAP' | 'CONFIG_MAP';
  readonly autoMode: boolean;
  /** EKS Capabilities that run in it. */
  readonly capabilities?: readonly ('ACK' | 'ARGOCD' | 'KRO')[];
  status: 'ACTIVE' | 'CREATING' | 'UPDATING' | 'FAILED';
  tags: Record<string, string>;
  /** The whole set of Services, in the order in which kube-proxy would program them. */
  readonly services: ClusterService[];
  readonly nodes: WorkerNode[];
  addon: Addon | null;
  /** Without it a recent one for the cluster's version. */
  readonly cni?: VpcCni;
  /** The workloads besides kube-proxy, if the world has any. */
  readonly workloads?: ClusterWorkloads;
  /** Its Roles, ClusterRoles and their bindings. */
  readonly rbac?: readonly RbacObject[];
  /** Newest last. */
  readonly addonUpdates: AddonUpdate[];
  /** By principal ARN. */
  readonly accessEntries: Map<string, AccessEntry>;
  readonly kubernetes: KubernetesCluster;
}

interface RbacMetadata {
  readonly name: string;
  readonly namespace?: string;
}

/** A rule of a Role as Kubernetes' API has it, as far as it is about resources. */
export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** An object of rbac.authorization.k8s.io/v1, as far as the sandbox reads it. */
export type RbacObject =
  | { readonly kind: 'Role' | 'ClusterRole'; readonly metadata: RbacMetadata; readonly rules: readonly RbacRule[] }
  | {
      readonly kind: 'RoleBinding' | 'ClusterRoleBinding';
      readonly metadata: RbacMetadata;
      readonly roleRef: { readonly kind: string; readonly name: string };
      readonly subjects: readonly { readonly kind: string; readonly name: string }[];
    };

/** What a world may have in a cluster that bears on a change of kube-proxy's mode. */
export interface ClusterWorkloads {
  /** Whether Cilium, where it runs, replaces kube-proxy. */
  cilium?: boolean;
  /** Calico; its eBPF data plane on or off by environment variable, or on in its FelixConfiguration. */
  calicoEbpf?: boolean | 'felix';
  /** NodeLocal DNSCache; `true`: on the ClusterIP of DNS too, as in iptables mode. */
  nodeLocalDns?: true | 'link-local';
  metallb?: { strictArp: boolean };
  /** How many there are; without it their custom resource definition is not there. */
  securityGroupPolicies?: number;
  /** A Service with an external IP: that of the first node, or one that no node has. */
  externalIps?: 'node' | 'other';
  /** The first application's Service has a node port. */
  nodePort?: boolean;
  /** Field of KubeProxyConfiguration, with dots → value, edited in the ConfigMap by hand. */
  configMapEdits?: Record<string, unknown>;
}

/** One port of a Service with the addresses behind it; `endpoints` are `ip:port`, IPv6 in brackets. */
export interface ClusterService {
  readonly namespace: string;
  readonly name: string;
  readonly clusterIp: string;
  readonly port: number;
  readonly protocol: 'TCP' | 'UDP';
  endpoints: string[];
}

export interface Addon {
  version: string;
  status:
    | 'ACTIVE'
    | 'CREATING'
    | 'CREATE_FAILED'
    | 'UPDATING'
    | 'UPDATE_FAILED'
    | 'DEGRADED'
    | 'DELETING'
    | 'DELETE_FAILED';
  /** The text exactly as it was sent; null when none was. */
  configurationValues: string | null;
  tags?: Record<string, string>;
  createdAt: Date;
  modifiedAt: Date;
  /** The health issues of the add-on; none if absent. */
  issues?: { code: string; message: string }[];
}

export interface AddonUpdate {
  readonly id: string;
  status: 'InProgress' | 'Successful' | 'Failed' | 'Cancelled';
  readonly createdAt: Date;
  readonly clientRequestToken: string | undefined;
  readonly params: { type: string; value: string }[];
  errors: { errorCode: string; errorMessage: string }[];
  /** When the objects in the cluster were written; null while, and if, they were not. */
  appliedAt: Date | null;
}

/** A grant that does not count everywhere yet, from its making on. */
export interface Settling {
  readonly until: Date;
  /** Seeded: makes the refusals of one grant differ from those of another. */
  readonly salt: number;
}

export interface AccessEntry {
  readonly principalArn: string;
  readonly createdAt: Date;
  readonly kubernetesGroups: string[];
  readonly tags: Record<string, string>;
  readonly policies: { policyArn: string; accessScope: { type: 'cluster' | 'namespace'; namespaces: string[] } }[];
  /** Of its newest grant; without it all of them count. */
  settling?: Settling | undefined;
}

/** One worker node. `machine` is null where no Linux host can be reached at all (Windows, Fargate). */
export interface WorkerNode {
  readonly id: string;
  readonly name: string;
  readonly os: NodeOs;
  readonly address: string;
  readonly launchedAt: Date;
  /** The kernel's release, as `uname -r` prints it; without it that of a recent image. */
  readonly kernel?: string;
  agent: AgentState;
  /** Version of the SSM agent; without it a recent one. */
  readonly agentVersion?: string;
  /** Tags besides those of who started it. */
  readonly tags?: Readonly<Record<string, string>>;
  /**
   * Who started the instance and tagged it; without it a managed node group of EKS. A `person` set none of the cluster's
   * tags, which self-managed nodes should have: only Kubernetes knows the node.
   */
  readonly startedBy?: 'eks' | 'karpenter' | 'person';
  terminated: boolean;
  /** The instance is stopped, as in a warm pool. */
  readonly stopped?: boolean;
  /** The kubelet does not report: Kubernetes has the node as NotReady, and no pod starts on it. */
  readonly notReady?: boolean;
  /** The operating system that its SSM agent claims, where that is not its own. */
  readonly claims?: NodeOs;
  readonly machine: NodeMachine | null;
}

/** The modes of kube-proxy that the sandbox implements. */
export type ProxyMode = 'iptables' | 'ipvs' | 'nftables';

/** What kube-proxy is started with: from the ConfigMap `kube-proxy-config`. */
export interface KubeProxyConfig {
  mode: ProxyMode;
  scheduler: string;
}

export type KubeProxyStart = { running: true; mode: ProxyMode } | { running: false; reason: string };

/** A worker node's operating system, whatever runs it: a model, or a kernel in QEMU. */
export interface NodeMachine {
  readonly kind: 'model' | 'kernel';
  /** Runs a document's rendered script as root. `document` is its name without prefix (`prepare-node`). */
  runDocument(run: { document: string; parameters: Record<string, string>; script: string }): Promise<CommandResult>;
  /** Starts kube-proxy anew with this configuration, on top of what the last one left in the kernel. */
  startKubeProxy(
    config: KubeProxyConfig & { metricsBindAddress?: string },
    cluster: { version: string; serviceCidr: string; services: readonly ClusterService[] },
  ): Promise<KubeProxyStart>;
  /**
   * What kube-proxy answers on its port for metrics or for health; null if it does not run. Only model nodes: of others
   * it is known that kube-proxy runs.
   */
  askKubeProxy?(path: 'metrics' | 'healthz' | 'livez'): Promise<KubeProxyAnswer | null>;
  report(): Promise<NodeReport>;
  stop(): Promise<void>;
}

export interface KubeProxyAnswer {
  status: number;
  text: string;
}

export interface CommandResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

export interface NodeReport {
  /** null: kube-proxy does not run. */
  runningMode: ProxyMode | null;
  scheduler: string | null;
  modules: string[];
  ipvsadmInstalled: boolean;
  /** Of modes that the node is not in. `nftTables`: kube-proxy's tables in nftables. */
  leftovers: { virtualServers: number; rejectRules: number; nftTables: number };
  /** Virtual servers that kube-proxy did not make. Only model nodes report them. */
  foreignVirtualServers?: readonly string[];
  /** Whether the kube-proxy that runs has written its rules since it started. Only model nodes report it. */
  synced?: boolean;
}

/** One cluster's Kubernetes API with its store and its controllers, as the other services see it. */
export interface KubernetesCluster {
  /** `https://127.0.0.1:PORT` */
  readonly endpoint: string;
  /** PEM, base64. */
  readonly certificateAuthority: string;
  /** What the EKS add-on controller does on UpdateAddon: writes ConfigMap and DaemonSet, restarts nothing unless the pod template changed. */
  applyAddon(addon: {
    mode: ProxyMode;
    scheduler: string;
    podAnnotations: Record<string, string>;
    version: string;
    /** PRESERVE: what else was edited in the ConfigMap stays. OVERWRITE writes the whole of it. */
    preserve?: boolean;
  }): Promise<void>;
  /** The current content of the ConfigMap `kube-proxy-config`. */
  kubeProxyConfig(): KubeProxyConfig;
  /** Replaces kube-proxy's configuration as a person with an editor would; false if there is no ConfigMap. */
  editProxyConfig(edit: (text: string) => string): boolean;
  /** Notifies the DaemonSet controller that nodes came, went or changed. */
  nodesChanged(): void;
  close(): Promise<void>;
}

/** One API call, as the sandbox's log keeps it. */
export interface ApiCall {
  /** ISO time of the sandbox's clock. */
  at: string;
  service: string;
  operation: string;
  principal: string;
  input: unknown;
  error?: string;
  /** It was done, and the caller did not hear of it. */
  lostReply?: true;
}
