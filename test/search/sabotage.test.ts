import { afterAll, describe, expect, it } from 'vitest';
import { Searcher } from './run.ts';
import { SABOTAGES } from './sabotage.ts';
import { searchWith } from './search.ts';

const RUNS = 4;
const searcher = await Searcher.start();
afterAll(() => searcher.stop());

describe(`the search finds within ${RUNS} runs a product that`, () => {
  for (const [name, sabotage] of Object.entries(SABOTAGES)) {
    it(`${sabotage.what} (${name})`, async () => {
      const found = await searchWith(searcher, { runs: RUNS, seed: 7, sabotage, shrinks: 0 });
      expect(found).not.toBeNull();
      expect(
        found?.violations.filter((violation) => sabotage.breaks.some((rule) => violation.startsWith(rule))),
      ).not.toEqual([]);
    });
  }
});
