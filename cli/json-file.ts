import { readFileSync } from 'node:fs';
import { UsageError } from './exit.ts';

/**
 * The document in a JSON file.
 *
 * @throws UsageError with path and reason.
 */
export function readJsonFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new UsageError(`${path} is not JSON: ${cause.message}`, { cause });
    throw new UsageError(`cannot read ${path}: ${unreadable(cause)}`, { cause });
  }
}

/** Why a file cannot be read, as a phrase. */
export function unreadable(cause: unknown): string {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a directory';
  return cause instanceof Error ? cause.message : String(cause);
}
