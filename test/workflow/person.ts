import { gunzipSync } from 'node:zlib';
import { GetObjectCommand, paginateListObjectsV2, S3Client } from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Workflow } from './run.ts';

const BUCKET = 'nightshift-evidence-111122223333-us-east-1';

/** A person with a terminal: starts and describes executions, and reads the evidence bucket, through AWS's API. */
export class Person {
  readonly #workflow: Workflow;
  readonly #s3: S3Client;
  readonly #sfn: SFNClient;

  constructor(workflow: Workflow) {
    const credentials = { accessKeyId: 'tester', secretAccessKey: 'tester' };
    const options = { endpoint: workflow.sandbox.endpoint, region: 'us-east-1', credentials };
    this.#workflow = workflow;
    this.#s3 = new S3Client({ ...options, forcePathStyle: true });
    this.#sfn = new SFNClient(options);
  }

  /** Starts an execution, through the alias as every caller does, and answers how it ended. */
  async run(machine: 'migrate-cluster' | 'rollback-cluster', name: string, input: string) {
    const stateMachineArn = `arn:aws:states:us-east-1:111122223333:stateMachine:nightshift-${machine}:live`;
    const { executionArn = '' } = await this.#sfn.send(new StartExecutionCommand({ stateMachineArn, name, input }));
    await this.#workflow.sandbox.live.stepFunctions.ended(executionArn);
    return this.describe(executionArn);
  }

  async describe(executionArn: string) {
    const { status, error, cause, output, name } = await this.#sfn.send(new DescribeExecutionCommand({ executionArn }));
    return { status, error, cause, output, name };
  }

  /** The texts of all objects, by their key; of gzipped ones the text that was zipped. */
  async objects(prefix = ''): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for await (const page of paginateListObjectsV2({ client: this.#s3 }, { Bucket: BUCKET, Prefix: prefix }))
      for (const { Key = '' } of page.Contents ?? []) found.set(Key, await this.#text(Key));
    return found;
  }

  async #text(key: string): Promise<string> {
    const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: BUCKET, Key: key }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    return (key.endsWith('.gz') ? gunzipSync(bytes) : Buffer.from(bytes)).toString('utf8');
  }

  /** An execution's record as JSON; null if there is none. */
  async record(key: string): Promise<unknown> {
    const text = (await this.objects(key)).get(key);
    return text === undefined ? null : JSON.parse(text);
  }

  /** The lines of an NDJSON object; null if there is none. */
  async lines(key: string): Promise<Record<string, unknown>[] | null> {
    const text = (await this.objects(key)).get(key);
    return (
      text
        ?.trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line)) ?? null
    );
  }

  leave(): void {
    this.#s3.destroy();
    this.#sfn.destroy();
  }
}
