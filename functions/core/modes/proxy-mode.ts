import { assertNever } from '../errors.ts';

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

/** What a configuration asks for, or the field whose value this product does not know. */
export type AskedProxying =
  | { kind: 'known'; proxying: Proxying }
  | { kind: 'unknown'; field: 'mode' | 'ipvs.scheduler'; value: unknown };

/**
 * Reads mode and scheduler from a KubeProxyConfiguration or from the add-on's values, which name both alike. An absent
 * or empty mode is iptables, an absent or empty scheduler rr: kube-proxy's defaults.
 * https://kubernetes.io/docs/reference/networking/virtual-ips/
 */
export function proxyingOf(values: Readonly<Record<string, unknown>>): AskedProxying {
  const mode = given(values, 'mode') ?? 'iptables';
  if (mode === 'iptables') return { kind: 'known', proxying: { mode } };
  if (mode !== 'ipvs') return { kind: 'unknown', field: 'mode', value: mode };
  const section = given(values, 'ipvs') ?? {};
  if (!isMapping(section)) return { kind: 'unknown', field: 'ipvs.scheduler', value: section };
  const scheduler = given(section, 'scheduler') ?? 'rr';
  if (!isIpvsScheduler(scheduler)) return { kind: 'unknown', field: 'ipvs.scheduler', value: scheduler };
  return { kind: 'known', proxying: { mode, scheduler } };
}

const isMapping = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An own field that is not empty; never one that `Object.prototype` has. */
function given(values: Readonly<Record<string, unknown>>, key: string): unknown {
  const value = Object.hasOwn(values, key) ? values[key] : undefined;
  return value === '' || value === null ? undefined : value;
}

/** True if both are the same mode, with the same scheduler if the mode has one. */
export function sameProxying(one: Proxying, other: Proxying): boolean {
  return describeProxying(one).text === describeProxying(other).text;
}
