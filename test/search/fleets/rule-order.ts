import { type FleetStage, mayFail, membersOf } from './case.ts';
import {
  begunAt,
  disruptedAt,
  type FleetSeen,
  iso,
  type PartSeen,
  partsOf,
  recordedAt,
  rolloutOf,
  rolloutsIn,
} from './seen.ts';

const HOUR_MS = 3_600_000;

/** Rule a: nothing is changed in a stage before the stages in front of it are proven, and have soaked. */
export function stagesInOrder(fleet: FleetSeen): string[] {
  const parts = partsOf(fleet);
  const { stages } = fleet.of;
  return parts.flatMap((part) => {
    const at = begunAt(part);
    const index = stages.findIndex(({ name }) => name === part.stage);
    if (at === null) return [];
    return stages.slice(0, index).flatMap((stage) => {
      const problem = problemOf(fleet, parts, stage, at);
      return problem === null ? [] : [`${part.execution.name} began in ${part.stage} at ${at}, when ${problem}`];
    });
  });
}

/** Rule f, first half: a rollout that succeeded has proven all its stages. */
export function successIsProven(fleet: FleetSeen): string[] {
  const parts = partsOf(fleet);
  return rolloutsIn(fleet)
    .filter(({ status }) => status === 'SUCCEEDED')
    .flatMap(({ name, history }) => {
      const at = iso(history.at(-1)?.timestamp ?? new Date(0));
      return fleet.of.stages.flatMap((stage) => {
        const problem = problemOf(fleet, parts, stage, at);
        return problem === null ? [] : [`${name} succeeded at ${at}, when ${problem}`];
      });
    });
}

/** Why a stage is not proven at a moment; null if it is. */
function problemOf({ of }: FleetSeen, parts: readonly PartSeen[], stage: FleetStage, at: string): string | null {
  const ended = parts.filter((part) => part.stage === stage.name && part.endedAt <= at);
  const proven = ended.filter(({ isProven }) => isProven);
  const left = membersOf(of, stage.name).filter((name) => !proven.some(({ cluster }) => cluster === name));
  if (left.length > mayFail(of, stage)) return `${left.join(', ')} of ${stage.name} were not proven`;
  const lost = left.length === 0 ? lostAt(ended) : null;
  if (lost !== null) return `${lost} of ${stage.name} had lost the target`;
  const untouched = left.filter((name) => !ended.some(({ cluster }) => cluster === name));
  if (untouched.length > 0) return `nothing had begun on ${untouched.join(', ')} of ${stage.name}`;
  return stage.soakHours === 0 ? null : notSoaked(stage, proven, at);
}

/** A cluster whose last execution was a proof that failed. */
function lostAt(ended: readonly PartSeen[]): string | null {
  const last = new Map(ended.map((part) => [part.cluster, part]));
  return [...last.values()].find(({ isProof, isProven }) => isProof && !isProven)?.cluster ?? null;
}

/** After the last migration of the stage come the hours of its soak, and then every cluster proves itself once more. */
function notSoaked({ name, soakHours }: FleetStage, proven: readonly PartSeen[], at: string): string | null {
  const changed = proven.filter((part) => !part.isProof && disruptedAt(part) !== null).map(({ endedAt }) => endedAt);
  const last = changed.sort().at(-1);
  if (last === undefined) return null;
  const over = new Date(Date.parse(last) + soakHours * HOUR_MS).toISOString();
  if (at < over) return `${name} soaked until ${over}`;
  const again = new Set(
    proven.filter(({ execution }) => iso(execution.startedAt) >= over).map(({ cluster }) => cluster),
  );
  const unproven = [...new Set(proven.map(({ cluster }) => cluster))].filter((cluster) => !again.has(cluster));
  return unproven.length === 0 ? null : `${unproven.join(', ')} of ${name} had given no proof after the soak`;
}

/** A look at the rollout may be acted on for so long. */
const GRACE_MS = 300_000;

/** Rule a, second half: what an execution of the rollout started does not begin after that has ended. */
export function nothingAfterTheEnd(fleet: FleetSeen): string[] {
  const ends = new Map(
    rolloutsIn(fleet)
      .filter(({ status }) => status !== 'RUNNING')
      .map(({ arn, history }) => [arn, history.at(-1)?.timestamp?.getTime() ?? 0]),
  );
  return partsOf(fleet).flatMap((part) => {
    const end = ends.get(part.startedBy);
    const late = [begunAt(part), disruptedAt(part)].find(
      (at) => end !== undefined && at !== null && Date.parse(at) > end + GRACE_MS,
    );
    return late ? [`${part.execution.name} began at ${late}, after its rollout had ended`] : [];
  });
}

const GOOD = new Set(['migrated', 'already-compliant']);

/** Rule d: what is proven is not begun again by a resumption. */
export function provenStaysProven(fleet: FleetSeen): string[] {
  const parts = partsOf(fleet);
  return rolloutsIn(fleet).flatMap((rollout) => {
    const { arn, name, startedAt } = rollout;
    return parts
      .filter((part) => part.startedBy === arn && !part.isProof)
      .filter(({ cluster }) => GOOD.has(recordedAt(fleet, rolloutOf(rollout), cluster, iso(startedAt)) ?? ''))
      .map(({ cluster }) => `${name} migrates ${cluster}, which the rollout had recorded as proven`);
  });
}
