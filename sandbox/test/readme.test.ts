import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const run = promisify(execFile);
const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
/** Below the repository, where the package is found by its name. */
const DIST = fileURLToPath(new URL('../../dist', import.meta.url));

test('the state machine of the README does what it says', async () => {
  const [template = '', greet = '', program = '', printed = ''] = [
    ...README.matchAll(/^```(?:json|js|text)\n(.*?)^```$/gms),
  ].map(([, block]) => block);
  mkdirSync(DIST, { recursive: true });
  const folder = mkdtempSync(join(DIST, 'readme-'));
  try {
    for (const [name, text] of Object.entries({ 'template.json': template, 'greet.mjs': greet, 'try.mjs': program }))
      writeFileSync(join(folder, name), text);
    const { stdout, stderr } = await run(process.execPath, [join(folder, 'try.mjs')]);
    expect({ stdout, stderr }).toEqual({ stdout: printed, stderr: '' });
  } finally {
    rmSync(folder, { recursive: true });
  }
});
