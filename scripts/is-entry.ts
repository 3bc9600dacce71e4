import { existsSync, realpathSync } from 'node:fs';

/**
 * True in the file that Node was started with. `import.meta.main` says the same, and is younger than the oldest Node 24
 * that npm installs here.
 */
export function isEntry(file: string): boolean {
  const started = process.argv[1];
  return started !== undefined && existsSync(started) && realpathSync(started) === file;
}
