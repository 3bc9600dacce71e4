import fc from 'fast-check';
import type { Case } from './case.ts';
import { anyCase } from './draw.ts';
import type { FleetCase } from './fleets/case.ts';
import { anyFleet } from './fleets/draw.ts';
import { violationsOfFleet } from './fleets/rules.ts';
import { runFleet } from './fleets/run.ts';
import type { FleetSabotage } from './fleets/sabotage.ts';
import { Searcher } from './run.ts';
import type { Sabotage } from './sabotage.ts';
import { deploySabotaged } from './sabotage.ts';

export interface SearchOptions<OneSabotage = Sabotage> {
  /** Cases to draw; shrinking runs more. */
  runs: number;
  seed: number;
  sabotage?: OneSabotage;
  /** Tries to make what was found smaller; each is a whole execution. Default: 150. */
  shrinks?: number;
  /** Hears of every run. */
  onRun?: () => void;
}

/** The smallest case found that breaks a rule, and what it breaks. */
export interface Find<Drawn = Case> {
  counterexample: Drawn;
  violations: string[];
  /** How many cases were drawn up to it. */
  runs: number;
}

/** As `searchWith`, in a sandbox of its own. */
export const search = (options: SearchOptions): Promise<Find | null> =>
  inSandbox((searcher) => searchWith(searcher, options));

/** As `searchFleetsWith`, in a sandbox of its own. */
export const searchFleets = (options: SearchOptions<FleetSabotage>): Promise<Find<FleetCase> | null> =>
  inSandbox((searcher) => searchFleetsWith(searcher, options));

async function inSandbox<T>(work: (searcher: Searcher) => Promise<T>): Promise<T> {
  const searcher = await Searcher.start();
  try {
    return await work(searcher);
  } finally {
    await searcher.stop();
  }
}

/**
 * Runs drawn cases until one breaks a rule, and makes that one as small as it gets; null when none does. Throws
 * SandboxAtFault.
 */
export async function searchWith(searcher: Searcher, options: SearchOptions): Promise<Find | null> {
  const { sabotage } = options;
  await searcher.deploy(sabotage ? await deploySabotaged(sabotage) : {});
  const violations = (drawn: Case) => searcher.violations(drawn);
  return find({ ...options, draw: sabotage?.draw ?? anyCase, violations });
}

/** The same for rollouts. Throws SandboxAtFault. */
export async function searchFleetsWith(
  searcher: Searcher,
  options: SearchOptions<FleetSabotage>,
): Promise<Find<FleetCase> | null> {
  const { sabotage } = options;
  await searcher.deploy(sabotage ? await deploySabotaged(sabotage) : {});
  const violations = async (drawn: FleetCase) => violationsOfFleet(await runFleet(searcher, drawn));
  return find({ ...options, draw: sabotage?.draw ?? anyFleet, violations });
}

type Hunt<Drawn> = Omit<SearchOptions, 'sabotage'> & {
  draw: fc.Arbitrary<Drawn>;
  violations: (drawn: Drawn) => Promise<string[]>;
};

async function find<Drawn>(hunt: Hunt<Drawn>): Promise<Find<Drawn> | null> {
  const { runs, seed, shrinks = 150, draw, violations: violationsOf, onRun } = hunt;
  let smallest: Omit<Find<Drawn>, 'runs'> | null = null;
  let tries = 0;
  const property = fc.asyncProperty(draw, async (drawn) => {
    // Without an answer of this one's own, shrinking ends with the smallest that was found.
    if (smallest) tries += 1;
    if (tries > shrinks) return true;
    const violations = await violationsOf(drawn);
    onRun?.();
    if (violations.length > 0) smallest = { counterexample: drawn, violations };
    return violations.length === 0;
  });
  const result = await fc.check(property, { numRuns: runs, seed });
  // fast-check keeps what a property throws: a sandbox at fault is no find.
  if (result.failed && !smallest) throw result.errorInstance;
  return smallest && { ...Object(smallest), runs: result.numRuns };
}
