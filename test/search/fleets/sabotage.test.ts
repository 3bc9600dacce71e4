import { afterAll, describe, expect, it } from 'vitest';
import { Searcher } from '../run.ts';
import { searchFleetsWith } from '../search.ts';
import { FLEET_SABOTAGES } from './sabotage.ts';

const RUNS = 3;
const searcher = await Searcher.start();
afterAll(() => searcher.stop());

describe(`the search finds within ${RUNS} fleets a product that`, () => {
  for (const [name, sabotage] of Object.entries(FLEET_SABOTAGES)) {
    it(`${sabotage.what} (${name})`, async () => {
      const found = await searchFleetsWith(searcher, { runs: RUNS, seed: 7, sabotage, shrinks: 0 });
      expect(found).not.toBeNull();
      expect(
        found?.violations.filter((violation) => sabotage.breaks.some((rule) => violation.startsWith(rule))),
      ).not.toEqual([]);
    });
  }
});
