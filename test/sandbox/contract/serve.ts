import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expectAllowedAt } from '../../infra/served-roles.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const LAUNCHER = join(ROOT, 'cli/bin/nightshift.mjs');
const run = promisify(execFile);

/** The PATH without what npm put in front of it: with it, `node` is the machine's own. */
export const PATH = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((directory) => !directory.includes('node_modules'))
  .join(delimiter);

const NPM_CACHE = join(homedir(), '.npm');

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A `nightshift sandbox` in a process of its own. */
export interface Served {
  endpoint: string;
  kubeconfig: string;
  stateMachines: Record<string, string>;
  child: ChildProcess;
  ended: Promise<Ended>;
  /** A home directory with nothing in it, gone after `stop`. */
  home: string;
  /** Throws where the product did in it what its roles do not allow. */
  stop(signal?: NodeJS.Signals): Promise<Ended>;
  aws(...words: string[]): Promise<string>;
  kubectl(...words: string[]): Promise<string>;
  get(path: string): Promise<unknown>;
}

/**
 * Starts it from a world file with this content and resolves when it has printed its line. `command` is what runs it;
 * default: the machine's own node with the launcher that npm links as `nightshift`. `temporary` is its temporary folder.
 */
export async function serve(
  world: object,
  options: { args?: string[]; command?: [string, ...string[]]; temporary?: string } = {},
): Promise<Served> {
  const home = mkdtempSync(join(tmpdir(), 'contract-'));
  const file = join(home, 'world.json');
  writeFileSync(file, JSON.stringify(world));
  const [program, ...first] = options.command ?? ['node', LAUNCHER];
  const child = spawn(program, [...first, 'sandbox', '--world', file, '--port', '0', ...(options.args ?? [])], {
    cwd: ROOT,
    // npx alone looks at npm's settings: it needs no registry for a command of the repository it stands in.
    env: {
      PATH,
      HOME: home,
      npm_config_cache: NPM_CACHE,
      npm_config_update_notifier: 'false',
      npm_config_offline: 'true',
      ...(options.temporary !== undefined && { TMPDIR: options.temporary }),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const { line, ended } = follow(child);
  const { ready, endpoint, kubeconfig, stateMachines } = JSON.parse(await line);
  if (ready !== true) throw new Error('the line does not say ready');
  const environment = {
    PATH,
    HOME: home,
    KUBECONFIG: kubeconfig,
    AWS_ENDPOINT_URL: endpoint,
    // Version 1 of the CLI reads AWS_DEFAULT_REGION, version 2 both.
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'anybody',
    AWS_SECRET_ACCESS_KEY: 'whatever',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
  };
  const tool =
    (name: string) =>
    async (...words: string[]) =>
      (await run(name, words, { env: environment })).stdout;
  return {
    endpoint,
    kubeconfig,
    stateMachines,
    child,
    ended,
    home,
    aws: tool('aws'),
    kubectl: tool('kubectl'),
    get: async (path) => (await fetch(`${endpoint}${path}`)).json(),
    stop: async (signal = 'SIGTERM') => {
      try {
        await expectAllowedAt({ endpoint, stateMachines }, child);
      } finally {
        child.kill(signal);
      }
      const result = await ended;
      rmSync(home, { recursive: true, force: true });
      return result;
    },
  };
}

function follow(child: ChildProcess): { line: Promise<string>; ended: Promise<Ended> } {
  let stdout = '';
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const line = new Promise<string>((resolve, reject) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.includes('\n')) resolve(stdout);
    });
    ended.then(({ code }) => reject(new Error(`ended with ${code} before it was ready: ${stderr}`)), reject);
  });
  return { line, ended };
}

/** Whether a stock tool is on the PATH; where it is not, one visible line says which tests do not run. */
export function present(tool: string, ...probe: string[]): boolean {
  const there = spawnSync(tool, probe, { env: { PATH } }).status === 0;
  if (!there)
    process.stderr.write(`SKIPPED: ${tool} is not on the PATH; the contract's commands of it are not tested\n`);
  return there;
}
