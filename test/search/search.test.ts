import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { RULES } from './rules.ts';

const SEARCH = fileURLToPath(new URL('../../scripts/search.ts', import.meta.url));

// Its own processes use every core; vitest.config.ts runs it after all others.
it('executions in 500 drawn worlds, with drawn faults, keep all 13 rules and exceed no role', async () => {
  expect(Object.keys(RULES)).toHaveLength(13);
  const { stdout } = await promisify(execFile)(process.execPath, [SEARCH, '--runs', '500', '--seed', '20261120']);
  expect(stdout).toBe('No run of 500 breaks a rule (seed 20261120).\n');
});
