import {
  InspectAnswer,
  type InspectAnswer as Inspected,
  OutcomeAnswer,
  RequestInput,
  UpdateAnswer,
} from './answers.ts';
import { type Evidence, type NodeVerdict, readVerdicts } from './evidence.ts';
import type { ExecutionName } from './executions.ts';
import type { EndStatus, HistoryError, Step } from './history.ts';
import { narrate } from './narrate.ts';
import { labelOf, type PhaseName } from './phases.ts';

/** What an execution's history and evidence tell, and nothing else; times are ISO, durations seconds. */
export interface Story {
  execution: {
    arn: string;
    name: string;
    status: EndStatus | 'RUNNING';
    startedAt: string | null;
    endedAt: string | null;
    seconds: number | null;
  };
  /** Null when the execution's input was not a migration request. */
  request: RequestInput | null;
  /** The last look at the cluster before anything changed. */
  cluster: Inspected['cluster'] | null;
  plan: Inspected['plan'] | null;
  inventory: { total: number; ssm: number; proxyMode: number; excluded: number; blocked: number } | null;
  change: Change | null;
  phases: Phase[];
  nodes: NodeRecord[];
  evidence: EvidenceRecord[];
  ending: { kind: string; error: HistoryError | null };
  /** What one would look for and did not find, one sentence each. */
  absent: string[];
  /** Evidence that is not what the history says it is: one sentence each. Not empty = do not trust this story. */
  alarms: string[];
}

/** The add-on's configuration before and after, as text; null where none was set. */
export interface Change {
  addonVersion: string | null;
  from: string | null;
  to: string | null;
  updateId: string | null;
}

/** One stay in a phase: an execution that waits for its window comes to `inspect` twice. */
export interface Phase {
  phase: PhaseName;
  label: string;
  startedAt: string;
  endedAt: string | null;
  seconds: number | null;
  /** One line per thing that happened, the last answer of a question that was asked repeatedly. */
  details: string[];
  errors: HistoryError[];
}

/** One node's verdict, with the step that asked (`validate-1`). */
export type NodeRecord = { step: string } & NodeVerdict;

export type EvidenceRecord = { key: string; sha256: string } & (
  | { state: 'verified'; bytes: number }
  | { state: 'mismatch'; actual: string }
  | { state: 'absent'; reason: string }
);

/** Tells the story of one execution. Pure: the same history and evidence give the same story. */
export function tellStory(execution: ExecutionName, steps: readonly Step[], evidence: readonly Evidence[]): Story {
  const phases = tellPhases(steps);
  const looks = answersOf(steps, ['InspectCluster', 'InspectWorkloads'], InspectAnswer);
  const last = looks.at(-1) ?? null;
  const end = steps.find((step) => step.kind === 'ended') ?? null;
  const request = RequestInput.safeParse(steps.find((step) => step.kind === 'started')?.input);
  const nodes = tellNodes(evidence);
  const ending = tellEnding(steps);
  const story: Omit<Story, 'absent'> = {
    execution: { arn: execution.arn, name: execution.name, ...tellTimes(steps, end?.status ?? 'RUNNING') },
    request: request.success ? request.data : null,
    cluster: last?.cluster ?? null,
    plan: last?.plan ?? null,
    inventory: last?.inventory?.counts ?? null,
    change: tellChange(steps, last),
    phases,
    nodes,
    evidence: evidence.map(record),
    ending,
    alarms: tellAlarms(evidence),
  };
  return { ...story, absent: tellAbsent(story) };
}

function tellTimes(steps: readonly Step[], status: EndStatus | 'RUNNING') {
  const first = steps[0]?.at ?? null;
  const end = steps.find((step) => step.kind === 'ended')?.at ?? null;
  return {
    status,
    startedAt: first?.toISOString() ?? null,
    endedAt: end?.toISOString() ?? null,
    seconds: first && end ? secondsBetween(first, end) : null,
  };
}

interface OpenPhase {
  phase: PhaseName;
  startedAt: Date;
  endedAt: Date | null;
  details: Map<string, string>;
  errors: HistoryError[];
}

