/**
 * The schedulers that the EKS Best Practices Guide lists for IPVS; each needs the kernel module `ip_vs_<name>`.
 * https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html
 */
export const IPVS_SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'sed', 'nq'] as const;
export type IpvsScheduler = (typeof IPVS_SCHEDULERS)[number];

/** True if the value is one of the ten schedulers. */
export function isIpvsScheduler(value: unknown): value is IpvsScheduler {
  return IPVS_SCHEDULERS.some((scheduler) => scheduler === value);
}

/** The twelve kernel modules of the manual, in its order. */
export const IPVS_KERNEL_MODULES: readonly string[] = [
  'ip_vs',
  ...IPVS_SCHEDULERS.map((scheduler) => `ip_vs_${scheduler}`),
  'nf_conntrack',
];

/** What is chosen beside the mode, for every mode that nightshift can reach or leave. */
interface ModeOptions {
  iptables: unknown;
  ipvs: { scheduler: IpvsScheduler };
  nftables: unknown;
}

/** Every way in which kube-proxy can program a node that this product knows how to reach or leave. */
export type ProxyMode = keyof ModeOptions;

/** What a cluster runs in one of these modes. */
export type ProxyingOf<Mode extends ProxyMode> = { [M in Mode]: { mode: M } & ModeOptions[M] }[Mode];

/** What a cluster ran before, or runs now: the mode, and the scheduler if the mode has one. */
export type Proxying = ProxyingOf<ProxyMode>;

/** kube-proxy's mode if its configuration names none. https://kubernetes.io/docs/reference/networking/virtual-ips/ */
export const DEFAULT_MODE = 'iptables';

/** What a cluster should run. */
export type Target = ProxyingOf<Exclude<ProxyMode, typeof DEFAULT_MODE>>;

/** The modes that a cluster can be migrated to. */
export const TARGET_MODES = ['ipvs', 'nftables'] as const satisfies readonly Target['mode'][];
