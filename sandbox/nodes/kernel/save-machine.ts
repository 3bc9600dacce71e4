import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Boots a machine and writes its state to a file, as a migration of QEMU. The file appears whole or not at all, so two
 * processes may do this at once.
 *
 * @param boot starts a machine with these options of QEMU and answers with what stops it.
 * @returns false if QEMU could not write it.
 */
export async function saveMachine(
  file: string,
  boot: (options: readonly string[]) => Promise<() => Promise<void>>,
): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-machine-'));
  const socket = join(folder, 'qmp');
  const unfinished = `${file}.${process.pid}`;
  try {
    const stop = await boot(['-qmp', `unix:${socket},server=on,wait=off`]);
    const written = await migrate(socket, unfinished).finally(stop);
    if (written) await rename(unfinished, file);
    return written;
  } finally {
    await rm(folder, { recursive: true, force: true });
    await rm(unfinished, { force: true });
  }
}

async function migrate(socket: string, file: string): Promise<boolean> {
  const connection = createConnection(socket);
  await once(connection, 'connect');
  const lines = createInterface(connection)[Symbol.asyncIterator]();
  const ask = async (execute: string, parameters: object = {}): Promise<string> => {
    connection.write(`${JSON.stringify({ execute, arguments: parameters })}\n`);
    for (let line = await lines.next(); line.done !== true; line = await lines.next())
      if (/^\{"(return|error)"/.test(line.value)) return line.value;
    throw new Error('QEMU has ended');
  };
  try {
    await ask('qmp_capabilities');
    await ask('migrate-set-parameters', { 'max-bandwidth': 1e11 });
    await ask('migrate', { uri: `exec:cat >'${file}'` });
    for (;;) {
      const answer = await ask('query-migrate');
      if (answer.includes('"status": "completed"')) return true;
      if (!/"status": "(setup|active|device|pre-switchover)"/.test(answer)) return false;
      await sleep(20);
    }
  } finally {
    connection.destroy();
  }
}
