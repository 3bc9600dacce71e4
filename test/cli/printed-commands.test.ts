import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { buildProgram } from '../../cli/program.ts';
import { COMMANDS, call, run } from './run.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The words of a command as a POSIX shell splits them: quotes group, and `#`, `|`, `>`, `)` and `;` end it. */
function words(line: string): string[] {
  const found: string[] = [];
  for (const [token, quoted] of line.matchAll(/"([^"]*)"|[^\s"]+/g)) {
    if (quoted === undefined && /^[#|>;)&]/.test(token)) break;
    found.push(quoted ?? token.replace(/\)$/, ''));
  }
  return found;
}

/** Parses without acting: every command's action is replaced. Throws what commander says about a wrong call. */
function parse(argv: string[]): void {
  const program = buildProgram({ out: () => {}, err: () => {}, lively: false });
  const quiet = (command: Command): void => {
    command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
    command.action(() => {});
    command.commands.forEach(quiet);
  };
  program.commands.forEach(quiet);
  program.parse(argv, { from: 'user' });
}

const callsIn = (text: string): string[] =>
  [...text.matchAll(/npx nightshift ([^\n`]*)/g)].map(([, call = '']) => call).filter((call) => !/^[.…,]/.test(call));

describe('a command that nightshift prints can be pasted as it stands', () => {
  test.each(COMMANDS)('in the help of %s, where every example begins with the way to start it', async (command) => {
    const { code, stdout } = await call([command, '--help']);
    expect(code).toBe(0);
    expect(stdout).toContain(`Usage: nightshift ${command}`);
    const calls = callsIn(stdout);
    expect(calls.length).toBeGreaterThanOrEqual(command === 'demo' ? 0 : 1);
    for (const call of calls) expect(() => parse(words(call)), call).not.toThrow();
  });

  test('in the help of the program', async () => {
    const { code, stdout, stderr } = await run(['--help']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const calls = callsIn(stdout);
    expect(calls).toHaveLength(10);
    for (const call of calls) expect(() => parse(words(call)), call).not.toThrow();
  });

  test('a wrong command is noticed', () => {
    expect(() => parse(words('migrate my-cluster --windw weekend'))).toThrow(/unknown option/);
    expect(() => parse(words('migrate my-cluster   in the window'))).toThrow(/too many arguments/);
  });

  const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: ROOT })];
  test.each(pages)('in %s', (page) => {
    const text = readFileSync(`${ROOT}${page}`, 'utf8');
    const blocks = [...text.matchAll(/^```[a-z]*\n([\s\S]*?)^```/gm)].map(([, block = '']) => block).join('\n');
    for (const call of callsIn(blocks)) expect(() => parse(words(call)), call).not.toThrow();
    // Without npx the shell of a fresh clone does not find it.
    expect(blocks).not.toMatch(/^\s*(?:\$ )?nightshift /m);
  });
});

describe('the way to start it', () => {
  test('is nightshift if the launcher was found on the PATH', async () => {
    const { stdout } = await run(['audit', '--help'], { env: { NIGHTSHIFT_COMMAND: 'nightshift' } });
    expect(stdout).toContain('\n  nightshift audit my-cluster-20261128T010000123Z\n');
  });
});
