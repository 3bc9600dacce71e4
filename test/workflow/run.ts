import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { ApiCall, ClusterReport, Sandbox, SandboxState } from '@nightshift/sandbox';
import * as z from 'zod';
import { startNightshift } from '../../cli/start-sandbox.ts';
import { configuredTemplate, Roles } from '../infra/roles.ts';
import { REQUEST } from './worlds.ts';

/** What a person can see of an execution that ended. */
export interface Ended {
  status: string;
  error: string | undefined;
  cause: string;
  output: unknown;
  /** Names of the states in the order in which they were entered. */
  path: string[];
  history: HistoryEvent[];
  /** As it is afterwards. */
  cluster: ClusterReport;
  state: SandboxState;
  calls: readonly ApiCall[];
}

/** What can be seen when the sandbox's time has come to rest: nothing runs, and nothing will happen any more. */
export interface Rested extends Ended {
  /** All executions, in the order in which they started. */
  executions: {
    machine: string;
    name: string;
    status: string;
    error: string | undefined;
    path: string[];
    /** From the first state that may change the cluster to the execution's end; null when it entered none. */
    changing: { from: Date; to: Date | undefined } | null;
  }[];
  /** What was said on the bus, in order: `execution` ended `ending`. */
  said: { event: string; execution: string; ending: string }[];
}

interface Started {
  readonly sandbox: Sandbox;
  readonly bugs: unknown[];
}

/** Sandboxes as they come, with model nodes and the sandbox's own installation, that no file of this process uses now. */
const idle: Started[] = [];

/**
 * A sandbox with the real bundles, one for all tests of a file; every run gets a world of its own. To start one costs as
 * much as four migrations, so the next file of the same process goes on with it.
 */
export class Workflow {
  readonly #sandbox: Sandbox;
  readonly #roles: Roles;
  readonly #bugs: unknown[];
  readonly #reusable: boolean;

  private constructor({ sandbox, bugs }: Started, roles: Roles, reusable: boolean) {
    this.#sandbox = sandbox;
    this.#roles = roles;
    this.#bugs = bugs;
    this.#reusable = reusable;
  }

  /**
   * `template`: what is deployed in place of the sandbox's own installation. `rights`: the template whose roles every
   * call is compared with; the deployed one, or else the product's.
   */
  static async start(
    world: Record<string, unknown>,
    nodeKind: 'model' | 'kernel' = 'model',
    { template, rights }: { template?: unknown; rights?: unknown } = {},
  ): Promise<Workflow> {
    const roles = new Roles(rights ?? template ?? (await configuredTemplate()));
    const reusable = nodeKind === 'model' && template === undefined;
    const known = reusable ? idle.pop() : undefined;
    if (known) {
      await known.sandbox.load(world);
      return new Workflow(known, roles, reusable);
    }
    const bugs: unknown[] = [];
    const sandbox = await startNightshift({ world, nodeKind, template, onBug: (bug) => bugs.push(bug) });
    return new Workflow({ sandbox, bugs }, roles, reusable);
  }

  get sandbox(): Sandbox {
    return this.#sandbox;
  }

