import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { kernelMachine } from '@nightshift/sandbox/nodes';

/** A Linux kernel on which scripts run as root. */
export interface Machine {
  /** What the page says of it. */
  readonly name: string;
  /** A folder of the benchmark's own, there. */
  readonly folder: string;
  /** How perl is started there. */
  readonly perl: string;
  /** Runs a script with bash. @throws Error with what it complained about. */
  run(script: string): Promise<string>;
  stop(): Promise<void>;
}

interface Result {
  exitCode: number;
  stdout: string;
  stderr: string;
}

const PROBE = readFileSync(new URL('./probe.pl', import.meta.url));

/** Shell that writes a file. It is packed: the way into a kernel node is narrow. */
export function put(path: string, content: string | Buffer): string {
  const packed = gzipSync(content, { level: 6 }).toString('base64').replace(/.{76}/g, '$&\n');
  return `base64 -d <<'END' | gunzip >'${path}'\n${packed}\nEND\n`;
}

/** @throws Error with the script's complaint. */
function output({ exitCode, stdout, stderr }: Result): string {
  if (exitCode !== 0) throw new Error(`a script ended with ${exitCode}: ${stderr.trim()}`);
  return stdout;
}

function command(program: string, args: readonly string[], input: string): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    const printed = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'] as const)
      child[stream].on('data', (chunk: Buffer) => {
        printed[stream] += chunk.toString();
      });
    child.on('error', reject);
    // Processes that a script leaves behind do not hold this up: they have other standard streams.
    child.on('close', (code) => resolve({ exitCode: code ?? 1, ...printed }));
    child.stdin.end(input);
  });
}

/** The sandbox's kernel node: Debian's kernel in QEMU. It gets this machine's perl; its nft is the one of kube-proxy. */
export async function kernelNode(): Promise<Machine> {
  const machine = kernelMachine({ name: 'why', address: '10.0.0.10' });
  const folder = '/run/why';
  const run = async (script: string) =>
    output(
      await machine.shell(
        `exec bash <<'WHOLE-SCRIPT'\nPATH=$PATH:/usr/local/lib/kube-proxy:/usr/local/lib/kube-proxy/image/usr/sbin\n${script}\nWHOLE-SCRIPT`,
      ),
    );
  const libraries = output(await command('ldd', ['/usr/bin/perl'], '')).match(/\/\S+\/(libcrypt|libm)\.so\S*/g) ?? [];
  const files = ['/usr/bin/perl', ...libraries].map((path) =>
    put(`${folder}/${path.replace(/.*\//, '')}`, readFileSync(path)),
  );
  await run(`mkdir -p ${folder}\n${files.join('')}chmod +x ${folder}/perl\n${put(`${folder}/probe.pl`, PROBE)}`);
  const kernel = (await run('uname -r')).trim();
  return {
    name: `Linux ${kernel} (Debian) in QEMU, by software emulation on one core with 512 MiB`,
    folder,
    perl: `LC_ALL=C LD_LIBRARY_PATH=${folder} ${folder}/perl ${folder}/probe.pl`,
    run,
    stop: () => machine.stop(),
  };
}

/** This machine's own kernel. All that the benchmark does to it is in network namespaces. */
export async function ownKernel(): Promise<Machine> {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-why-'));
  const run = async (script: string) => output(await command('bash', ['-s'], `PATH=$PATH:/usr/sbin:/sbin\n${script}`));
  await run(put(`${folder}/probe.pl`, PROBE));
  const kernel = (await run('uname -r')).trim();
  const [cpu] = cpus();
  return {
    name: `Linux ${kernel}, ${cpus().length} cores, ${cpu?.model ?? 'unknown processor'}`,
    folder,
    perl: `LC_ALL=C /usr/bin/perl ${folder}/probe.pl`,
    run,
    stop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
