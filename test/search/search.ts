import fc from 'fast-check';
import type { Case } from './case.ts';
import { anyCase } from './draw.ts';
import { Searcher } from './run.ts';
import type { Sabotage } from './sabotage.ts';
import { deploySabotaged } from './sabotage.ts';

export interface SearchOptions {
  /** Cases to draw; shrinking runs more. */
  runs: number;
  seed: number;
  sabotage?: Sabotage;
  /** Tries to make what was found smaller; each is a whole execution. Default: 150. */
  shrinks?: number;
  /** Hears of every run. */
  onRun?: () => void;
}

/** The smallest case found that breaks a rule, and what it breaks. */
export interface Find {
  counterexample: Case;
  violations: string[];
  /** How many cases were drawn up to it. */
  runs: number;
}

/** As `searchWith`, in a sandbox of its own. */
export async function search(options: SearchOptions): Promise<Find | null> {
  const searcher = await Searcher.start();
  try {
    return await searchWith(searcher, options);
  } finally {
    await searcher.stop();
  }
}

/**
 * Runs drawn cases until one breaks a rule, and makes that one as small as it gets; null when none does. Throws
 * SandboxAtFault.
 */
export async function searchWith(
  searcher: Searcher,
  { runs, seed, sabotage, shrinks = 150, onRun }: SearchOptions,
): Promise<Find | null> {
  await searcher.deploy(sabotage ? await deploySabotaged(sabotage) : {});
  return find(searcher, { runs, seed, shrinks, draw: sabotage?.draw ?? anyCase, ...(onRun && { onRun }) });
}

interface Hunt {
  runs: number;
  seed: number;
  shrinks: number;
  draw: fc.Arbitrary<Case>;
  onRun?: () => void;
}

async function find(searcher: Searcher, { runs, seed, shrinks, draw, onRun }: Hunt): Promise<Find | null> {
  let smallest: Omit<Find, 'runs'> | null = null;
  let tries = 0;
  const property = fc.asyncProperty(draw, async (drawn) => {
    // Without an answer of this one's own, shrinking ends with the smallest that was found.
    if (smallest) tries += 1;
    if (tries > shrinks) return true;
    const violations = await searcher.violations(drawn);
    onRun?.();
    if (violations.length > 0) smallest = { counterexample: drawn, violations };
    return violations.length === 0;
  });
  const result = await fc.check(property, { numRuns: runs, seed });
  // fast-check keeps what a property throws: a sandbox at fault is no find.
  if (result.failed && !smallest) throw result.errorInstance;
  return smallest && { ...Object(smallest), runs: result.numRuns };
}
