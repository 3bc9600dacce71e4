import type { FieldManager } from './field-managers.ts';
import type { ObjectMarks } from './owner.ts';

/** What was asked for, or why there is no answer: refused (403), or nothing of that kind is served (404). */
export type Read<Value> = { kind: 'read'; value: Value } | { kind: 'unreadable'; why: string };

/** A DaemonSet as far as it tells what else handles Services. `env` and `args` are those of all its containers. */
export interface DaemonSetSummary {
  namespace: string;
  name: string;
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  /** Field managers: who wrote fields of it. */
  managers?: readonly string[];
  /** The same with the fields; only of the DaemonSet kube-proxy. */
  fieldManagers?: readonly FieldManager[];
  /** Variables with a literal value; of a repeated name the last. */
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

/** What the Kubernetes API says of a cluster's workloads, each part on its own: one refusal hides no other answer. */
export interface Workloads {
  /** Of all namespaces. */
  daemonSets: Read<DaemonSetSummary[]>;
  /** Text of the key `config` of the ConfigMap `kube-system/kube-proxy-config`; null when there is none. */
  configMap: Read<string | null>;
  /** What tools left on that ConfigMap; left out where it was not read or is not there. */
  configMapMarks?: ObjectMarks;
  /** Those that have such addresses at all. */
  services: Read<ServiceAddresses[]>;
  /** `kube-proxy-replacement` in Cilium's ConfigMap, null when it is not set; left out where no Cilium runs. */
  ciliumReplacement?: Read<string | null>;
  /** `bpfEnabled` of the FelixConfiguration `default`, null when it is not set; left out where no Calico runs. */
  felixBpf?: Read<boolean | null>;
  /** How many SecurityGroupPolicy objects there are. */
  securityGroupPolicies: Read<number>;
  /** `image` is what the kubelet says of its operating system, `Amazon Linux 2023.9.20251027`. */
  nodes: Read<{ name: string; kernel: string; image?: string }[]>;
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
