import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CACHE, kernelNodesAvailable, SETUP } from './available.ts';

/** Files for QEMU's `-kernel` and `-initrd`. */
export interface Image {
  readonly kernel: string;
  readonly initrd: string;
  /** Where the state of a machine that has booted them is kept, as QEMU of this version reads it. */
  readonly booted: string;
}

const here = fileURLToPath(new URL('.', import.meta.url));
let building: Promise<Image> | undefined;

/**
 * The image that all kernel nodes boot, built when what goes into it has changed (about a second) and kept under
 * `.nightshift/kernel`. Two processes may build it at once: the file appears whole or not at all.
 *
 * @throws Error naming `scripts/setup-kernel-nodes.sh` when this machine cannot run kernel nodes.
 */
export function kernelImage(): Promise<Image> {
  building ??= build().catch((error: unknown) => {
    building = undefined;
    throw error;
  });
  return building;
}

async function build(): Promise<Image> {
  const availability = kernelNodesAvailable();
  if (!availability.available)
    throw new Error(
      `kernel nodes cannot run here: ${availability.why}${availability.command ? `. Run ${availability.command} first` : ''}.`,
    );
  const version = readdirSync(join(CACHE, 'linux/lib/modules'))[0] ?? '';
  const kernel = join(CACHE, `linux/boot/vmlinuz-${version}`);
  const node = `node-${ingredients(version)}.`;
  const initrd = join(CACHE, `${node}cpio`);
  if (!existsSync(initrd)) {
    await promisify(execFile)(join(here, 'build-image.sh'), [CACHE, initrd]).catch((error: unknown) => {
      const why = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
      throw new Error(`the image of kernel nodes cannot be built: ${why}. Run ${SETUP} first.`, { cause: error });
    });
    const stale = readdirSync(CACHE).filter((file) => /^node-[0-9a-f]{16}\./.test(file) && !file.startsWith(node));
    await Promise.all(stale.map((file) => rm(join(CACHE, file), { force: true })));
  }
  const { stdout } = await promisify(execFile)('qemu-system-x86_64', ['--version']);
  const machine = createHash('sha256')
    .update(stdout)
    .update(readFileSync(join(here, 'run-machine.sh')))
    .digest('hex');
  return { kernel, initrd, booted: join(CACHE, `${node}${machine.slice(0, 16)}.booted`) };
}

/** Changes when anything that goes into the image changes; for this machine's own programs that is when dpkg ran. */
function ingredients(version: string): string {
  const hash = createHash('sha256').update(version);
  hash.update(readFileSync(join(here, 'build-image.sh')));
  for (const file of readdirSync(join(here, 'guest')).sort())
    hash.update(file).update(readFileSync(join(here, 'guest', file)));
  const status = '/var/lib/dpkg/status';
  if (existsSync(status)) hash.update(String(statSync(status).mtimeMs));
  return hash.digest('hex').slice(0, 16);
}
