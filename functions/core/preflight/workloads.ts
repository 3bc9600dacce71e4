import type { FieldManager } from './field-managers.ts';
import type { ObjectMarks } from './owner.ts';

/** The value that was read, or why there is none: the API server refused (403), or does not serve that kind (404). */
export type Read<Value> = { kind: 'read'; value: Value } | { kind: 'unreadable'; why: string };

/** How a DaemonSet's pods are replaced, and how many of its nodes have a pod that works now. */
export interface RolloutRule {
  /** `RollingUpdate` or `OnDelete`. */
  strategy: string;
  /** A number, or a share such as `10%`. */
  maxUnavailable: string | number;
  maxSurge: string | number;
  desired: number;
  available: number;
}

/** The fields of a DaemonSet that show whether it handles Services. `env` and `args` are of all its containers. */
export interface DaemonSetSummary {
  namespace: string;
  name: string;
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  /** Field managers: the writers of its fields. */
  managers?: readonly string[];
  /** The field managers with their fields; only for the DaemonSet kube-proxy. */
  fieldManagers?: readonly FieldManager[];
  /** Only for the DaemonSet kube-proxy. */
  rollout?: RolloutRule;
  /** Variables with a literal value; if a name is repeated, the last one. */
  env: Record<string, string>;
  /** `command` and `args` in their order. */
  args: string[];
  images: string[];
}

/** A Service with addresses that kube-proxy binds besides its ClusterIP: external IPs and those of its load balancer. */
export interface ServiceAddresses {
  /** `namespace/name` */
  service: string;
  addresses: string[];
}

/** The Services that kube-proxy handles: all but headless ones and external names. */
export interface ServiceTotals {
  count: number;
  /** Those with a node port, as `namespace/name`. */
  nodePorts: string[];
}

/** The endpoints of all EndpointSlices; `atLeast`: they were not counted to the end. */
export interface EndpointCount {
  count: number;
  atLeast: boolean;
}

/** A Node object of Kubernetes. `notReady`: kubelet does not say that it is ready. */
export interface NodeObject {
  name: string;
  kernel: string;
  image?: string;
  notReady?: true;
}

/** A cluster's workloads as the Kubernetes API shows them. Each part is separate: one refusal hides no other answer. */
export interface Workloads {
  /** The DaemonSets of all namespaces. */
  daemonSets: Read<DaemonSetSummary[]>;
  /** Text of the key `config` of the ConfigMap `kube-system/kube-proxy-config`; null if there is none. */
  configMap: Read<string | null>;
  /** The marks of tools on that ConfigMap; absent if it was not read or does not exist. */
  configMapMarks?: ObjectMarks;
  /** The Services that have such addresses. */
  services: Read<ServiceAddresses[]>;
  /** From the same list; absent if it was not read. */
  serviceTotals?: ServiceTotals;
  /** Absent if nobody asked for it: a large cluster has many megabytes of EndpointSlices. */
  endpoints?: Read<EndpointCount>;
  /** `kube-proxy-replacement` in Cilium's ConfigMap; null if it is not set; absent if Cilium does not run. */
  ciliumReplacement?: Read<string | null>;
  /** `bpfEnabled` of the FelixConfiguration `default`; null if it is not set; absent if Calico does not run. */
  felixBpf?: Read<boolean | null>;
  /** `nftablesMode` of the same object; null if it is not set; absent if the object was not read. */
  felixNftables?: string | null;
  /** How many SecurityGroupPolicy objects there are. */
  securityGroupPolicies: Read<number>;
  /** `image` is the kubelet's name for its operating system, `Amazon Linux 2023.9.20251027`. */
  nodes: Read<NodeObject[]>;
}

/** The DaemonSet of this name, or one that carries all of the labels: charts choose names of their own. */
export function findDaemonSet(
  sets: readonly DaemonSetSummary[],
  { name, labels }: { name: string; labels?: Record<string, string> },
): DaemonSetSummary | undefined {
  const carries = (set: DaemonSetSummary) =>
    labels !== undefined && Object.entries(labels).every(([label, value]) => set.labels[label] === value);
  return sets.find((set) => set.name === name) ?? sets.find(carries);
}
