import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { paginateListCommandInvocations, SSMClient } from '@aws-sdk/client-ssm';
import type { ApiCall, Sandbox, SandboxState } from '@nightshift/sandbox';
import { z } from 'zod';
import { buildFunctions } from '../../build.ts';
import { startNightshift } from '../../cli/start-sandbox.ts';
import { configuredTemplate, Roles } from '../infra/roles.ts';
import { type Case, type CaseFault, worldFile } from './case.ts';
import { isEndless } from './misfortunes.ts';
import { violationsOf } from './rules.ts';
import type { Sabotaged } from './sabotage.ts';
import { asJson, type ExecutionSeen, type NodeOutput, type Seen, textOf } from './seen.ts';

const BUCKET = 'nightshift-evidence-111122223333-us-east-1';
/** Of a success its event has the history kept, and nothing else: a tenth of the time, and none of the rules. */
const UNTOLD = { events: 'lost', status: 'SUCCEEDED', times: 'every' };
/** Real time in which virtual time must come to rest. It finds a sandbox that hangs: a whole execution takes a second. */
const PATIENCE_MS = 600_000;

const SWEEP = 'nightshift-sweep-executions';
/** A sweep looks back for so many days. */
const SWEEPS = 2;
/** More than any drawn fault refuses calls, but for an outage without an end. */
const MOST_SWEEPS = 45;
const DAY_MS = 86_400_000;

/** More executions than any request leads to: whoever starts them will not stop, and what there is breaks a rule. */
const CROWD = 40;

/** What each new world is deployed with, and the product's own bundles. */
interface Deployed {
  readonly product: ReadonlyMap<string, string>;
  readonly bundles: Map<string, string>;
  readonly definitions: Record<string, string>;
}

/** What a case is played with. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly sfn: SFNClient;
  /** Resolves when nothing moves any more, or when there are more executions than `most`. Throws SandboxAtFault. */
  readonly atRest: (most: number) => Promise<void>;
  /** The daily sweeps of a deployment, until they find nothing more to record. Throws SandboxAtFault. */
  readonly sweep: (most: number) => Promise<void>;
}

/** The sandbox is broken, and no rule: nothing was found out about the product. */
export class SandboxAtFault extends Error {
  override readonly name = 'SandboxAtFault';
}

/** One sandbox in which cases run one after the other, each in a world of its own. */
export class Searcher {
  readonly #sandbox: Sandbox;
  readonly #deployed: Deployed;
  #roles: Roles;
  readonly #bugs: unknown[];
  readonly #sfn: SFNClient;
  readonly #s3: S3Client;
  readonly #ssm: SSMClient;
  readonly #lambda: LambdaClient;

