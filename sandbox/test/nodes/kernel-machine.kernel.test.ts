import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { kernelNodesAvailable } from '../../nodes/kernel/available.ts';
import { kernelMachine } from '../../nodes/kernel/machine.ts';

describe.skipIf(!kernelNodesAvailable().available)('on a real kernel', { concurrent: true }, () => {
  test('a virtual machine ends with the process that started it, even one that was killed', async () => {
    const program = fileURLToPath(new URL('boot-and-wait.ts', import.meta.url));
    const owner = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const booted = once(owner.stdout, 'data').then(() => 'booted');
    expect(await Promise.race([booted, once(owner, 'exit').then(() => 'it has ended')])).toBe('booted');
    const [qemu = ''] = readFileSync(`/proc/${owner.pid}/task/${owner.pid}/children`, 'utf8').trim().split(' ');
    const isThere = () =>
      existsSync(`/proc/${qemu}`) && readFileSync(`/proc/${qemu}/cmdline`, 'utf8').includes('qemu-system');
    expect(isThere()).toBe(true);
    owner.kill('SIGKILL');
    while (isThere()) await sleep(50);
  });

  test('a machine whose saved state QEMU does not read boots', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nightshift-qemu-'));
    const program = fileURLToPath(new URL('boot-and-wait.ts', import.meta.url));
    const PATH = process.env['PATH'] ?? '';
    // A version of its own, so that the state of this machine's own QEMU stays.
    writeFileSync(
      join(folder, 'qemu-system-x86_64'),
      `#!/bin/sh
      case "$*" in
        --version) echo "a version that reads nothing" && exit ;;
        *-incoming*) echo refused >>${folder}/refused && exit 1 ;;
      esac
      PATH='${PATH}' exec qemu-system-x86_64 "$@"`,
    );
    chmodSync(join(folder, 'qemu-system-x86_64'), 0o755);
    const env = { ...process.env, PATH: `${folder}:${PATH}` };
    const owner = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'], env });
    try {
      const booted = once(owner.stdout, 'data').then(() => 'booted');
      expect(await Promise.race([booted, once(owner, 'exit').then(() => 'it has ended')])).toBe('booted');
      expect(readFileSync(join(folder, 'refused'), 'utf8')).toBe('refused\n');
    } finally {
      owner.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  });

  test('a script that fails answers with its own exit code and both its outputs', async () => {
    const machine = kernelMachine({ name: 'small', address: '192.168.200.2' });
    try {
      expect(await machine.shell('echo out; echo err >&2; exit 7')).toEqual({
        exitCode: 7,
        stdout: 'out\n',
        stderr: 'err\n',
      });
    } finally {
      await machine.stop();
    }
    await expect(machine.shell('true')).rejects.toThrow('the virtual machine has been stopped');
  });
});
