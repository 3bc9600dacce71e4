import * as EditConfigMap from '../../functions/contracts/edit-config-map.ts';
import type { NodesInMode } from '../../functions/core/evidence/nodes-by-mode.ts';
import type { ExecutionRef } from '../../functions/core/execution/executions.ts';
import type { PhaseName } from '../../state-machines/phases.ts';
import type { ExecutionName } from '../execution/executions.ts';
import { showTarget } from '../terminal/format.ts';
import type { Evidence } from './evidence.ts';
import { buildFailure, type Failure } from './failure.ts';
import type { Step } from './history.ts';
import { expectedAnswer } from './narrate.ts';
import {
  answersOf,
  buildEnding,
  buildExecution,
  buildModes,
  buildPhases,
  type Ending,
  type ExecutionRecord,
  type NodeRecord,
  type Phase,
} from './parts.ts';
import { Collected, DescribedUpdate, FoundFormer, RequestedRollback, RolledOut, UpdateSent } from './views.ts';

/** One execution of rollback-cluster, read from its history and the evidence. Null means: not read. */
export interface Rollback {
  execution: ExecutionRecord;
  /** `rollback` undoes a migration; `recover` finishes an execution that was cut off. */
  mode: string | null;
  reason: string | null;
  attempt: number | null;
  /** The execution whose change it undoes. */
  owner: ExecutionRef | null;
  cluster: string | null;
  /** Why there was nothing to restore. */
  nothing: string[] | null;
  former: Former | null;
  restored: Restored | null;
  /** Pods that the restart has reached; null when no restart was followed. */
  restarted: { desired: number; updated: number; available: number } | null;
  /** EKS rolled the DaemonSet, and the execution could not follow it. */
  rolledByEks: boolean;
  cleaned: Answered | null;
  proof: (Answered & { of: string }) | null;
  modes: NodesInMode[];
  /** The number of attempts: there are at most three. */
  attempts: number;
  phases: Phase[];
  /** Why it gave up, or where it was cut off. */
  failure: Failure | null;
  ending: Ending;
}

/** The configuration of the cluster when the rollback began, and the one that was saved before the change. */
export interface Former {
  proxying: string;
  way: string | null;
  from: string | null;
  to: string;
  /** The add-on was configured as before already: nothing had to be sent. */
  already: boolean;
}

/** What was sent, and the status that EKS reported. */
export interface Restored {
  updateId: string | null;
  /** `Successful` and so on; `gone` for an add-on that was removed again; null if no status was read. */
  status: string | null;
  configMap: 'written' | 'as-before' | null;
}

/** Nodes of one step. */
export interface Answered {
  step: string | null;
  passed: number;
  failed: number;
}

/** The history of an execution that undid or finished this one. */
export interface Related {
  execution: ExecutionName;
  steps: readonly Step[];
}

/** Reads one rollback or recovery. `nodes` are all verdicts that were read. */
export function buildRollback(
  { execution, steps }: Related,
  evidence: readonly Evidence[],
  nodes: readonly NodeRecord[],
): Rollback {
  const input = RequestedRollback.safeParse(steps.find((step) => step.kind === 'started')?.input).data;
  const looks = answersOf(steps, 'inspect-rollback', FoundFormer);
  const first = looks[0];
  const last = looks.at(-1);
  const own = nodes.filter((node) => node.execution === execution.name);
  const rollout = answersOf(steps, 'check-rollout', RolledOut).at(-1);
  const finished = steps.some(
    (step) => step.kind === 'succeeded' && step.phase === 'standing' && step.calls === 'check-configuration',
  );
  const proven = finished && last?.atTarget ? last.target : last?.former?.proxying;
  const proof = finished ? answered(steps, own, 'standing', 'finish-') : answered(steps, own, 'proof', 'proof-');
  return {
    execution: buildExecution(execution, steps),
    mode: input?.mode ?? null,
    reason: input?.reason ?? null,
    attempt: input?.attempt ?? null,
    owner: input?.execution ?? null,
    cluster: input?.cluster ?? null,
    nothing: last?.plan.kind === 'nothing' ? last.plan.reasons : null,
    former: buildFormer(first, last),
    restored: buildRestored(steps),
    restarted: rollout ? { desired: rollout.desired, updated: rollout.updated, available: rollout.available } : null,
    rolledByEks:
      last?.strategy === 'pod-annotations' && steps.some((step) => step.kind === 'left' && step.phase === 'restart'),
    cleaned: answered(steps, own, 'clean', 'clean-'),
    proof: proof && proven ? { ...proof, of: showTarget(proven) } : null,
    modes: buildModes(steps, evidence),
    attempts: 1 + steps.filter((step) => step.kind === 'entered' && step.phase === 'again').length,
    phases: buildPhases(steps),
    failure: buildFailure(steps, nodes, execution.name),
    ending: buildEnding(steps),
  };
}

/** Only the first inspection saw what the migration had left. All inspections saw the same former state. */
function buildFormer(first: FoundFormer | undefined, last: FoundFormer | undefined): Former | null {
  if (!first || !last?.former) return null;
  const { configuration, proxying } = last.former;
  return {
    proxying: showTarget(proxying),
    way: last.way ?? null,
    from: first.addon?.configuration ?? null,
    to: configuration,
    already: first.atFormer ?? false,
  };
}

function buildRestored(steps: readonly Step[]): Restored | null {
  const update = answersOf(steps, 'update-addon', UpdateSent).at(-1);
  const edit = answersOf(steps, 'edit-config-map', EditConfigMap.Output).at(-1);
  if (!update && !edit) return null;
  const gone = steps.some(
    (step) => 'calls' in step && step.calls === 'eks:describeAddon' && expectedAnswer(step) !== null,
  );
  const status = answersOf(steps, 'eks:describeUpdate', DescribedUpdate).at(-1)?.Update.Status;
  return {
    updateId: update?.updateId ?? null,
    status: gone ? 'gone' : (status ?? null),
    configMap: edit ? (edit.changed ? 'written' : 'as-before') : null,
  };
}

/** The last step of a kind: by its verdicts where they were read, otherwise by what the history says of it. */
function answered(
  steps: readonly Step[],
  nodes: readonly NodeRecord[],
  phase: PhaseName,
  prefix: string,
): Answered | null {
  const step = nodes.findLast((node) => node.step.startsWith(prefix))?.step;
  if (step !== undefined) {
    const said = nodes.filter((node) => node.step === step);
    const passed = said.filter(({ pass }) => pass).length;
    return { step, passed, failed: said.length - passed };
  }
  const inPhase = steps.filter((each) => 'phase' in each && each.phase === phase);
  const last = answersOf(inPhase, 'collect-from-nodes', Collected).findLast(({ done }) => done);
  return last ? { step: null, passed: last.passed, failed: last.failed } : null;
}
