import type { NodesInMode } from '../../functions/core/evidence/nodes-by-mode.ts';
import type { Verdict } from '../../functions/core/evidence/verdict.ts';
import { labelOf, type PhaseName } from '../../state-machines/phases.ts';
import type { ExecutionName } from '../execution/executions.ts';
import type { Evidence } from './evidence.ts';
import { type EndStatus, type HistoryError, parseJson, type Step } from './history.ts';
import { expectedAnswer, narrate, wentWrong } from './narrate.ts';
import { Recorded, RecordedModes } from './views.ts';

/** One node's verdict, with its step (`validate-1-1`) and the execution of that step. */
export type NodeRecord = { execution: string; step: string } & Verdict;

/** An execution and when it was; times are ISO, `seconds` null while it runs. */
export interface ExecutionRecord {
  arn: string;
  name: string;
  status: EndStatus | 'RUNNING';
  startedAt: string | null;
  endedAt: string | null;
  seconds: number | null;
}

/** One stay in a phase: an execution that waits for its window comes to `inspect` twice. */
export interface Phase {
  phase: PhaseName;
  label: string;
  startedAt: string;
  endedAt: string | null;
  seconds: number | null;
  /** One line for each step. Of a step that was polled, only the last answer. */
  details: string[];
  /** Attempts that were retried, by state and error, each with its last cause. */
  retries: { state: string; error: HistoryError; times: number }[];
  errors: HistoryError[];
}

/** The ending that an execution recorded, or the status with which Step Functions cut it off. */
export interface Ending {
  kind: string;
  error: HistoryError | null;
}

/** Whether an execution revoked its access or released its lease. */
export type Held = 'not-taken' | 'given-back' | 'remains';

export function buildExecution(execution: ExecutionName, steps: readonly Step[]): ExecutionRecord {
  const first = steps[0]?.at ?? null;
  const end = steps.find((step) => step.kind === 'ended');
  return {
    arn: execution.arn,
    name: execution.name,
    status: end?.status ?? 'RUNNING',
    startedAt: first?.toISOString() ?? null,
    endedAt: end?.at.toISOString() ?? null,
    seconds: first && end ? secondsBetween(first, end.at) : null,
  };
}

interface OpenPhase {
  phase: PhaseName;
  startedAt: Date;
  endedAt: Date | null;
  details: Map<string, string>;
  retries: Map<string, Phase['retries'][number]>;
  errors: HistoryError[];
}

export function buildPhases(steps: readonly Step[]): Phase[] {
  const open: OpenPhase[] = [];
  for (const step of steps) {
    if (!('phase' in step) || step.phase === null) continue;
    let current = open.at(-1);
    if (current?.phase !== step.phase) {
      if (step.kind !== 'entered') continue;
      current = { phase: step.phase, startedAt: step.at, endedAt: null, ...nothingYet() };
      open.push(current);
    }
    if (step.kind === 'entered') current.endedAt = null;
    if (step.kind === 'left') current.endedAt = step.at;
    const wrong = wentWrong(step);
    if (wrong) {
      current.errors.push(wrong);
      continue;
    }
    const text = narrate(step);
    if (text === null) continue;
    if (step.kind === 'failed' && step.next !== 'over') {
      const times = retried(current, step);
      current.details.set(`${step.state} ${step.error.name}`, times === 1 ? text : `${text} (×${times})`);
      continue;
    }
    // An answer shows what the state did.
    const told = step.kind === 'entered' || step.kind === 'succeeded' ? step.state : `${step.state} ${step.kind}`;
    current.details.set(told, text);
  }
  return open.map(({ phase, startedAt, endedAt, details, retries, errors }) => ({
    phase,
    label: labelOf(phase),
    startedAt: startedAt.toISOString(),
    endedAt: endedAt?.toISOString() ?? null,
    seconds: endedAt ? secondsBetween(startedAt, endedAt) : null,
    // Two states may give the same line, as a second inspection of a cluster usually does.
    details: [...new Set(details.values())],
    retries: [...retries.values()],
    errors,
  }));
}

function nothingYet(): Pick<OpenPhase, 'details' | 'retries' | 'errors'> {
  return { details: new Map(), retries: new Map(), errors: [] };
}

/** How often a state was retried after this error in its phase. */
function retried({ retries }: OpenPhase, { state, error }: Step & { kind: 'failed' }): number {
  const key = `${state} ${error.name}`;
  const times = (retries.get(key)?.times ?? 0) + 1;
  retries.set(key, { state, error, times });
  return times;
}

