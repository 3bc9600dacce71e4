import * as z from 'zod/mini';
import type { MigrationRequest } from '../execution/request.ts';
import type { GuardLook } from '../guards/alarms.ts';
import type { ParsedConfiguration } from '../modes/addon-config.ts';
import type { Ec2Node, InventoryNode, ManagedNode } from '../nodes/nodes.ts';
import { CHECK_NAMES, type CheckName } from './names.ts';
import type { ClusterSnapshot, RestartStrategy, Way } from './snapshot.ts';
import type { Workloads } from './workloads.ts';

/**
 * The finding of a check. `fix` says what the reader can do. A WARN with `later` means that the check has not run yet
 * and runs before anything is changed. A BLOCK with `final` cannot be acknowledged.
 */
export type Finding =
  | { verdict: 'PASS'; why: string; fix: string }
  | { verdict: 'WARN'; why: string; fix: string; later?: true }
  | { verdict: 'BLOCK'; why: string; fix: string; final?: true };

/** One check of one look: a BLOCK that is not accepted refuses the change; a WARN is reported and recorded. */
export const Check = z.object({
  name: z.enum(CHECK_NAMES),
  verdict: z.enum(['PASS', 'WARN', 'BLOCK']),
  why: z.string(),
  fix: z.string(),
  /** The request acknowledges this finding: it does not refuse the change, and is recorded. */
  accepted: z.boolean(),
  /** The check has not run yet; it runs before anything is changed. */
  later: z.exactOptional(z.literal(true)),
});
export type Check = z.output<typeof Check>;

/** The input of all checks. */
export interface Subject {
  snapshot: ClusterSnapshot;
  inventory: readonly InventoryNode[];
  request: MigrationRequest;
  ec2: readonly Ec2Node[];
  managed: readonly ManagedNode[];
  /** Null if the Kubernetes API was not asked. */
  workloads: Workloads | null;
  /** Null if the guards were not asked. */
  guards: GuardLook | null;
  /** Whether the functions that reach Kubernetes run in a VPC of the account. */
  inVpc: boolean;
  strategy: RestartStrategy;
  /** Null if kube-proxy is self-managed and the request chose no way. */
  way: Way | null;
  /** Null if there will be no add-on, or if its values cannot be read; `unreadable` then has the reason. */
  current: ParsedConfiguration | null;
  unreadable: string | null;
  /** The values that would be sent to EKS; null if none would be. */
  configuration: string | null;
}

/** One entry of the table of checks. */
export interface CheckEntry {
  /** The page that gives the reason for the check. */
  source: string;
  /** Whether the request can acknowledge a BLOCK of this check. A WARN can always be acknowledged. */
  acknowledgeable: boolean;
  /** The check applies to changes only: a cluster that already runs the target is not refused for it. */
  changeOnly: boolean;
  /** Null if the check does not apply to this cluster. */
  find: (subject: Subject) => Finding | null;
}
export type Checks = Partial<Record<CheckName, CheckEntry>>;

export const pass = (why: string, fix = ''): Finding => ({ verdict: 'PASS', why, fix });
export const warn = (why: string, fix: string): Finding => ({ verdict: 'WARN', why, fix });
export const block = (why: string, fix: string): Finding => ({ verdict: 'BLOCK', why, fix });
export const refuse = (why: string, fix: string): Finding => ({ verdict: 'BLOCK', why, fix, final: true });

/** The finding for an object that cannot be read: a WARN, never a PASS. */
export const unknown = (why: string, fix: string): Finding => warn(`unknown: ${why}`, fix);

/** The finding of a check that runs later, before anything is changed. */
export const notYet = (about: string, fix: string): Finding => ({
  verdict: 'WARN',
  why: `not looked at yet: ${about}`,
  fix,
  later: true,
});

/**
 * A check of the cluster's workloads. Before the look through Kubernetes its finding says so; if there will be no such
 * look, its finding stays unknown.
 */
export function workloadCheck(
  about: string,
  look: (workloads: Workloads, subject: Subject) => Finding | null,
): (subject: Subject) => Finding | null {
  return (subject) => {
    if (subject.workloads !== null) return look(subject.workloads, subject);
    if (subject.strategy === 'kubernetes-api')
      return notYet(about, 'Nothing to do: it is checked before anything is changed.');
    return unknown(
      `${about} cannot be read, since with strategy pod-annotations nightshift does not reach the Kubernetes API`,
      'Check it yourself, or choose the strategy kubernetes-api.',
    );
  };
}
