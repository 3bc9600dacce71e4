import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { FLEET_RULES } from './rules.ts';

const SEARCH = fileURLToPath(new URL('../../../scripts/search.ts', import.meta.url));

// Its own processes use every core; vitest.config.ts runs it after all others.
it('rollouts of 25 drawn fleets, with drawn faults and people, keep all 9 rules and those of migrations', async () => {
  expect(Object.keys(FLEET_RULES)).toHaveLength(9);
  const options = ['--fleets', '--runs', '25', '--seed', '20261121'];
  const { stdout } = await promisify(execFile)(process.execPath, [SEARCH, ...options]);
  expect(stdout).toBe('No run of 25 breaks a rule (seed 20261121).\n');
});
