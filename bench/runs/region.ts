import { SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { ApiCall, Sandbox } from '@nightshift/sandbox';
import { startNightshift } from '../../cli/start-sandbox.ts';
import { type Counts, countsOf } from './counts.ts';
import { cluster, world } from './worlds.ts';

/** What was counted from the load of a world until nothing was left to happen in it. */
export interface Measured {
  counts: Counts;
  calls: readonly ApiCall[];
  /** Real milliseconds from the start of the first execution. */
  milliseconds: number;
}

/** A sandbox with nightshift, in which benches run whole executions. */
export class BenchRegion {
  readonly sandbox: Sandbox;
  readonly client: SFNClient;
  readonly #logged: { bytes: number };
  #began = 0;

  private constructor(sandbox: Sandbox, logged: { bytes: number }) {
    this.sandbox = sandbox;
    this.#logged = logged;
    const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
    this.client = new SFNClient({ endpoint: sandbox.endpoint, region: 'us-east-1', credentials });
  }

  static async start(): Promise<BenchRegion> {
    const logged = { bytes: 0 };
    const onLog = (_: string, lines: string): void => {
      logged.bytes += Buffer.byteLength(lines);
    };
    return new BenchRegion(await startNightshift({ world: world([cluster('demo', 1)]), onLog }), logged);
  }

  async load(next: object): Promise<void> {
    await this.sandbox.load(next);
    this.#logged.bytes = 0;
    this.#began = performance.now();
  }

  /** Starts an execution. Returns its ARN. */
  async begin(machine: 'migrate-cluster' | 'migrate-fleet', name: string, input: object): Promise<string> {
    const stateMachineArn = this.sandbox.stateMachines[machine];
    const { executionArn } = await this.client.send(
      new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
    );
    if (executionArn === undefined) throw new Error('StartExecution answered no ARN');
    return executionArn;
  }

  /** Waits until the executions have succeeded and nothing is left to happen, and counts. Throws if one fails. */
  async finished(...executionArns: readonly string[]): Promise<Measured> {
    const { live } = this.sandbox;
    for (const arn of executionArns) {
      const { status, error, cause } = await live.stepFunctions.ended(arn);
      if (status !== 'SUCCEEDED') throw new Error(`${arn} ended ${status}: ${error}: ${cause}`);
    }
    await live.region.clock.idle();
    const { calls } = this.sandbox;
    return {
      calls,
      counts: countsOf([...live.stepFunctions.executions.values()], calls, this.#logged.bytes),
      milliseconds: performance.now() - this.#began,
    };
  }

  /** Runs one execution in a world of its own. */
  async run(next: object, machine: 'migrate-cluster' | 'migrate-fleet', input: object): Promise<Measured> {
    await this.load(next);
    return this.finished(await this.begin(machine, 'bench', input));
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.sandbox.stop();
  }
}
