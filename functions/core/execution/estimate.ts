import { assertNever } from '../errors.ts';
import type { RestartStrategy } from '../preflight/snapshot.ts';

/** Seconds that the parts of a change take, and a change with the rollback that it may need. */
export interface Estimate {
  update: number;
  restart: number;
  validate: number;
  /** update + restart + validate */
  change: number;
  /** A rollback does the same again. */
  total: number;
}

// EKS answers an add-on update that only changes configuration in well under two minutes.
const ADDON_UPDATE = 90;
// The workflow waits this long for a slower update: ten looks, then the change has failed.
const LONGEST_ADDON_UPDATE = 960;
// 30 s until a terminating pod is killed (Kubernetes' default grace) and the start of the next one.
const POD_RESTART = 45;
// kube-proxy's DaemonSet in EKS: RollingUpdate, maxUnavailable 10 %, rounded up.
const MAX_UNAVAILABLE = 0.1;
// One Run Command with its answers, and the pause between two SendCommand calls that SSM's throttling asks for.
const COMMAND = 30;
const COMMAND_BATCH = 2;
const BATCH_SIZE = 50;

/**
 * How long a change and its rollback take on `nodes` nodes, in seconds. The estimate is high on purpose: the change
 * begins only if this much time is left of the window.
 * @throws RangeError for a number of nodes that is not a whole number of 0 or more
 */
export function estimateChange(nodes: number): Estimate {
  if (!Number.isInteger(nodes) || nodes < 0) throw new RangeError(`A cluster has 0 or more nodes, not ${nodes}.`);
  const waves = nodes === 0 ? 0 : Math.ceil(nodes / Math.ceil(nodes * MAX_UNAVAILABLE));
  const validate = nodes === 0 ? 0 : COMMAND + COMMAND_BATCH * Math.ceil(nodes / BATCH_SIZE);
  const restart = waves * POD_RESTART;
  const change = ADDON_UPDATE + restart + validate;
  return { update: ADDON_UPDATE, restart, validate, change, total: change * 2 };
}

/**
 * Seconds that have to be left of a window before a change is sent: the change and its rollback. With the strategy
 * `pod-annotations` EKS restarts the nodes as soon as it has applied the update, and the workflow cannot check the
 * window in between. The estimate then assumes the longest update that the workflow waits for.
 * @throws RangeError as estimateChange
 */
export function windowNeeded(nodes: number, strategy: RestartStrategy): number {
  const { total } = estimateChange(nodes);
  switch (strategy) {
    case 'kubernetes-api':
      return total;
    case 'pod-annotations':
      return nodes === 0 ? total : total + LONGEST_ADDON_UPDATE - ADDON_UPDATE;
    default:
      return assertNever(strategy);
  }
}

/**
 * Seconds that one command document takes on all nodes of a cluster; preparing installs a package.
 */
export function estimateCommand(nodes: number, phase: 'prepare' | 'validate' | 'clean'): number {
  const once = phase === 'prepare' ? COMMAND * 3 : COMMAND;
  return once + COMMAND_BATCH * Math.ceil(nodes / BATCH_SIZE);
}

// In units of the expected time: polls at 0.5, 1, 2, 4 and 8 times that, so five polls see the end of what takes eight
// times as long as expected (as long as the longest pause is not reached), and a history stays short.
const SPACING = [0.5, 0.5, 1, 2, 4];
const SHORTEST = 5;
const LONGEST = 900;

/**
 * Seconds to wait before poll number `poll` (0 is the first) of something that takes about `expectedSeconds`: at least
 * 5, as SSM throttles faster polling, and at most 900.
 */
export function waitSeconds(poll: number, expectedSeconds: number): number {
  const factor = SPACING[Math.max(0, Math.trunc(poll))] ?? SPACING.at(-1) ?? 1;
  return Math.min(LONGEST, Math.max(SHORTEST, Math.ceil(factor * Math.max(0, expectedSeconds))));
}