  private constructor(sandbox: Sandbox, deployed: Deployed, roles: Roles, bugs: unknown[]) {
    this.#sandbox = sandbox;
    this.#deployed = deployed;
    this.#roles = roles;
    this.#bugs = bugs;
    const options = {
      endpoint: sandbox.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'searcher', secretAccessKey: 'searcher' },
    };
    this.#sfn = new SFNClient(options);
    this.#s3 = new S3Client({ ...options, forcePathStyle: true });
    this.#ssm = new SSMClient(options);
    this.#lambda = new LambdaClient(options);
  }

  static async start(): Promise<Searcher> {
    const bugs: unknown[] = [];
    const world = worldFile({ start: '2026-11-20T00:00:00Z', seed: 1, freeze: [], clusters: [] });
    const product = new Map((await buildFunctions({ quiet: true })).map(({ name, file }) => [name, file]));
    const deployed = { product, bundles: new Map(product), definitions: {} };
    const sandbox = await startNightshift({ world, ...deployed, onBug: (bug) => bugs.push(bug) });
    return new Searcher(sandbox, deployed, new Roles(await configuredTemplate()), bugs);
  }

  /**
   * From the next case on the product has other bundles and definitions than its own, and its calls are compared with the
   * roles of another template. The rest of the sandbox goes on: to start one takes longer than a case.
   */
  async deploy({ bundles = new Map(), definitions = {}, rights }: Sabotaged): Promise<void> {
    const { product, ...deployed } = this.#deployed;
    for (const [name, file] of product) deployed.bundles.set(name, bundles.get(name) ?? file);
    for (const name of Object.keys(deployed.definitions)) delete deployed.definitions[name];
    Object.assign(deployed.definitions, definitions);
    this.#roles = new Roles(rights ?? (await configuredTemplate()));
  }

  /** Runs a case until nothing moves any more, and answers what it violates. Throws SandboxAtFault. */
  async violations(of: Case): Promise<string[]> {
    return violationsOf(await this.run(of));
  }

  /** Runs a case until nothing moves any more. Throws SandboxAtFault. */
  async run(of: Case): Promise<Seen> {
    const seen = await this.play({ world: worldFile(of.world), faults: of.faults }, async () => {
      await this.#start(of);
      await this.#atRest(CROWD);
      if (of.faults.some(isOutage)) await this.#sweep(of.faults, CROWD);
    });
    return { of, ...seen };
  }

  /** Loads a world with these faults, lets `act` do in it what a case is about, and answers what is then seen. */
  async play(
    { world, faults }: { world: Record<string, unknown>; faults: readonly CaseFault[] },
    act: (stage: Stage) => Promise<void>,
  ): Promise<Omit<Seen, 'of'>> {
    await this.#sandbox.load(world);
    const first = await this.#state();
    await this.#control('POST', 'faults', [...faults, UNTOLD]);
    await act({
      sandbox: this.#sandbox,
      sfn: this.#sfn,
      atRest: (most) => this.#atRest(most),
      sweep: (most) => this.#sweep(faults, most),
    });
    // What is read below is read by the search: no drawn fault strikes that.
    this.#sandbox.live.faults.clear();
    const state = await this.#state();
    const calls = Calls.parse(await this.#control('GET', 'calls'));
    const exceeded = this.#roles.exceededSince(calls, this.#sandbox.live.region);
    const executions = state.executions.map((each) => this.#execution(each));
    const objects = await this.#objects(calls);
    const outputs = await this.#outputs();
    const clusters = [...this.#sandbox.live.region.clusters.values()];
    const addonUpdates = new Map(clusters.map((cluster) => [cluster.name, cluster.addonUpdates]));
    this.#refuseBugs();
    return { first, state, calls, executions, addonUpdates, objects, outputs, exceeded };
  }

  stop(): Promise<void> {
    for (const client of [this.#sfn, this.#s3, this.#ssm, this.#lambda]) client.destroy();
    return this.#sandbox.stop();
  }

  /** All at the same moment. */
  async #start({ requests }: Case): Promise<void> {
    await this.#sandbox.live.region.clock.busy(async () => {
      for (const [index, request] of requests.entries())
        await insistently(() =>
          this.#sfn.send(
            new StartExecutionCommand({
              stateMachineArn: this.#sandbox.stateMachines['migrate-cluster'],
              name: `run-${index + 1}`,
              input: JSON.stringify(request),
            }),
          ),
        );
    });
  }

  /** The daily sweeps of a deployment: what an outage has kept from ending ends now, and what is owed is recorded. */
  async #sweep(faults: readonly CaseFault[], most: number): Promise<void> {
    const { clock } = this.#sandbox.live.region;
    const ends = !faults.some((fault) => isOutage(fault) && isEndless(fault));
    let isOwed = false;
    for (let day = 1; day <= SWEEPS || (isOwed && ends && day <= MOST_SWEEPS); day += 1) {
      await clock.skip(DAY_MS);
      const Payload = JSON.stringify({ kind: 'sweep', now: clock.now().toISOString() });
      // What a sweep cannot do it says by an error, and the next one tries again.
      const answer = await clock.busy(() => this.#lambda.send(new InvokeCommand({ FunctionName: SWEEP, Payload })));
      isOwed = asJson(JSON.parse(answer.Payload?.transformToString() ?? '{}'))['owed'] !== 0;
      await this.#atRest(most);
    }
  }

  async #atRest(most: number): Promise<void> {
    const patience = Promise.withResolvers<never>();
    const timer = setTimeout(() => patience.reject(new SandboxAtFault('time never came to rest')), PATIENCE_MS);
    const crowd = Promise.withResolvers<void>();
    const { live } = this.#sandbox;
    const count = setInterval(() => live.stepFunctions.executions.size > most && crowd.resolve(), 100);
    try {
      await Promise.race([live.region.clock.idle(), crowd.promise, patience.promise]);
    } finally {
      clearTimeout(timer);
      clearInterval(count);
    }
  }

  #refuseBugs(): void {
    const [cause] = this.#bugs.splice(0);
    if (cause !== undefined) throw new SandboxAtFault(`the sandbox is at fault: ${causesOf(cause)}`, { cause });
  }

  async #control(method: 'GET' | 'POST', path: string, body?: unknown): Promise<unknown> {
    const response = await fetch(`${this.#sandbox.endpoint}/_sandbox/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new SandboxAtFault(await response.text());
    return response.json();
  }

  async #state(): Promise<SandboxState> {
    return State.parse(await this.#control('GET', 'state'));
  }

  #execution({ name, status, arn }: SandboxState['executions'][number]): ExecutionSeen {
    const history = this.#sandbox.live.stepFunctions.executions.get(arn)?.history ?? [];
    const [started] = history;
    const input = asJson(JSON.parse(started?.executionStartedEventDetails?.input ?? '{}'));
    const failed = history.at(-1)?.executionFailedEventDetails;
    const startedAt = started?.timestamp;
    if (!startedAt) throw new SandboxAtFault(`the history of ${name} does not begin`);
    const cluster = textOf(input['cluster']);
    const [, machine = ''] = /execution:([^:]+):/.exec(arn) ?? [];
    return { name, arn, machine, status, error: failed?.error, input, cluster, startedAt, history };
  }

  /** The log of calls holds the bytes of small objects; nightshift deletes none. */
  async #objects(calls: readonly ApiCall[]): Promise<Map<string, Uint8Array>> {
    const objects = new Map<string, Uint8Array>();
    for (const { operation, input, error } of calls) {
      if (operation !== 'PutObject' || error !== undefined) continue;
      const { Key, Body } = Put.parse(input);
      objects.set(Key, typeof Body === 'string' ? Buffer.from(Body, 'base64') : await this.#object(Key));
    }
    return objects;
  }

  async #object(key: string): Promise<Uint8Array> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    if (!Body) throw new SandboxAtFault(`GetObject ${key}: no body`);
    return Body.transformToByteArray();
  }

  async #outputs(): Promise<NodeOutput[]> {
    const outputs: NodeOutput[] = [];
    for await (const page of paginateListCommandInvocations({ client: this.#ssm }, { Details: true }))
      for (const invocation of page.CommandInvocations ?? []) {
        const { CommandId = '', InstanceId = '', DocumentName = '', Status = '', RequestedDateTime } = invocation;
        if (!RequestedDateTime) throw new SandboxAtFault(`command ${CommandId} was never asked for`);
        const output = invocation.CommandPlugins?.[0]?.Output ?? '';
        outputs.push({
          commandId: CommandId,
          node: InstanceId,
          document: DocumentName,
          status: Status,
          output,
          requestedAt: RequestedDateTime,
        });
      }
    return outputs;
  }
}

const Put = z.object({ Key: z.string(), Body: z.unknown() });

/** A drawn fault strikes at most forty calls. */
const INSISTENCE = 50;

/** Whether a fault may keep a record or its event from being written until a sweep does it. */
function isOutage(fault: Case['faults'][number]): boolean {
  if ('outage' in fault) return true;
  const service = asJson(asJson(fault)['on'])['service'];
  return service === 'events' || service === 's3';
}

/** A fault that is armed at once strikes the search's own start as well: it is made again until the fault is used up. */
async function insistently<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      if (tries === INSISTENCE) throw error;
    }
  }
}

function causesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? (error.stack ?? error.message) : `${error.message}: ${causesOf(error.cause)}`;
}

/** The sandbox's own answers, whose shapes its tests hold: a list of calls, and a state with clusters and executions. */
const Calls = z.custom<ApiCall[]>((value) => Array.isArray(value));
const State = z.custom<SandboxState>(
  (value) =>
    z.looseObject({ clusters: z.array(z.unknown()), executions: z.array(z.unknown()) }).safeParse(value).success,
);
