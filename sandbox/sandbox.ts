import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeKind } from './build-cluster.ts';
import { findBundles } from './bundles.ts';
import type { Clock } from './clock.ts';
import { control } from './control.ts';
import { createCertificates } from './kubernetes/certificates.ts';
import { LambdaHost } from './lambda/host.ts';
import { type LiveRegion, openRegion } from './live-region.ts';
import type { ApiCall } from './region.ts';
import type { SandboxState } from './state.ts';
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
 * @throws WorldError naming the path and the rule that the world file breaks; Error when a bundle is missing or the
 *   port is taken.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const world = parseWorld(options.world);
  const bundles = await findBundles();
  const onBug = options.onBug ?? ((error: unknown) => console.error('the sandbox is at fault:', error));
  const host = new LambdaHost(options.onLog);
  const certificates = await createCertificates();
  const directory = mkdtempSync(join(tmpdir(), 'nightshift-'));
  const kubeconfig = join(directory, 'kubeconfig');
  let live: LiveRegion | undefined;
  const current = (): LiveRegion => {
    if (!live) throw new Error('the sandbox has no world yet');
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
    extra: (request, response) => control(current, request, response),
    onBug,
  });
  const stopAll = async () => {
    await live?.close();
    await host.stop();
    rmSync(directory, { recursive: true, force: true });
  };
  try {
    const endpoint = await listen(server, options.port ?? 0);
    const { clock = 'virtual', nodeKind = 'model' } = options;
    const open = async (parsed: ReturnType<typeof parseWorld>) => {
      await live?.close();
      live = await openRegion({ world: parsed, clock, nodeKind, endpoint, certificates, host, bundles, onBug });
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
      load: (next) => open(parseWorld(next)),
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
