import type { NodesInMode } from '../../functions/core/evidence/nodes-by-mode.ts';
import type { Machine } from '../../state-machines/phases.ts';
import type { Effect } from './effect.ts';
import type { Failure } from './failure.ts';
import type { Ending, ExecutionRecord, Held, NodeRecord, Phase } from './parts.ts';
import type { Rollback } from './rollback.ts';
import type { Inspected, Recorded, Requested } from './views.ts';

/** Only what an execution's history and evidence show; times are ISO, durations seconds. */
export interface Story {
  machine: Machine;
  execution: ExecutionRecord;
  /** Null when the execution's input was not a migration request. */
  request: Requested | null;
  /** The last inspection of the cluster before anything changed. */
  cluster: Inspected['cluster'] | null;
  /** With every preflight check of that inspection. */
  plan: Inspected['plan'] | null;
  inventory: { total: number; ssm: number; proxyMode: number; excluded: number; blocked: number } | null;
  change: Change | null;
  phases: Phase[];
  failure: Failure | null;
  /** The executions of rollback-cluster that undid the change or finished it, oldest first; a rollback is its own. */
  rollbacks: Rollback[];
  /** Nodes by the last mode that they reported. After a rollback, only reports since the rollback count. */
  modes: NodesInMode[];
  /** The add-on after the proof, from the last record that has it; null if no record has it. */
  addon: Recorded['addon'] | null;
  /** The alarms that were raised right after the proof; null if none was. */
  guard: Recorded['guard'] | null;
  /** How fast kube-proxy was before the change and after it. */
  effect: Effect | null;
  /** What was taken and released, by this execution or by its rollbacks and recoveries. */
  access: Held;
  lease: Held;
  nodes: NodeRecord[];
  evidence: EvidenceRecord[];
  ending: Ending;
  /** What a reader expects in the story and the sources do not have, one sentence each. */
  absent: string[];
  /** Evidence that is not what the history says it is: one sentence each. Not empty = do not trust this story. */
  alarms: string[];
}

/** The add-on's configuration before and after, as text; null if no configuration was set. */
export interface Change {
  /** `addon`, `create-addon` or `config-map`. */
  way: string | null;
  addonVersion: string | null;
  from: string | null;
  to: string | null;
  updateId: string | null;
  /** Whether the ConfigMap was written, if that was the way of the change. */
  configMap: boolean | null;
}

export type EvidenceRecord = { key: string; sha256: string } & (
  | { state: 'verified'; bytes: number }
  | { state: 'mismatch'; actual: string }
  | { state: 'absent'; reason: string }
);
