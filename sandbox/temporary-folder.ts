import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';

const FOLDER = /^nightshift-sandbox-([0-9a-f]{8})-(\d{1,10})-\w+$/;

/**
 * Makes a folder of this process's own in the machine's temporary folder, and removes those of sandboxes whose process
 * is gone: one that was killed could not do so itself, and its folder holds administrators' tokens.
 */
export function makeTemporaryFolder(): string {
  const machine = processSpace();
  for (const name of readdirSync(tmpdir())) {
    const [, space, pid] = FOLDER.exec(name) ?? [];
    if (space === machine && !isAlive(Number(pid))) remove(join(tmpdir(), name));
  }
  return mkdtempSync(join(tmpdir(), `nightshift-sandbox-${machine}-${process.pid}-`));
}

/** Where a process id means the same process: containers may share a temporary folder, and not their processes. */
function processSpace(): string {
  let space = '';
  try {
    space = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Only Linux has process namespaces.
  }
  return createHash('sha256').update(`${hostname()} ${space}`).digest('hex').slice(0, 8);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: the process exists and belongs to another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // The folder belongs to another user, who has to remove it.
  }
}