  /** As `migrate`; then recoveries end, leases fire, and time runs until nothing is left to happen. */
  async migrateAndRest(world: Record<string, unknown>, request?: object, faults?: unknown[]): Promise<Rested> {
    const ended = await this.migrate(world, request, faults);
    await this.#sandbox.live.region.clock.idle();
    return {
      ...ended,
      ...(await this.#seen()),
      executions: [...this.#sandbox.live.stepFunctions.executions.values()].map(
        ({ machine, name, status, error, history, stopDate }) => ({
          machine: machine.name,
          name,
          status,
          error,
          path: statesOf(history),
          changing: changingOf(history, stopDate),
        }),
      ),
      said: this.#sandbox.calls.flatMap(endingsSaid),
    };
  }

  /**
   * Runs migrate-cluster through AWS's API until it ends. `before` may change the new world first, as a person would. A
   * fault of the sandbox itself fails the test.
   */
  async migrate(
    world: Record<string, unknown>,
    request: object = REQUEST,
    faults: unknown[] = [],
    before: () => Promise<void> = async () => {},
  ): Promise<Ended> {
    await this.load(world);
    if (faults.length > 0) await this.post('faults', faults);
    await before();
    const client = new SFNClient({
      endpoint: this.#sandbox.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'tester', secretAccessKey: 'tester' },
    });
    const { executionArn } = await client.send(
      new StartExecutionCommand({
        stateMachineArn: this.#sandbox.stateMachines['migrate-cluster'],
        name: 'test',
        input: JSON.stringify(request),
      }),
    );
    if (!executionArn) throw new Error('StartExecution answered no ARN');
    const execution = await this.#sandbox.live.stepFunctions.ended(executionArn);
    const history: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const page = await client.send(new GetExecutionHistoryCommand({ executionArn, maxResults: 1000, nextToken }));
      history.push(...(page.events ?? []));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    client.destroy();
    return {
      status: execution.status,
      error: execution.error,
      cause: execution.cause ?? '',
      output: execution.output && JSON.parse(execution.output.text),
      path: statesOf(history),
      history,
      ...(await this.#seen()),
    };
  }

  /** Throws the world away for another one, when all that was done in it was allowed. */
  async load(world: Record<string, unknown>): Promise<void> {
    this.expectAllowed();
    await this.#sandbox.load(world);
  }

  /** Throws for a call of the product's, since the last time, that its role does not allow. */
  expectAllowed(): void {
    const { calls, live } = this.#sandbox;
    const exceeded = this.#roles.exceededSince(calls, live.region);
    if (exceeded.length > 0) throw new Error(`roles are exceeded: ${exceeded.join('; ')}`);
  }

  async #seen(): Promise<Pick<Ended, 'cluster' | 'state' | 'calls'>> {
    this.expectAllowed();
    if (this.#bugs.length > 0) throw new Error('the sandbox is at fault', { cause: this.#bugs[0] });
    const state = await this.#sandbox.state();
    const [cluster] = state.clusters;
    if (!cluster) throw new Error('the world has no cluster');
    return { cluster, state, calls: this.#sandbox.calls };
  }

  async post(path: string, body: unknown): Promise<unknown> {
    const response = await fetch(`${this.#sandbox.endpoint}/_sandbox/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(await response.text());
    return response.json();
  }

  async stop(): Promise<void> {
    try {
      this.expectAllowed();
    } finally {
      if (this.#reusable && this.#bugs.length === 0) idle.push({ sandbox: this.#sandbox, bugs: this.#bugs });
      else await this.#sandbox.stop();
    }
  }
}

const statesOf = (history: HistoryEvent[]): string[] =>
  history.flatMap(({ stateEnteredEventDetails }) => stateEnteredEventDetails?.name ?? []);

const CHANGING =
  /^(UpdateAddon|EditConfigMap|RestartCanary|RestartDaemonSet|CleanNodes|RestoreAddon|RestoreConfigMap)$/;

function changingOf(history: HistoryEvent[], to: Date | undefined): Rested['executions'][number]['changing'] {
  const first = history.find(({ stateEnteredEventDetails }) => CHANGING.test(stateEnteredEventDetails?.name ?? ''));
  return first?.timestamp ? { from: first.timestamp, to } : null;
}

const PutEvents = z.object({ Entries: z.array(z.object({ DetailType: z.string(), Detail: z.string() })) });
const Ending = z.object({ ending: z.string(), execution: z.object({ name: z.string() }) });

function endingsSaid({ service, operation, input, error }: ApiCall): Rested['said'] {
  if (service !== 'events' || operation !== 'PutEvents' || error !== undefined) return [];
  return PutEvents.parse(input).Entries.flatMap(({ DetailType, Detail }) => {
    const { data } = Ending.safeParse(JSON.parse(Detail));
    return data ? [{ event: DetailType, execution: data.execution.name, ending: data.ending }] : [];
  });
}

/** Calls that change something about a cluster or its nodes; the product's own records in S3 are none. */
const CHANGES = [
  /^eks (Update|Create|Delete|Associate|Disassociate|Tag)/,
  /^kubernetes (create|update|patch|delete)/,
  /^scheduler (Create|Update|Delete)/,
];

export function changes(calls: readonly ApiCall[]): string[] {
  return calls
    .filter(
      ({ service, operation, input }) =>
        CHANGES.some((pattern) => pattern.test(`${service} ${operation}`)) ||
        (operation === 'SendCommand' && !JSON.stringify(input).includes('"nightshift-validate-node"')),
    )
    .map(({ service, operation }) => `${service} ${operation}`);
}

/** As `changes`, without access and leases, which are the workflow's own: what changes the cluster. */
export const writes = ({ calls }: Pick<Ended, 'calls'>): string[] =>
  changes(calls).filter((change) => !/Access(Entry|Policy)|^scheduler /.test(change));
