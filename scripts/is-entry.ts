import { existsSync, realpathSync } from 'node:fs';

/**
 * True in the file with which Node was started. `import.meta.main` would say the same, but is newer than the oldest
 * Node 24 that npm installs here.
 */
export function isEntry(file: string): boolean {
  const started = process.argv[1];
  return started !== undefined && existsSync(started) && realpathSync(started) === file;
}
