import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../../cli/nightshift.ts';

export const ENTRY = fileURLToPath(new URL('../../cli/nightshift.ts', import.meta.url));

export const COMMANDS = [
  'demo',
  'migrate',
  'rollback',
  'audit',
  'rollout',
  'approve',
  'deny',
  'advise',
  'hold',
  'release',
  'holds',
  'verify',
  'sandbox',
  'access-manifest',
  'completion',
];

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Nothing of this machine's AWS configuration. */
const BARE = {
  HOME: '/nonexistent',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_CONFIG_FILE: '/nonexistent',
  AWS_SHARED_CREDENTIALS_FILE: '/nonexistent',
};

/** Starts the real command line. */
export function start(
  args: readonly string[],
  env: Record<string, string> = {},
  cwd = process.cwd(),
): ChildProcessWithoutNullStreams {
  const { PATH } = process.env;
  return spawn(process.execPath, [ENTRY, ...args], { cwd, env: { PATH, ...BARE, ...env } });
}

/** Runs it to its end. */
export async function run(
  args: readonly string[],
  options: { env?: Record<string, string>; stdin?: string; cwd?: string } = {},
): Promise<Ran> {
  const child = start(args, options.env, options.cwd);
  const running = ended(child);
  // A command that refuses its arguments ends without reading: what it was to read is not written then (EPIPE).
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.stdin ?? '');
  return running;
}

/** Runs it in this process: for calls that end by themselves and do not read stdin. */
export async function call(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const { exitCode, env: own } = process;
  process.env = { PATH: own['PATH'], ...BARE, ...env };
  let stdout = '';
  let stderr = '';
  const out = (text: string) => {
    stdout += `${text}\n`;
  };
  const err = (text: string) => {
    stderr += `${text}\n`;
  };
  await runCommand(args, { out, err, lively: false });
  const code = Number(process.exitCode ?? 0);
  Object.assign(process, { exitCode, env: own });
  return { code, stdout, stderr };
}

/** What a started one wrote, and its exit code. */
export function ended(child: ChildProcessWithoutNullStreams): Promise<Ran> {
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Resolves when `text` has come out of a stream. */
export function says(stream: NodeJS.ReadableStream, text: string): Promise<void> {
  let seen = '';
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      seen += chunk.toString('utf8');
      if (seen.includes(text)) resolve();
    });
    stream.on('end', () => reject(new Error(`ended without saying ${text}: ${seen}`)));
  });
}
