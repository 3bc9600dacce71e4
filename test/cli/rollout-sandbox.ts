import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll } from 'vitest';
import { CLUSTER } from '../workflow/worlds.ts';
import { call } from './run.ts';
import { type Served, serve } from './serve.ts';

export const ME = 'arn:aws:iam::111122223333:user/person';
export const MIGRATIONS = 'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster';

/** Writes a JSON file under this name. Returns its path. */
export type WriteFile = (name: string, content: unknown) => string;

/** A folder for the JSON files of one file of tests, to be made where that begins. */
export function temporaryFolder(): { folder: string; file: WriteFile } {
  const folder = mkdtempSync(join(tmpdir(), 'nightshift-rollout-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file: WriteFile = (name, content) => {
    const path = join(folder, name);
    writeFileSync(path, JSON.stringify(content));
    return path;
  };
  return { folder, file };
}

const cluster = (name: string, stage: string, count: number) => ({
  ...CLUSTER,
  name,
  tags: { 'nightshift:enrolled': 'true', 'nightshift:stage': stage },
  nodeGroups: [{ os: 'al2023', count, ssm: 'online' }],
});
/** A world with two stages of three clusters, and this window. */
export const world = (weekend: object) => ({
  account: '111122223333',
  region: 'us-east-1',
  start: '2026-11-20T22:00:00Z',
  seed: 7,
  clusters: [cluster('big', 'staging', 2), cluster('small', 'staging', 1), cluster('shop', 'prod', 3)],
  windows: { weekend },
});

/** A stage that selects by the tag `nightshift:stage`, and does not soak. */
export const stage = (name: string, more: object = {}) => ({
  name,
  select: { tags: { 'nightshift:stage': name } },
  soakHours: 0,
  ...more,
});

/** A sandbox with the world in this file in a process of its own, and the command line in it. Tests of one sandbox build on each other. */
export function rolloutSandbox(path: string, ...args: string[]) {
  let served: Served;
  beforeAll(async () => {
    served = await serve(path, args);
  });
  afterAll(async () => void (await served.stop()));
  const nightshift = (...words: string[]) => call(words, served.env);
  const status = async (...rollout: string[]) =>
    JSON.parse((await nightshift('rollout', 'status', ...rollout, '--json')).stdout);
  return {
    nightshift,
    status,
    endpoint: () => served.endpoint,
    async stop(executionArn: string): Promise<void> {
      const credentials = { accessKeyId: 'anna', secretAccessKey: 'anna' };
      const sfn = new SFNClient({ endpoint: served.endpoint, region: 'us-east-1', credentials });
      await sfn.send(new StopExecutionCommand({ executionArn }));
      sfn.destroy();
    },
    async start(stages: string): Promise<string> {
      return JSON.parse((await nightshift('rollout', 'start', '--stages', stages, '--json')).stdout).rollout;
    },
    /** Waits until the status is this one. The test's own limit ends a wait in vain. */
    async until(is: (now: { status: string; stages: { status: string }[] }) => boolean): Promise<void> {
      while (!is(await status())) await new Promise((resolve) => setTimeout(resolve, 100));
    },
    /** What `rollout status` prints, with R in place of the rollout's name. */
    async shown(rollout: string): Promise<string[]> {
      const { stdout } = await nightshift('rollout', 'status', rollout);
      return stdout.trimEnd().replaceAll(rollout, 'R').split('\n');
    },
  };
}
