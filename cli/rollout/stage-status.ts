import type { StageRecord } from '../../functions/core/fleet/rollout.ts';

/** How a rollout is: it runs, or how its last execution ended. */
export type RolloutState = 'running' | 'succeeded' | 'held' | 'denied' | 'failed' | 'stopped';

/** How far a stage is. */
export type StageState =
  | 'pending'
  | 'awaiting-approval'
  | 'migrating'
  | 'soaking'
  | 'proving'
  | 'proven'
  | Exclude<RolloutState, 'running' | 'succeeded'>;

/** What is known of a stage. */
export interface KnownStage {
  /** Whether the present execution has listed its clusters. */
  opened: boolean;
  /** How it was judged, if it was. */
  record: StageRecord | null;
  /** Whether the present execution judged it. */
  judgedNow: boolean;
}

/** The number of the stage that the rollout works on or ended at; the number of all stages if every one is proven. */
export function presentStage(stages: readonly KnownStage[]): number {
  const last = stages.findLastIndex(({ opened }) => opened);
  const from = Math.max(last, 0);
  const next = stages.slice(from).findIndex((stage) => !isProven(stage));
  return next < 0 ? stages.length : from + next;
}

/** A stage that was proven earlier and is open again, for new clusters, is not proven now. */
const isProven = ({ record, opened, judgedNow }: KnownStage) => record?.status === 'proven' && (judgedNow || !opened);

/** What is known of an execution that runs: the state that it is in, and whether people can answer its approval. */
export interface Running {
  state: string | null;
  isAsked: boolean;
}

/** How far each stage is. */
export function stageStates(stages: readonly KnownStage[], rollout: RolloutState, running: Running): StageState[] {
  const present = presentStage(stages);
  return stages.map((stage, index) => {
    if (rollout === 'succeeded' || index < present) return 'proven';
    if (index > present) return isProven(stage) ? 'proven' : 'pending';
    return rollout === 'running' ? runningState(stage, running) : endedState(stage, rollout);
  });
}

function runningState({ opened, record, judgedNow }: KnownStage, { state, isAsked }: Running): StageState {
  if (!opened) return 'pending';
  if (state === 'RequestApproval') return isAsked ? 'awaiting-approval' : 'pending';
  if (record?.status !== 'soaking' || !judgedNow) return 'migrating';
  return state === 'RunMigrations' || state === 'JudgeStage' ? 'proving' : 'soaking';
}

/** A rollout that failed or was stopped before it opened the stage left the stage as it was. */
function endedState({ opened }: KnownStage, ended: Exclude<RolloutState, 'running' | 'succeeded'>): StageState {
  return opened || ended === 'held' || ended === 'denied' ? ended : 'pending';
}
