import { describe, expect, it } from 'vitest';
import { SABOTAGES } from './sabotage.ts';
import { search } from './search.ts';

const RUNS = 4;

describe(`the search finds within ${RUNS} runs a product that`, () => {
  for (const [name, sabotage] of Object.entries(SABOTAGES)) {
    it(`${sabotage.what} (${name})`, async () => {
      const found = await search({ runs: RUNS, seed: 7, sabotage, shrinks: 0 });
      expect(found).not.toBeNull();
      expect(
        found?.violations.filter((violation) => sabotage.breaks.some((rule) => violation.startsWith(rule))),
      ).not.toEqual([]);
    });
  }
});