function tellPhases(steps: readonly Step[]): Phase[] {
  const open: OpenPhase[] = [];
  for (const step of steps) {
    if (!('phase' in step) || step.phase === null) continue;
    let current = open.at(-1);
    if (current?.phase !== step.phase) {
      if (step.kind !== 'entered') continue;
      current = { phase: step.phase, startedAt: step.at, endedAt: null, details: new Map(), errors: [] };
      open.push(current);
    }
    if (step.kind === 'entered') current.endedAt = null;
    if (step.kind === 'left') current.endedAt = step.at;
    if (step.kind === 'failed') current.errors.push(step.error);
    const text = step.kind === 'failed' ? null : narrate(step);
    if (text !== null) current.details.set(step.state, text);
  }
  return open.map(({ phase, startedAt, endedAt, details, errors }) => ({
    phase,
    label: labelOf(phase),
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    seconds: endedAt ? secondsBetween(startedAt, endedAt) : null,
    // Two states may say the same: the second look at a cluster usually does.
    details: [...new Set(details.values())],
    errors,
  }));
}

function tellChange(steps: readonly Step[], look: Inspected | null): Change | null {
  const [update] = answersOf(steps, ['UpdateAddon'], UpdateAnswer);
  if (!look || !update) return null;
  return {
    addonVersion: look.addon?.version ?? null,
    from: look.addon?.configuration ?? null,
    to: look.plan.configuration ?? null,
    updateId: update.updateId,
  };
}

function tellNodes(evidence: readonly Evidence[]): NodeRecord[] {
  return evidence.flatMap((each) => {
    const step = /\/(?<step>[^/]+)\/evidence\.ndjson\.gz$/.exec(each.key)?.groups?.['step'];
    if (step === undefined || each.state !== 'verified') return [];
    return readVerdicts(each).map((verdict) => ({ step, ...verdict }));
  });
}

function tellEnding(steps: readonly Step[]): Story['ending'] {
  const outcome = answersOf(steps, ['RecordOutcome'], OutcomeAnswer).at(-1);
  const end = steps.find((step) => step.kind === 'ended');
  if (!end) return { kind: 'running', error: null };
  if (end.status === 'SUCCEEDED') return { kind: outcome?.ending ?? 'succeeded', error: null };
  const kind = end.status === 'FAILED' ? (outcome?.ending ?? 'failed') : end.status.toLowerCase().replace('_', '-');
  return { kind, error: end.error };
}

function tellAlarms(evidence: readonly Evidence[]): string[] {
  return evidence.flatMap((each) =>
    each.state === 'mismatch'
      ? [`${each.key} is not what was recorded: its SHA-256 is ${each.actual}, the history says ${each.sha256}`]
      : [],
  );
}

function tellAbsent(story: Omit<Story, 'absent'>): string[] {
  const ended = story.execution.status !== 'RUNNING';
  const has = (phase: PhaseName) => story.phases.some((each) => each.phase === phase);
  const lines: (string | false)[] = [
    story.request === null && 'the input is not a migration request: who asked for what is not known',
    story.request !== null && !story.request.requestedBy && 'the input does not say who asked',
    story.cluster === null && 'no look at the cluster ended: what it ran before is not known',
    story.cluster !== null && story.change === null && 'no add-on update was sent',
    !has('restart') && 'kube-proxy was not restarted',
    ended && !story.nodes.some((node) => isProof(node.step)) && 'no verdict of any node is in the evidence',
    ended && !has('record') && 'no outcome was recorded',
    ...story.evidence.map((each) => each.state === 'absent' && `${each.key}: ${each.reason}`),
  ];
  return lines.filter((line) => line !== false);
}

/** Steps in which nodes say what they run, as against being prepared for it. */
export function isProof(step: string): boolean {
  return /^(validate|compliance)-/.test(step);
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

function answersOf<T>(
  steps: readonly Step[],
  states: readonly string[],
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false } },
): T[] {
  return steps.flatMap((step) => {
    if (step.kind !== 'succeeded' || !states.includes(step.state)) return [];
    const answer = schema.safeParse(step.value);
    return answer.success ? [answer.data] : [];
  });
}

function secondsBetween(from: Date, to: Date): number {
  return Math.round((to.getTime() - from.getTime()) / 1000);
}
