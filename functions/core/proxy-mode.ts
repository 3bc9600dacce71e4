import { assertNever } from './errors.ts';

/** Every way in which kube-proxy can program a node that this product knows how to reach or leave. */
export type ProxyMode = 'iptables' | 'ipvs';

/**
 * The schedulers that the EKS Best Practices Guide lists for IPVS; each needs the kernel module `ip_vs_<name>`.
 * https://docs.aws.amazon.com/eks/latest/best-practices/ipvs.html
 */
export const IPVS_SCHEDULERS = ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'sed', 'nq'] as const;
export type IpvsScheduler = (typeof IPVS_SCHEDULERS)[number];

/** What a cluster should run. */
export type Target = { mode: 'ipvs'; scheduler: IpvsScheduler };

/** What a cluster ran before, or runs now: the mode, and the scheduler where the mode has one. */
export type Proxying = Target | { mode: 'iptables' };

/** The twelve kernel modules of the manual, in its order. */
export const IPVS_KERNEL_MODULES: readonly string[] = [
  'ip_vs',
  ...IPVS_SCHEDULERS.map((scheduler) => `ip_vs_${scheduler}`),
  'nf_conntrack',
];

/** A Proxying for JSON and for people: `text` is what a sentence says, `scheduler` is null where the mode has none. */
export interface ProxyingDescription {
  mode: ProxyMode;
  scheduler: IpvsScheduler | null;
  text: string;
}

/** Describes what a cluster runs, `ipvs (rr)` or `iptables`, with the parts beside it. */
export function describeProxying(proxying: Proxying): ProxyingDescription {
  switch (proxying.mode) {
    case 'ipvs':
      return { mode: 'ipvs', scheduler: proxying.scheduler, text: `ipvs (${proxying.scheduler})` };
    case 'iptables':
      return { mode: 'iptables', scheduler: null, text: 'iptables' };
    default:
      return assertNever(proxying);
  }
}

/** True when the text is one of the ten schedulers. */
export function isIpvsScheduler(text: unknown): text is IpvsScheduler {
  return IPVS_SCHEDULERS.some((scheduler) => scheduler === text);
}
