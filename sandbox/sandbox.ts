import { rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { NodeKind } from './build-cluster.ts';
import { findBundles } from './bundles.ts';
import type { Clock } from './clock.ts';
import { control } from './control.ts';
import { createCertificates } from './kubernetes/certificates.ts';
import { Listeners } from './kubernetes/listeners.ts';
import { LambdaHost } from './lambda/host.ts';
import { type LiveRegion, openRegion } from './live-region.ts';
import type { ApiCall } from './region.ts';
import type { SandboxState } from './state.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';
import { ServiceError } from './wire/error.ts';
import { wireServer } from './wire/server.ts';
import { parseWorld } from './world.ts';

export interface SandboxOptions {
  /** A world file, parsed from JSON and not yet checked. */
  world: unknown;
  /** On 127.0.0.1; 0 takes a free one. Default 0. */
  port?: number;
  /** Default: virtual. */
  clock?: Clock['kind'];
  /** Default: model. */
  nodeKind?: NodeKind;
  /** Handler file name → path of its bundle. Default: those of the sources, built where they have changed. */
  bundles?: Map<string, string>;
  /** State machine → its definition with placeholders. Default: the files in state-machines. */
  definitions?: Readonly<Record<string, string>>;
  /** A CloudFormation template, parsed from JSON, to deploy in place of the sandbox's own installation. */
  template?: unknown;
  /** Hears the functions' own log lines. */
  onLog?: (functionName: string, line: string) => void;
  /** Hears what is wrong with the sandbox itself; writes it to stderr if not given. */
  onBug?: (error: unknown) => void;
}

/** A sandbox that runs: AWS's APIs on one port, a Kubernetes API a cluster on others. */
export interface Sandbox {
  /** `http://127.0.0.1:PORT`, for AWS_ENDPOINT_URL. */
  readonly endpoint: string;
  /** Path of a kubeconfig with a context a cluster. */
  readonly kubeconfig: string;
  /** Name → ARN. */
  readonly stateMachines: Readonly<Record<string, string>>;
  /** Every API call so far, in order. */
  readonly calls: readonly ApiCall[];
  /** The world behind the APIs, for tests that need to reach into it. */
  readonly live: LiveRegion;
  state(): Promise<SandboxState>;
  /** Throws the world away and builds another one behind the same port, with warm functions. */
  load(world: unknown): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts a sandbox and resolves when it serves.
 *
 * @throws WorldError naming the path and the rule that the world file breaks; TemplateError naming what of the template
 *   the sandbox cannot deploy; Error when a bundle is missing or the
 *   port is taken.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const world = parseWorld(options.world);
  const bundles = options.bundles ?? (await findBundles());
  const { definitions, template } = options;
  const onBug = options.onBug ?? ((error: unknown) => console.error('the sandbox is at fault:', error));
  const host = new LambdaHost(options.onLog);
  const listeners = new Listeners(await createCertificates());
  const directory = makeTemporaryFolder();
  const kubeconfig = join(directory, 'kubeconfig');
  let live: LiveRegion | undefined;
  const current = (): LiveRegion => {
    // AWS's SDKs and CLI try again after this one.
    if (!live) throw new ServiceError('ServiceUnavailable', 'the sandbox is still starting', 503);
    return live;
  };
  const server = wireServer({
    // Getters: the world behind the port may be another one for the next request.
    get dispatcher() {
      return current().dispatcher;
    },
    get credentials() {
      return current().credentials;
    },
    extra: (request, response) => control(() => live, request, response, onBug),
    onBug,
  });
  const removeDirectory = () => rmSync(directory, { recursive: true, force: true });
  // It holds the administrators' tokens: it goes with the process, however that ends.
  process.once('exit', removeDirectory);
  const stopAll = async () => {
    await live?.close();
    await listeners.close();
    await host.stop();
    removeDirectory();
    process.off('exit', removeDirectory);
  };
  try {
    const endpoint = await listen(server, options.port ?? 0);
    const { clock = 'virtual', nodeKind = 'model' } = options;
    const open = async (parsed: ReturnType<typeof parseWorld>) => {
      await live?.close();
      live = undefined;
      const logs = options.onLog !== undefined;
      const around = { endpoint, listeners, host, bundles, logs, onBug, template, ...(definitions && { definitions }) };
      live = await openRegion({ world: parsed, clock, nodeKind, ...around });
      writeFileSync(kubeconfig, live.kubeconfig, { mode: 0o600 });
    };
    await open(world);
    return {
      endpoint,
      kubeconfig,
      get stateMachines() {
        return current().stateMachines;
      },
      get calls() {
        return current().calls;
      },
      get live() {
        return current();
      },
      state: () => current().state(),
      load: async (next) => open(parseWorld(next)),
      stop: async () => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
        await stopAll();
      },
    };
  } catch (error) {
    server.close();
    await stopAll();
    throw error;
  }
}

async function listen(server: Server, port: number): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  // `address()` is a string only for a pipe, and this is a TCP port.
  const { port: taken } = server.address() as AddressInfo;
  return `http://127.0.0.1:${taken}`;
}
