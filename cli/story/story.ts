import * as EditConfigMap from '../../functions/contracts/edit-config-map.ts';
import { machineOf } from '../../state-machines/phases.ts';
import type { ExecutionName } from '../execution/executions.ts';
import { listAbsent } from './absent.ts';
import { buildEffect } from './effect.ts';
import { type Evidence, readVerdicts } from './evidence.ts';
import { buildFailure } from './failure.ts';
import type { Step } from './history.ts';
import {
  answersOf,
  buildEnding,
  buildExecution,
  buildHeld,
  buildModes,
  buildPhases,
  type NodeRecord,
  outcomeOf,
} from './parts.ts';
import { buildRollback, type Related } from './rollback.ts';
import type { Change, EvidenceRecord, Story } from './story-type.ts';
import { Inspected, Requested, RequestedRollback, UpdateSent } from './views.ts';

/** Everything that was read: one history, those of its rollbacks and recoveries, what was not found, the evidence. */
export interface Sources {
  execution: ExecutionName;
  steps: readonly Step[];
  related: readonly Related[];
  /** One sentence for each history that was not found. */
  missing: readonly string[];
  evidence: readonly Evidence[];
}

/** Makes the story of one execution. Pure: the same sources give the same story. */
export function buildStory(sources: Sources): Story {
  const { execution, steps, related, evidence } = sources;
  const machine = machineOf(execution.stateMachine);
  const last = answersOf(steps, 'inspect-cluster', Inspected).at(-1) ?? null;
  const request = Requested.safeParse(steps.find((step) => step.kind === 'started')?.input);
  const nodes = buildNodes(evidence);
  const undone = machine === 'rollback-cluster' ? [{ execution, steps }] : related;
  const rollbacks = undone.map((each) => buildRollback(each, evidence, nodes));
  const ending = buildEnding(steps);
  const story: Omit<Story, 'absent'> = {
    machine,
    execution: buildExecution(execution, steps),
    request: request.success ? request.data : null,
    cluster: last?.cluster ?? null,
    plan: last?.plan ?? null,
    inventory: last?.inventory?.counts ?? null,
    change: buildChange(steps, last),
    phases: buildPhases(steps),
    failure: buildFailure(steps, nodes, execution.name),
    rollbacks,
    modes: (rollbacks.at(-1) ?? { modes: buildModes(steps, evidence) }).modes,
    addon: buildAddon([steps, ...related.map((each) => each.steps)]),
    guard: outcomeOf(steps)?.guard ?? null,
    effect: buildEffect(nodes, [ending, ...rollbacks.map((each) => each.ending)]),
    ...heldBy(sources),
    nodes,
    evidence: evidence.map(record),
    ending,
    alarms: buildAlarms(evidence),
  };
  return { ...story, absent: listAbsent(story, { missing: sources.missing, recorded: outcomeOf(steps) !== null }) };
}

/** The executions that undo a change are newer than the one that made it. */
function buildAddon(executions: readonly (readonly Step[])[]): Story['addon'] {
  return executions.map((steps) => outcomeOf(steps)?.addon ?? null).findLast((addon) => addon !== null) ?? null;
}

/** If the owner waits for the rollback, the rollback takes the lease over and leaves its release to the owner. */
function heldBy({ execution, steps, related }: Sources): Pick<Story, 'access' | 'lease'> {
  const held = buildHeld([...steps, ...related.flatMap((each) => each.steps)]);
  const input = RequestedRollback.safeParse(steps.find((step) => step.kind === 'started')?.input).data;
  return input?.leasedTo === execution.name ? { ...held, lease: 'not-taken' } : held;
}

function buildChange(steps: readonly Step[], look: Inspected | null): Change | null {
  const [update] = answersOf(steps, 'update-addon', UpdateSent);
  const [edit] = answersOf(steps, 'edit-config-map', EditConfigMap.Output);
  if (!look || !(update || edit)) return null;
  return {
    way: look.plan.way ?? null,
    addonVersion: look.addon?.version ?? null,
    from: look.addon?.configuration ?? null,
    to: look.plan.configuration ?? null,
    updateId: update?.updateId ?? null,
    configMap: edit?.changed ?? null,
  };
}

function buildNodes(evidence: readonly Evidence[]): NodeRecord[] {
  return evidence.flatMap((each) => {
    const place = /^(?:executions|rollbacks)\/(?<execution>[^/]+)\/(?<step>[^/]+)\/evidence\.ndjson\.gz$/.exec(
      each.key,
    )?.groups;
    if (!place || each.state !== 'verified') return [];
    const { execution = '', step = '' } = place;
    return readVerdicts(each).map((verdict) => ({ execution, step, ...verdict }));
  });
}

function buildAlarms(evidence: readonly Evidence[]): string[] {
  return evidence.flatMap((each) =>
    each.state === 'mismatch'
      ? [`${each.key} is not what was recorded: its SHA-256 is ${each.actual}, the history says ${each.sha256}`]
      : [],
  );
}

function record(evidence: Evidence): EvidenceRecord {
  const { key, sha256 } = evidence;
  switch (evidence.state) {
    case 'verified':
      return { key, sha256, state: 'verified', bytes: evidence.bytes };
    case 'mismatch':
      return { key, sha256, state: 'mismatch', actual: evidence.actual };
    case 'absent':
      return { key, sha256, state: 'absent', reason: evidence.reason };
  }
}
