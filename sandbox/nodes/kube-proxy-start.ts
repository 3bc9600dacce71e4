import { IPVS_KERNEL_MODULES } from './kernel-modules.ts';
import { isKernelSince } from './kernel-release.ts';

/** The set of kernel modules of a node, as far as kube-proxy's modes are concerned. */
export interface ModuleTree {
  /** Names of the modules that this kernel has as files. */
  readonly available: ReadonlySet<string>;
  /** Names of those that are part of the kernel itself. */
  readonly builtin: ReadonlySet<string>;
  /** Names of those that are loaded now. Changed by `load`. */
  readonly loaded: Set<string>;
}

/** What `modprobe module` does: true when the module is there afterwards, with what it depends on. */
export function load(tree: ModuleTree, module: string): boolean {
  if (tree.builtin.has(module) || tree.loaded.has(module)) return true;
  if (!tree.available.has(module)) return false;
  const needs = module === 'nf_conntrack' ? null : module === 'ip_vs' ? 'nf_conntrack' : 'ip_vs';
  if (needs !== null && !load(tree, needs)) return false;
  tree.loaded.add(module);
  return true;
}

/** Whether the kernel has the module, loaded or not. */
export const isThere = ({ builtin, loaded, available }: ModuleTree, module: string): boolean =>
  builtin.has(module) || loaded.has(module) || available.has(module);

/** The manual's modules that are loaded, in the manual's order. */
export const loadedModules = (tree: ModuleTree): string[] =>
  IPVS_KERNEL_MODULES.filter((module) => tree.loaded.has(module));

export type ModeStart = { can: true } | { can: false; reason: string; otherwise: 'iptables' | 'exit' };

/** The oldest kernel that kube-proxy accepts for nftables mode: pkg/proxy/nftables, in all versions. */
const NFTABLES_KERNEL = [5, 13] as const;

/**
 * Whether a kube-proxy of this version gets into nftables mode, which has been on by default since 1.31: otherwise it
 * exits.
 *
 * @param version Kubernetes minor version, `1.34`.
 */
export function startNftables(kernel: string, version: string): ModeStart {
  if (Number(version.split('.')[1]) < 31)
    return { can: false, reason: 'KubeProxyConfiguration.Mode: Invalid value: "nftables"', otherwise: 'exit' };
  if (isKernelSince(kernel, NFTABLES_KERNEL)) return { can: true };
  const reason = `kube-proxy in nftables mode requires kernel ${NFTABLES_KERNEL.join('.')} or later, this one is ${kernel}`;
  return { can: false, reason, otherwise: 'exit' };
}

/** The modules that kube-proxy asked for by name until 1.26, whatever its scheduler: `GetRequiredIPVSModules`. */
const REQUIRED_UNTIL_1_26 = ['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_sh', 'nf_conntrack'];

/**
 * Whether a kube-proxy of this version gets into IPVS mode, and what it loads on the way.
 *
 * - Until 1.26 it runs `modprobe` for the five modules that it requires, and wants these and the scheduler's own in
 *   /proc/modules; it does not load the scheduler's (https://github.com/awslabs/amazon-eks-ami/issues/925).
 * - From 1.27 it checks no modules: it makes a virtual server on trial, and the kernel loads `ip_vs_<scheduler>` by
 *   itself if the node has it (https://github.com/kubernetes/kubernetes/pull/114669).
 * - When it cannot: up to 1.25 it runs in iptables mode without an event in the API; from 1.26 it exits
 *   (https://github.com/kubernetes/kubernetes/pull/111806).
 * - From 1.40 it has no such mode unless a feature gate is on, and exits (KEP-5495).
 *
 * @param version Kubernetes minor version, `1.34`.
 */
export function startIpvs(tree: ModuleTree, version: string, scheduler: string): ModeStart {
  const minor = Number(version.split('.')[1]);
  const schedulerModule = `ip_vs_${scheduler}`;
  const otherwise = minor <= 25 ? 'iptables' : 'exit';
  if (minor >= 40) return { can: false, reason: 'KubeProxyConfiguration.Mode: Invalid value: "ipvs"', otherwise };
  if (minor >= 27) {
    if (load(tree, schedulerModule)) return { can: true };
    return { can: false, reason: `can't use the IPVS proxier: the kernel has no scheduler ${scheduler}`, otherwise };
  }
  for (const module of REQUIRED_UNTIL_1_26) load(tree, module);
  const missing = [...new Set([...REQUIRED_UNTIL_1_26, schedulerModule])].filter(
    (module) => !tree.loaded.has(module) && !tree.builtin.has(module),
  );
  if (missing.length === 0) return { can: true };
  return {
    can: false,
    reason: `IPVS proxier will not be used because the following required kernel modules are not loaded: [${missing.join(' ')}]`,
    otherwise,
  };
}
