import type { NodesInMode } from '../../functions/core/evidence/nodes-by-mode.ts';
import type { Machine } from '../../state-machines/phases.ts';
import type { Failure } from './failure.ts';
import type { Ending, ExecutionRecord, Held, NodeRecord, Phase } from './parts.ts';
import type { Rollback } from './rollback.ts';
import type { Inspected, Recorded, Requested } from './views.ts';

/** What an execution's history and evidence tell, and nothing else; times are ISO, durations seconds. */
export interface Story {
  machine: Machine;
  execution: ExecutionRecord;
  /** Null when the execution's input was not a migration request. */
  request: Requested | null;
  /** The last look at the cluster before anything changed. */
  cluster: Inspected['cluster'] | null;
  /** With every preflight check of that look. */
  plan: Inspected['plan'] | null;
  inventory: { total: number; ssm: number; proxyMode: number; excluded: number; blocked: number } | null;
  change: Change | null;
  phases: Phase[];
  failure: Failure | null;
  /** The executions of rollback-cluster that put the change back or finished it, oldest first; a rollback is its own. */
  rollbacks: Rollback[];
  /** Nodes by the mode that they last said they run; where something was put back only what they said of it. */
  modes: NodesInMode[];
  /** The add-on after the proof, from the last record that has it; null if none has. */
  addon: Recorded['addon'] | null;
  /** What was taken and given back, by this execution or by those that ended its work. */
  access: Held;
  lease: Held;
  nodes: NodeRecord[];
  evidence: EvidenceRecord[];
  ending: Ending;
  /** What one would look for and did not find, one sentence each. */
  absent: string[];
  /** Evidence that is not what the history says it is: one sentence each. Not empty = do not trust this story. */
  alarms: string[];
}

/** The add-on's configuration before and after, as text; null where none was set. */
export interface Change {
  /** `addon`, `create-addon` or `config-map`. */
  way: string | null;
  addonVersion: string | null;
  from: string | null;
  to: string | null;
  updateId: string | null;
  /** Whether the ConfigMap was written, where that was the way. */
  configMap: boolean | null;
}

export type EvidenceRecord = { key: string; sha256: string } & (
  | { state: 'verified'; bytes: number }
  | { state: 'mismatch'; actual: string }
  | { state: 'absent'; reason: string }
);