export function buildEnding(steps: readonly Step[]): Ending {
  const outcome = outcomeOf(steps);
  const end = steps.find((step) => step.kind === 'ended');
  if (!end) return { kind: 'running', error: null };
  if (end.status === 'SUCCEEDED') return { kind: outcome?.ending ?? 'succeeded', error: null };
  const kind = end.status === 'FAILED' ? (outcome?.ending ?? 'failed') : end.status.toLowerCase().replace('_', '-');
  return { kind, error: end.error };
}

/** The last answer of RecordOutcome. */
export function outcomeOf(steps: readonly Step[]): Recorded | null {
  return answersOf(steps, 'record-outcome', Recorded).at(-1) ?? null;
}

/**
 * Nodes by the last mode that they reported: with names if the record is verified, otherwise only the counts of the
 * history.
 */
export function buildModes(steps: readonly Step[], evidence: readonly Evidence[]): NodesInMode[] {
  const outcome = outcomeOf(steps);
  if (!outcome) return [];
  const { outcome: reference, modes = {} } = outcome;
  const record = evidence.find(({ key, sha256 }) => key === reference?.key && sha256 === reference.sha256);
  const read = record?.state === 'verified' ? RecordedModes.safeParse(parseJson(record.content)) : null;
  if (read?.success) return read.data.modes;
  return Object.entries(modes).map(([mode, nodes]) => ({ mode, nodes, names: [] }));
}

interface Holding {
  taken: readonly string[];
  givenBack: string;
}

/** Keyed by the operations that take it and release it. */
const ACCESS: Holding = { taken: ['eks:createAccessEntry'], givenBack: 'eks:deleteAccessEntry' };
const LEASE: Holding = {
  taken: ['scheduler:createSchedule', 'scheduler:updateSchedule'],
  givenBack: 'scheduler:deleteSchedule',
};

const takes = ({ taken }: Holding, { calls }: Done): boolean => calls !== null && taken.includes(calls);

/** Whether the access to Kubernetes and the lease were released, by an execution or by its rollbacks and recoveries. */
export function buildHeld(steps: readonly Step[]): { access: Held; lease: Held } {
  const inOrder = ordered(steps);
  const held = (holding: Holding): Held => {
    const last = lastOf(inOrder, holding);
    if (last === null) return 'not-taken';
    if (takes(holding, last)) return 'remains';
    // A recovery deletes what may be there. If there was nothing, nothing was released.
    return inOrder.some((step) => hasDone(step) && takes(holding, step)) ? 'given-back' : 'not-taken';
  };
  return { access: held(ACCESS), lease: held(LEASE) };
}

/** The last call that set the lease, by any execution that works on one cluster; null if no lease is left. */
export function leaseLeft(steps: readonly Step[]): (Step & { kind: 'succeeded' }) | null {
  const last = lastOf(ordered(steps), LEASE);
  return last?.kind === 'succeeded' && takes(LEASE, last) ? last : null;
}

function ordered(steps: readonly Step[]): Step[] {
  return steps.toSorted((a, b) => a.at.getTime() - b.at.getTime());
}

function lastOf(inOrder: readonly Step[], holding: Holding): Done | null {
  return inOrder.filter(hasDone).findLast((step) => takes(holding, step) || step.calls === holding.givenBack) ?? null;
}

type Done = Step & { kind: 'succeeded' | 'failed' };

/** Whether a call had its effect, or found it done. A lease that another execution holds was not taken. */
function hasDone(step: Step): step is Done {
  if (step.kind === 'succeeded') return true;
  return step.kind === 'failed' && !takes(LEASE, step) && expectedAnswer(step) !== null;
}

interface Schema<T> {
  safeParse(value: unknown): { success: true; data: T } | { success: false };
}

/** The answers of Tasks that call this (`inspect-cluster`, `eks:describeUpdate`) and are what `schema` says, oldest first. */
export function answersOf<T>(steps: readonly Step[], calls: string, schema: Schema<T>): T[] {
  return steps.flatMap((step) => {
    if (step.kind !== 'succeeded' || step.calls !== calls) return [];
    const answer = schema.safeParse(step.value);
    return answer.success ? [answer.data] : [];
  });
}

/** Whether an execution and all that end its work have ended. */
export function isSettled(story: {
  execution: ExecutionRecord;
  rollbacks: readonly { execution: ExecutionRecord }[];
}): boolean {
  return [story, ...story.rollbacks].every(({ execution }) => execution.status !== 'RUNNING');
}

/** True for a step in which nodes are validated, and not prepared or cleaned. */
export function isProof(step: string): boolean {
  return /^(canary|validate|compliance|proof|finish|survey)-/.test(step);
}

function secondsBetween(from: Date, to: Date): number {
  return Math.round((to.getTime() - from.getTime()) / 1000);
}
