import * as z from 'zod/mini';
import type { MigrationRequest } from '../execution/request.ts';
import type { ParsedConfiguration } from '../modes/addon-config.ts';
import type { Ec2Node, InventoryNode, ManagedNode } from '../nodes/nodes.ts';
import { CHECK_NAMES, type CheckName } from './names.ts';
import type { ClusterSnapshot, RestartStrategy, Way } from './snapshot.ts';
import type { Workloads } from './workloads.ts';

/**
 * What a check found. `fix` is what the reader can do; a WARN with `later` was not made yet and is made before anything is
 * changed; a BLOCK with `final` is never an accepted risk.
 */
export type Finding =
  | { verdict: 'PASS'; why: string; fix: string }
  | { verdict: 'WARN'; why: string; fix: string; later?: true }
  | { verdict: 'BLOCK'; why: string; fix: string; final?: true };

/** One check of one look: a BLOCK that is not accepted refuses the change, a WARN is said and recorded. */
export const Check = z.object({
  name: z.enum(CHECK_NAMES),
  verdict: z.enum(['PASS', 'WARN', 'BLOCK']),
  why: z.string(),
  fix: z.string(),
  /** The request acknowledges this very finding: it stands in nobody's way, and is kept. */
  accepted: z.boolean(),
  /** Not made yet: it is before anything is changed. */
  later: z.exactOptional(z.literal(true)),
});
export type Check = z.output<typeof Check>;

/** What all checks look at. */
export interface Subject {
  snapshot: ClusterSnapshot;
  inventory: readonly InventoryNode[];
  request: MigrationRequest;
  ec2: readonly Ec2Node[];
  managed: readonly ManagedNode[];
  /** Null: the Kubernetes API was not asked. */
  workloads: Workloads | null;
  /** Whether the functions that reach Kubernetes run in a VPC of the account. */
  inVpc: boolean;
  strategy: RestartStrategy;
  /** Null: kube-proxy is self-managed, and the request chose no way. */
  way: Way | null;
  /** Null where there is no add-on to be, or its values cannot be read, which `unreadable` then tells. */
  current: ParsedConfiguration | null;
  unreadable: string | null;
  /** What would be sent to EKS; null where nothing would be. */
  configuration: string | null;
}

/** One entry of the table of checks. */
export interface CheckEntry {
  /** Where the reason for the check is written down. */
  source: string;
  /** A BLOCK may be taken as a risk by naming the check. WARNs always may. */
  acknowledgeable: boolean;
  /** It only stands in the way of a change: a cluster that already runs the target is not refused for it. */
  changeOnly: boolean;
  /** Null: the check does not apply to this cluster. */
  find: (subject: Subject) => Finding | null;
}
export type Checks = Partial<Record<CheckName, CheckEntry>>;

export const pass = (why: string, fix = ''): Finding => ({ verdict: 'PASS', why, fix });
export const warn = (why: string, fix: string): Finding => ({ verdict: 'WARN', why, fix });
export const block = (why: string, fix: string): Finding => ({ verdict: 'BLOCK', why, fix });
export const refuse = (why: string, fix: string): Finding => ({ verdict: 'BLOCK', why, fix, final: true });

/** What cannot be read is said, and never a pass. */
export const unknown = (why: string, fix: string): Finding => warn(`unknown: ${why}`, fix);

/** What is looked at later, before anything is changed. */
export const notYet = (about: string, fix: string): Finding => ({
  verdict: 'WARN',
  why: `not looked at yet: ${about}`,
  fix,
  later: true,
});

/** Up to five names, and how many more there are. */
export const named = (names: readonly string[], most = 5): string =>
  names
    .slice(0, most)
    .concat(names.length > most ? [`and ${names.length - most} more`] : [])
    .join('; ');

/**
 * A check of the cluster's workloads. Before the Kubernetes API was asked it says so; where it never will be asked, what
 * the check is about stays unknown.
 */
export function workloadCheck(
  about: string,
  look: (workloads: Workloads, subject: Subject) => Finding | null,
): (subject: Subject) => Finding | null {
  return (subject) => {
    if (subject.workloads !== null) return look(subject.workloads, subject);
    if (subject.strategy === 'kubernetes-api')
      return notYet(about, 'Nothing to do: it is looked at before anything is changed.');
    return unknown(
      `${about} cannot be read, since with strategy pod-annotations nightshift does not reach the Kubernetes API`,
      'Look at it yourself, or choose the strategy kubernetes-api.',
    );
  };
}
