import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Runs shellcheck on every shell script in the tree: tracked ones and untracked ones that git does not ignore. Exits
 * with shellcheck's status; if shellcheck is not installed, reports it and exits with 0.
 */
function lintShell(): number {
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  // Includes untracked scripts, which are linted before they are committed. Skips deleted files that are still tracked.
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
