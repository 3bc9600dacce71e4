import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { SendTaskSuccessCommand, SFNClient, StartExecutionCommand, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { GetParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, expect } from 'vitest';
import * as z from 'zod';
import { AskedApproval, approvalParameter } from '../../functions/core/fleet/approval.ts';
import { brokenEvents } from './event-schemas.ts';
import { Workflow } from './run.ts';
import { fleetOf } from './schedules.ts';

/** A cluster of a stage: enrolled, with `nodes` nodes. */
export const inStage = (stage: string, name: string, nodes = 1, more: object = {}) => ({
  name,
  tags: { 'nightshift:enrolled': 'true', 'nightshift:stage': stage },
  nodeGroups: [{ os: 'al2023', count: nodes, ssm: 'online' }],
  ...more,
});

/** A stage that selects by the tag `nightshift:stage`. */
export const stage = (name: string, more: object = {}) => ({
  name,
  select: { tags: { 'nightshift:stage': name } },
  soakHours: 0,
  ...more,
});

/** How an execution of migrate-fleet ended, and what happened meanwhile. */
export interface EndedRollout {
  status: string;
  error: string | undefined;
  cause: string;
  output: unknown;
  /** The clusters whose add-on was changed, in order, each once. */
  changed: string[];
  /** The migrations and proofs that were started, in order: `cluster step status error`. */
  started: string[];
  /** The events on the bus that are about the rollout, in order. */
  events: { type: string; detail: Record<string, unknown> }[];
}

const PutEvents = z.object({ Entries: z.array(z.object({ DetailType: z.string(), Detail: z.string() })) });
const Named = z.object({ clusterName: z.string() });
const OF_ROLLOUTS = /^nightshift\.(StageEnded|RolloutEnded|ApprovalRequested|BatchHeld)$/;

/** A sandbox in which rollouts run. */
export class Rollouts {
  readonly workflow: Workflow;
  readonly #sfn: SFNClient;
  readonly #s3: S3Client;
  readonly #ssm: SSMClient;

  constructor(workflow: Workflow) {
    this.workflow = workflow;
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'tester' };
    const options = { endpoint: workflow.sandbox.endpoint, region: 'us-east-1', credentials };
    this.#sfn = new SFNClient(options);
    this.#s3 = new S3Client({ ...options, forcePathStyle: true });
    this.#ssm = new SSMClient(options);
  }

  /** For all tests of a file, to be awaited where the file begins. `template`: what is deployed in it. */
  static async started(template?: unknown): Promise<Rollouts> {
    const rollouts = new Rollouts(await Workflow.start(fleetOf([{}]), 'model', { template }));
    afterAll(() => rollouts.#stop());
    return rollouts;
  }

  /** Closes the connections; the sandbox goes on. */
  leave(): void {
    for (const client of [this.#sfn, this.#s3, this.#ssm]) client.destroy();
  }

  async #stop(): Promise<void> {
    this.leave();
    await this.workflow.stop();
  }

  /** Loads a world of these clusters, with these faults. */
  async load(clusters: object[], faults: object[] = [], more: object = {}): Promise<void> {
    await this.workflow.load(fleetOf(clusters, more));
    if (faults.length > 0) await this.workflow.post('faults', faults);
  }

  /** Starts an execution of migrate-fleet. Returns its ARN. */
  async start(name: string, input: object): Promise<string> {
    const stateMachineArn = this.workflow.sandbox.stateMachines['migrate-fleet'];
    const started = await this.#sfn.send(
      new StartExecutionCommand({ stateMachineArn, name, input: JSON.stringify(input) }),
    );
    if (!started.executionArn) throw new Error('StartExecution answered no ARN');
    return started.executionArn;
  }

  /** Does this at a moment of the sandbox's time. */
  at(moment: string, work: () => Promise<void>): void {
    this.workflow.sandbox.live.region.clock.at(new Date(moment), work);
  }

  async stop(executionArn: string): Promise<void> {
    await this.#sfn.send(new StopExecutionCommand({ executionArn }));
  }

  /** Waits for the end of an execution, and until nothing is left to happen. */
  async ended(executionArn: string): Promise<EndedRollout> {
    const { sandbox } = this.workflow;
    const execution = await sandbox.live.stepFunctions.ended(executionArn);
    await sandbox.live.region.clock.idle();
    this.workflow.expectAllowed();
    expect(brokenEvents(sandbox.calls)).toEqual([]);
    return {
      status: execution.status,
      error: execution.error,
      cause: execution.cause ?? '',
      output: execution.output && JSON.parse(execution.output.text),
      changed: this.changed(),
      started: this.migrations(),
      events: this.events(),
    };
  }

  /** Runs one rollout in a world of its own. */
  async run(clusters: object[], input: object, faults: object[] = []): Promise<EndedRollout> {
    await this.load(clusters, faults);
    return this.ended(await this.start('R', input));
  }

  changed(): string[] {
    const updates = this.workflow.sandbox.calls.filter(
      ({ operation, principal }) => operation === 'UpdateAddon' && principal !== 'other',
    );
    return [...new Set(updates.map(({ input }) => Named.parse(input).clusterName))];
  }

  migrations(): string[] {
    return [...this.workflow.sandbox.live.stepFunctions.executions.values()].flatMap(
      ({ machine, name, status, error }) => {
        const [, cluster, step] = /^rollout-(.*)-(migrate|prove)-[0-9a-f]{16}$/.exec(name) ?? [];
        if (machine.name !== 'nightshift-migrate-cluster' || cluster === undefined) return [];
        return [`${cluster} ${step} ${status}${error === undefined ? '' : ` ${error}`}`];
      },
    );
  }

  events(): EndedRollout['events'] {
    return this.workflow.sandbox.calls.flatMap(({ operation, input, error }) => {
      if (operation !== 'PutEvents' || error !== undefined) return [];
      // The sandbox's own events have another form.
      return (PutEvents.safeParse(input).data?.Entries ?? []).flatMap(({ DetailType: type, Detail }) =>
        OF_ROLLOUTS.test(type) ? [{ type, detail: JSON.parse(Detail) }] : [],
      );
    });
  }

  /** Stores the manifest of a stage. */
  async putManifest(key: string, text: string): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: key, Body: text }));
  }

  /** An object of a rollout, as JSON. */
  async object(key: string): Promise<unknown> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    return JSON.parse((await Body?.transformToString()) ?? 'null');
  }

  /** The approval that a rollout asked for. */
  async asked(rollout: string): Promise<AskedApproval> {
    const { Parameter } = await this.#ssm.send(new GetParameterCommand({ Name: approvalParameter(rollout) }));
    return AskedApproval.parse(JSON.parse(Parameter?.Value ?? 'null'));
  }

  /** Answers it, as `nightshift approve` does. */
  async answer(taskToken: string, output: object): Promise<void> {
    await this.#sfn.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(output) }));
  }
}

export const BUCKET = 'nightshift-evidence-111122223333-us-east-1';
