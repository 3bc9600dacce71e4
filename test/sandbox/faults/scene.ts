import { EC2 } from '@aws-sdk/client-ec2';
import { EKS } from '@aws-sdk/client-eks';
import { Lambda } from '@aws-sdk/client-lambda';
import { S3 } from '@aws-sdk/client-s3';
import { Scheduler } from '@aws-sdk/client-scheduler';
import { SFN } from '@aws-sdk/client-sfn';
import { SSM } from '@aws-sdk/client-ssm';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import type { Sandbox } from '@nightshift/sandbox';
import { startNightshift } from '../../../cli/start-sandbox.ts';
import { configuredTemplate, Roles } from '../../infra/roles.ts';
import { worldOf } from '../../workflow/worlds.ts';

/** A running sandbox with AWS clients that do not retry, so that a test sees every fault. */
export class Scene {
  readonly #sandbox: Sandbox;
  readonly #roles: Roles;
  readonly bugs: unknown[];
  readonly eks: EKS;
  readonly ec2: EC2;
  readonly lambda: Lambda;
  readonly s3: S3;
  readonly scheduler: Scheduler;
  readonly sfn: SFN;
  readonly ssm: SSM;

  private constructor(sandbox: Sandbox, roles: Roles, bugs: unknown[]) {
    this.#sandbox = sandbox;
    this.#roles = roles;
    this.bugs = bugs;
    const options = {
      endpoint: sandbox.endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'tester', secretAccessKey: 'tester' },
      maxAttempts: 1,
    };
    this.eks = new EKS(options);
    this.ec2 = new EC2(options);
    this.lambda = new Lambda(options);
    this.s3 = new S3({ ...options, forcePathStyle: true });
    this.scheduler = new Scheduler(options);
    this.sfn = new SFN(options);
    this.ssm = new SSM(options);
  }

  static async open(): Promise<Scene> {
    const bugs: unknown[] = [];
    const roles = new Roles(await configuredTemplate());
    return new Scene(await startNightshift({ world: worldOf({}), onBug: (bug) => bugs.push(bug) }), roles, bugs);
  }

  get live() {
    return this.#sandbox.live;
  }

  get calls() {
    return this.#sandbox.calls;
  }

  get nodes() {
    return this.live.region.clusters.get('demo')?.nodes ?? [];
  }

  /** A world of its own, in which nothing has happened yet. */
  async load(cluster: object = {}, more: object = {}): Promise<void> {
    this.#expectAllowed();
    this.bugs.length = 0;
    await this.#sandbox.load(worldOf(cluster, more));
  }

  /** Throws for a call of the product's, since the last time, that its role does not allow. */
  #expectAllowed(): void {
    const exceeded = this.#roles.exceededSince(this.calls, this.live.region);
    if (exceeded.length > 0) throw new Error(`roles are exceeded: ${exceeded.join('; ')}`);
  }

  state() {
    return this.#sandbox.state();
  }

  /** `POST /_sandbox/faults`; answers the status and the body. */
  async post(faults: unknown): Promise<{ status: number; body: unknown }> {
    const url = `${this.#sandbox.endpoint}/_sandbox/faults`;
    const response = await fetch(url, { method: 'POST', body: JSON.stringify(faults) });
    return { status: response.status, body: await response.json() };
  }

  /** Arms faults; throws where they are refused. */
  async arm(...faults: unknown[]): Promise<void> {
    const { status, body } = await this.post(faults);
    if (status !== 200) throw new Error(JSON.stringify(body));
  }

  /** Creates a state machine of these states, the first of which is its start; each leads to the next. */
  async machine(name: string, states: Record<string, object>): Promise<string> {
    const names = Object.keys(states);
    const linked = Object.entries(states).map(([state, body], index) => [
      state,
      { ...body, ...(index + 1 < names.length ? { Next: names[index + 1] } : { End: true }) },
    ]);
    const definition = { QueryLanguage: 'JSONata', StartAt: names[0], States: Object.fromEntries(linked) };
    const { stateMachineArn } = await this.sfn.createStateMachine({
      name,
      definition: JSON.stringify(definition),
      roleArn: `arn:aws:iam::111122223333:role/${name}`,
    });
    return stateMachineArn ?? '';
  }

  /** Starts an execution and answers it when it has ended. */
  async run(stateMachineArn: string, name = 'first', input: object = { cluster: 'demo' }) {
    const { executionArn = '' } = await this.sfn.startExecution({
      stateMachineArn,
      name,
      input: JSON.stringify(input),
    });
    await this.live.stepFunctions.ended(executionArn);
    return this.sfn.describeExecution({ executionArn });
  }

  /** Lets virtual time run until nothing will happen any more. */
  idle(): Promise<void> {
    return this.live.region.clock.idle();
  }

  /** A Kubernetes client of the cluster's administrator. */
  kubernetes(): CoreV1Api {
    const config = new KubeConfig();
    config.loadFromString(this.live.kubeconfig);
    return config.makeApiClient(CoreV1Api);
  }

  async stop(): Promise<void> {
    try {
      this.#expectAllowed();
    } finally {
      await this.#sandbox.stop();
    }
  }
}

export const PAUSE = { Type: 'Wait', Seconds: 60 };
export const NOTHING = { Type: 'Pass' };

/** A Task without error handling. */
export function task(resource: string, args: object): object {
  return { Type: 'Task', Resource: `arn:aws:states:::${resource}`, Arguments: args };
}
