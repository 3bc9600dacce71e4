import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where the kernel, the packages and the images of kernel nodes are kept. Not under version control. */
export const CACHE = fileURLToPath(new URL('../../../.nightshift/kernel/', import.meta.url));

const PROGRAMS = [
  'qemu-system-x86_64',
  'busybox',
  'dash',
  'bash',
  'kmod',
  'cpio',
  'flock',
  'timeout',
  'ip',
  'nft',
  'ipset',
  'socat',
  'curl',
  'dpkg',
  'xtables-legacy-multi',
  'xtables-nft-multi',
] as const;

/** Brings all that kernel nodes need, and tries one. */
export const SETUP = 'scripts/setup-kernel-nodes.sh';

export type KernelNodesAvailability =
  | { available: true }
  | { available: false; why: string; command: typeof SETUP | null };

/** Whether this machine can run kernel nodes; if not, what is missing and which command brings it, if one does. */
export function kernelNodesAvailable(): KernelNodesAvailability {
  const absent = (why: string): KernelNodesAvailability => ({ available: false, why, command: SETUP });
  if (process.platform !== 'linux' || process.arch !== 'x64')
    return {
      available: false,
      why: `kernel nodes run on Linux on x64, this is ${process.platform} on ${process.arch}`,
      command: null,
    };
  const { PATH = '' } = process.env;
  const directories = [...PATH.split(delimiter), '/usr/sbin', '/sbin'];
  const missing = PROGRAMS.filter((name) => !directories.some((directory) => existsSync(join(directory, name))));
  if (missing.length > 0) return absent(`not installed: ${missing.join(', ')}`);
  const cached = existsSync(CACHE) ? readdirSync(CACHE) : [];
  if (!cached.includes('linux') || !cached.some((name) => /^ipvsadm_.*\.deb$/.test(name)))
    return absent("Debian's kernel and its package of ipvsadm have not been downloaded");
  return { available: true };
}
