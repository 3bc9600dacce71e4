import { type Sandbox, TemplateError, WorldError } from '@nightshift/sandbox';
import { buildFunctions } from '../build.ts';
import { Failure, UsageError } from './exit.ts';
import { readJsonFile } from './json-file.ts';
import { startNightshift } from './start-sandbox.ts';

/** `world` and `template` are paths of files; port 0 takes a free one. */
export interface SandboxOptions {
  world: string;
  template?: string;
  port: number;
  clock: 'virtual' | 'real';
  nodeKind: 'model' | 'kernel';
}

/** Starts a sandbox from a world file. @throws UsageError for a bad world or template, Failure when the port is taken. */
export async function openSandbox(options: SandboxOptions): Promise<Sandbox> {
  const world = readJsonFile(options.world);
  const template = options.template === undefined ? undefined : readJsonFile(options.template);
  const { port, clock, nodeKind } = options;
  await buildBundles();
  try {
    return await startNightshift({ world, port, clock, nodeKind, template });
  } catch (cause) {
    if (cause instanceof WorldError) throw new UsageError(`${options.world}: ${cause.message}`, { cause });
    if (cause instanceof TemplateError) throw new UsageError(`${options.template}: ${cause.message}`, { cause });
    if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')
      throw new Failure('PortInUse', `port ${options.port} on 127.0.0.1 is taken by another program`, {
        nextStep: 'stop that program, or choose another port with --port (0 takes a free one)',
        cause,
      });
    throw cause;
  }
}

/** Costs nothing if the bundles are up to date. */
async function buildBundles(): Promise<void> {
  try {
    await buildFunctions({ quiet: true });
  } catch (cause) {
    throw new Failure('BuildFailed', "the functions' bundles could not be built", { nextStep: 'npm run build', cause });
  }
}
