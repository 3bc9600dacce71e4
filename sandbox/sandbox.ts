import { rmSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { NodeKind } from './build-cluster.ts';
import type { Clock } from './clock.ts';
import { control } from './control.ts';
import { createCertificates } from './kubernetes/certificates.ts';
import { Listeners } from './kubernetes/listeners.ts';
import { LambdaHost } from './lambda/host.ts';
import { type LiveRegion, openRegion } from './live-region.ts';
import type { ModelDocuments } from './nodes/model.ts';
import type { ApiCall } from './region.ts';
import type { SandboxState } from './state.ts';
import { makeTemporaryFolder } from './temporary-folder.ts';
import { ServiceError } from './wire/error.ts';
import { wireServer } from './wire/server.ts';
import { parseWorld, type World } from './world.ts';

export interface SandboxOptions {
  /** A world file, parsed from JSON and not yet checked. */
  world: unknown;
  /** On 127.0.0.1; 0 takes a free one. Default 0. */
  port?: number;
  /** Default: virtual. */
  clock?: Clock['kind'];
  /** Default: model. */
  nodeKind?: NodeKind;
  /** A CloudFormation template, parsed from JSON, or what makes one for a world. Default: nothing is deployed. */
  template?: unknown;
  /**
   * Name of the stack that the template becomes. A resource whose name begins with it and a hyphen is known without both:
   * to `bundles`, `modelDocuments` and `stateMachines`. Default: sandbox.
   */
  stack?: string;
  /** Function → path of its bundle, an ES module that exports `handler`. */
  bundles?: ReadonlyMap<string, string>;
  /** What the template's SSM documents do on model nodes, which run no script. Default: nothing. */
  modelDocuments?: ModelDocuments;
  /** Name of the schedule that is a cluster's lease, for faults. Default: the cluster's. */
  leaseName?: (cluster: string) => string;
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
  /** Discards the world and builds a new one behind the same port, with warm functions. */
  load(world: unknown): Promise<void>;
  stop(): Promise<void>;
}

/** A world, and what is deployed in it. */
interface Plan {
  readonly world: World;
  readonly template: unknown;
}

/**
 * Starts a sandbox and resolves when it serves.
 *
 * @throws WorldError naming the path and the rule that the world file breaks; TemplateError naming what of the template
 *   the sandbox cannot deploy; Error when a bundle is missing or the
 *   port is taken.
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { template = { Resources: {} }, stack = 'sandbox', bundles = new Map(), modelDocuments = new Map() } = options;
  const { clock = 'virtual', nodeKind = 'model', leaseName = (cluster) => cluster } = options;
  const plan = (input: unknown): Plan => {
    const world = parseWorld(input);
    return { world, template: typeof template === 'function' ? template(world) : template };
  };
  const first = plan(options.world);
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
    // Getters: the next request may find a new world behind the port.
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
    const open = async (planned: Plan) => {
      await live?.close();
      live = undefined;
      const logs = options.onLog !== undefined;
      const nodeMaking = { kind: nodeKind, documents: modelDocuments };
      const around = { endpoint, listeners, host, bundles, logs, onBug, stack, leaseName, nodeMaking };
      live = await openRegion({ ...planned, clock, ...around });
      writeFileSync(kubeconfig, live.kubeconfig, { mode: 0o600 });
    };
    await open(first);
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
      load: async (next) => open(plan(next)),
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
