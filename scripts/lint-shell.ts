import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Runs shellcheck on every shell script of the tree: those that git knows and those that it would take up. Exits with
 * shellcheck's status; where shellcheck is not installed, says so and exits 0.
 */
function lintShell(): number {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  // Everything untracked counts too: a script is linted before it is committed. A file deleted but not yet staged is gone.
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '-z', '*.sh'], { cwd });
  const scripts = listed
    .toString()
    .split('\0')
    .filter((path) => path !== '' && existsSync(`${cwd}${path}`));
  if (scripts.length === 0) throw new Error('git lists no shell script: the lint would check nothing');
  const result = spawnSync('shellcheck', ['--external-sources', '--source-path=SCRIPTDIR', '--', ...scripts], {
    cwd,
    stdio: 'inherit',
  });
  if (result.error && 'code' in result.error && result.error.code === 'ENOENT') {
    process.stdout.write(
      `shellcheck is not installed: ${scripts.length} shell scripts were not checked (scripts/setup-kernel-nodes.sh brings it)\n`,
    );
    return 0;
  }
  if (result.error) throw result.error;
  return result.status ?? 1;
}

process.exitCode = lintShell();
