import { NightshiftError } from '../errors.ts';
import type { MigrationRequest } from '../execution/request.ts';
import type { GuardLook } from '../guards/alarms.ts';
import {
  configuredProxying,
  mergeTarget,
  type ParsedConfiguration,
  parseConfiguration,
  withRestartAnnotation,
} from '../modes/addon-config.ts';
import { MODES } from '../modes/index.ts';
import type { Ec2Node, InventoryNode, ManagedNode } from '../nodes/nodes.ts';
import { ADDON_CHECKS } from './addon.ts';
import { CALICO_CHECKS } from './calico.ts';
import type { Check, CheckEntry, Finding, Subject } from './check.ts';
import { CLUSTER_CHECKS, VERSION_CHECKS } from './cluster.ts';
import { CONFIG_MAP_CHECKS } from './config-map.ts';
import { DAEMON_SET_CHECKS } from './daemon-set.ts';
import { GUARD_CHECKS } from './guards.ts';
import { KERNEL_CHECKS } from './kernels.ts';
import { CHECK_NAMES, type CheckName } from './names.ts';
import { NFTABLES_CHECKS } from './nftables.ts';
import { NODE_CHECKS } from './nodes.ts';
import { PROOF_CHECKS } from './proof.ts';
import { REPLACEMENT_CHECKS } from './replacement.ts';
import { RESTART_CHECKS } from './restart.ts';
import { ROLLOUT_CHECKS } from './rollout.ts';
import { SERVICE_CHECKS } from './services.ts';
import { type ClusterSnapshot, type RestartStrategy, restartStrategy, type Way } from './snapshot.ts';
import { VPC_CNI_CHECKS } from './vpc-cni.ts';
import { WORKLOAD_CHECKS } from './workload-checks.ts';
import type { Workloads } from './workloads.ts';

export type { Check } from './check.ts';
export { CHECK_NAMES, type CheckName } from './names.ts';
export type { Workloads } from './workloads.ts';

/** All checks, in the order in which they run. */
export const CHECKS: Readonly<Record<CheckName, CheckEntry>> = {
  ...CLUSTER_CHECKS,
  ...GUARD_CHECKS,
  ...ADDON_CHECKS,
  ...VERSION_CHECKS,
  ...NODE_CHECKS,
  ...KERNEL_CHECKS,
  ...RESTART_CHECKS,
  ...PROOF_CHECKS,
  ...REPLACEMENT_CHECKS,
  ...CONFIG_MAP_CHECKS,
  ...DAEMON_SET_CHECKS,
  ...WORKLOAD_CHECKS,
  ...NFTABLES_CHECKS,
  ...ROLLOUT_CHECKS,
  ...VPC_CNI_CHECKS,
  ...CALICO_CHECKS,
  ...SERVICE_CHECKS,
};

/** What the look found besides the snapshot and the inventory. `restartFor` is the execution's name. */
export interface Sight {
  restartFor: string;
  /** Whether the functions that reach Kubernetes run in a VPC of the account. */
  inVpc: boolean;
  /**
   * Under this lease at least one node failed to prove the target, so a configuration that names the target proves
   * nothing.
   */
  refuted?: boolean;
  /** What the cluster's guards said; left out if they were not asked. */
  guards?: GuardLook;
  ec2: readonly Ec2Node[];
  managed: readonly ManagedNode[];
  /** Null if the Kubernetes API was not asked. */
  workloads: Workloads | null;
}

/** The input of the checks and of the plan. */
export function subjectOf(
  snapshot: ClusterSnapshot,
  inventory: readonly InventoryNode[],
  request: MigrationRequest,
  sight: Sight,
): Subject {
  const way = snapshot.addon === null ? (request.selfManaged ?? null) : 'addon';
  const strategy = request.strategy ?? restartStrategy(snapshot, sight.inVpc);
  const { ec2, managed, workloads, inVpc, guards = null } = sight;
  const read = readConfiguration(snapshot, way, request);
  const configuration = read.current && targetConfiguration(read.current, request, { strategy, sight });
  return {
    snapshot,
    inventory,
    request,
    ec2,
    managed,
    workloads,
    inVpc,
    guards,
    strategy,
    way,
    ...read,
    configuration,
  };
}

/** Reads the present values, into which the target is merged; null, with the reason, if they cannot be read. */
function readConfiguration(
  snapshot: ClusterSnapshot,
  way: Way | null,
  { target }: MigrationRequest,
): { current: ParsedConfiguration; unreadable: null } | { current: null; unreadable: string | null } {
  if (way === null || way === 'config-map') return { current: null, unreadable: null };
  try {
    const current = parseConfiguration(snapshot.addon?.configuration);
    // Reads the same fields as the merge, so that a change never begins with values that cannot be merged.
    withRestartAnnotation(mergeTarget(current, target), '');
    // Also checks what a rollback needs: never leave a mode that no node could prove again.
    configuredProxying(current);
    return { current, unreadable: null };
  } catch (error) {
    if (error instanceof NightshiftError) return { current: null, unreadable: error.message };
    throw error;
  }
}

/** The configuration that a migration sends: merged, and with a pod annotation if that restarts kube-proxy. */
function targetConfiguration(
  current: ParsedConfiguration,
  { target }: MigrationRequest,
  { strategy, sight }: { strategy: RestartStrategy; sight: Sight },
): string {
  const merged = mergeTarget(current, target);
  return strategy === 'pod-annotations' ? withRestartAnnotation(merged, sight.restartFor) : merged;
}

/** The longest text of a check: the workflow's state data carries every check. */
const LONGEST = 600;
const short = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text);

const OF_ONE_MODE = new Set(Object.values(MODES).flatMap(({ checks }) => checks));

/** Runs every check that applies, in a fixed order. Reads nothing but its argument. */
export function preflight(subject: Subject): Check[] {
  const own = MODES[subject.request.target.mode].checks;
  return CHECK_NAMES.flatMap((name) => {
    if (OF_ONE_MODE.has(name) && !own.includes(name)) return [];
    const finding = CHECKS[name].find(subject);
    if (finding === null) return [];
    const accepted = subject.request.acknowledge.includes(name) && acceptable(CHECKS[name], finding);
    const { verdict, why, fix } = finding;
    const later = verdict === 'WARN' && finding.later ? { later: true as const } : {};
    return [{ name, verdict, why: short(why), fix: short(fix), accepted, ...later }];
  });
}

function acceptable(entry: CheckEntry, finding: Finding): boolean {
  switch (finding.verdict) {
    case 'PASS':
      return false;
    case 'WARN':
      return true;
    case 'BLOCK':
      return entry.acknowledgeable && finding.final !== true;
  }
}
