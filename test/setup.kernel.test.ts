import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE, kernelNodesAvailable } from '@nightshift/sandbox/nodes';
import { describe, expect, test } from 'vitest';

const availability = kernelNodesAvailable();
const path = (relative: string) => fileURLToPath(new URL(`../${relative}`, import.meta.url));

/** Runs a script with programs of a test's own before those of this machine. */
async function run(script: string, args: readonly string[], programs: Record<string, string>, folder: string) {
  for (const [name, content] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${content}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  const PATH = `${folder}:${process.env['PATH'] ?? ''}`;
  const child = spawn(path(script), args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, PATH } });
  const printed = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    printed.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    printed.stderr += chunk.toString();
  });
  const [status] = await once(child, 'close');
  return { status, ...printed };
}

describe.skipIf(!availability.available)('the setup of kernel nodes', () => {
  test('boots a node and runs each program in it before it says that nodes are ready', {
    timeout: 600_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nightshift-setup-'));
    try {
      expect(await run('scripts/setup-kernel-nodes.sh', [], {}, folder)).toMatchObject({
        status: 0,
        stdout: expect.stringMatching(/^kernel nodes are ready: QEMU .*, Linux \S+\n$/),
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('fails and shows the end of the console if the node does not boot', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nightshift-setup-'));
    try {
      // QEMU that does not know the machine's devices.
      const qemu =
        'case $1 in --version) echo QEMU; exit ;; esac; echo "qemu: no device virtio-serial-pci" >&2; exit 1';
      const ran = await run('scripts/setup-kernel-nodes.sh', [], { 'qemu-system-x86_64': qemu }, folder);
      expect(ran.status).toBe(1);
      expect(ran.stdout).toBe('');
      expect(ran.stderr).toContain('a kernel node does not work here.');
      expect(ran.stderr).toContain('qemu: no device virtio-serial-pci');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('fails on a library that a program of the node needs and this machine does not have', {
    timeout: 600_000,
  }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'nightshift-setup-'));
    try {
      const ldd = 'case $1 in */ipvsadm) echo "	libpopt.so.0 => not found" ;; *) exec /usr/bin/ldd "$1" ;; esac';
      const image = join(folder, 'node.cpio');
      expect(await run('sandbox/nodes/kernel/build-image.sh', [CACHE, image], { ldd }, folder)).toMatchObject({
        status: 1,
        stderr: 'ipvsadm needs libpopt.so.0, which this machine does not have\n',
      });
      expect(existsSync(image)).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
