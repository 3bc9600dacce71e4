import { z } from 'zod';
import type { CaseCluster, CaseFault, CaseWorld } from '../case.ts';

/** A rollout in a world of its own: which stages it has, what goes wrong, and who resumes it. JSON, so that it can be pasted. */
export interface FleetCase {
  world: Omit<CaseWorld, 'clusters'> & { clusters: FleetCluster[] };
  stages: FleetStage[];
  /** As `POST /_sandbox/faults` takes them: also who holds, rings and aborts. */
  faults: CaseFault[];
  /** Each is one more execution of migrate-fleet, with `resume`. */
  resumes: Resume[];
}

export interface FleetCluster extends CaseCluster {
  /** With `nightshift:stage`, by which a stage selects it. */
  tags: Record<string, string>;
}

export interface FleetStage {
  name: string;
  atOnce: number;
  tolerate: number | string;
  soakHours: number;
}

export interface Resume {
  /** While the execution before it runs, as soon as that has ended, or when nothing moves any more. */
  when: 'together' | 'ended' | 'rest';
  /** Whether the person first releases every hold and waits until every alarm is quiet. */
  clears: boolean;
}

/** The name of the rollout, and of the execution that begins it. */
export const ROLLOUT = 'R';
export const STAGE_TAG = 'nightshift:stage';
export const GUARD_TAG = 'nightshift:guard';

/** What the first execution is started with. */
export const fleetInput = ({ stages }: FleetCase) => ({
  stages: stages.map(({ name, ...stage }) => ({ name, select: { tags: { [STAGE_TAG]: name } }, ...stage })),
});

export const stageOf = ({ tags }: FleetCluster): string => tags[STAGE_TAG] ?? '';

export const membersOf = ({ world }: FleetCase, stage: string): string[] =>
  world.clusters.filter((cluster) => stageOf(cluster) === stage).map(({ name }) => name);

/** How many clusters of a stage may fail. */
export function mayFail(of: FleetCase, { name, tolerate }: FleetStage): number {
  if (typeof tolerate === 'number') return tolerate;
  return Math.floor((Number(tolerate.replace('%', '')) / 100) * membersOf(of, name).length);
}

/** A pasted case: what is misspelt in a world, a stage or a fault is refused by the sandbox and by the product. */
export const fleetCaseShape = z.strictObject({
  world: z.custom<FleetCase['world']>(
    (value) => z.looseObject({ clusters: z.array(z.looseObject({ tags: z.unknown() })) }).safeParse(value).success,
  ),
  stages: z.array(z.custom<FleetStage>((value) => z.looseObject({ name: z.string() }).safeParse(value).success)),
  faults: z.array(z.record(z.string(), z.unknown())),
  resumes: z.array(z.strictObject({ when: z.enum(['together', 'ended', 'rest']), clears: z.boolean() })),
});
