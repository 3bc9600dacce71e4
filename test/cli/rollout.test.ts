import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SFNClient, StopExecutionCommand } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CLUSTER, WEEKEND } from '../workflow/worlds.ts';
import { call } from './run.ts';
import { type Served, serve } from './serve.ts';

const folder = mkdtempSync(join(tmpdir(), 'nightshift-rollout-'));
afterAll(() => rmSync(folder, { recursive: true }));

const ME = 'arn:aws:iam::111122223333:user/person';
const MIGRATIONS = 'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster';

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(content));
  return path;
}

const cluster = (name: string, stage: string, count: number) => ({
  ...CLUSTER,
  name,
  tags: { 'nightshift:enrolled': 'true', 'nightshift:stage': stage },
  nodeGroups: [{ os: 'al2023', count, ssm: 'online' }],
});
const world = (name: string, weekend: object) =>
  file(name, {
    account: '111122223333',
    region: 'us-east-1',
    start: '2026-11-20T22:00:00Z',
    seed: 7,
    clusters: [cluster('big', 'staging', 2), cluster('small', 'staging', 1), cluster('shop', 'prod', 3)],
    windows: { weekend },
  });

const stage = (name: string, more: object = {}) => ({
  name,
  select: { tags: { 'nightshift:stage': name } },
  soakHours: 0,
  ...more,
});

/** A sandbox in a process of its own, and the command line in it. Tests of one sandbox build on each other. */
function sandbox(weekend: object, ...args: string[]) {
  let served: Served;
  beforeAll(async () => {
    served = await serve(world(`${args.length}.json`, weekend), args);
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

describe('before the first rollout', () => {
  const { nightshift } = sandbox(WEEKEND);

  test.each([
    [
      ['rollout', 'status'],
      'next: start one: npx nightshift rollout start --help\nnightshift: there is no rollout in us-east-1: NoRollout\n',
    ],
    [
      ['rollout', 'status', 'R'],
      'next: show the one that started last: npx nightshift rollout status\nnightshift: there is no rollout R in us-east-1: UnknownRollout\n',
    ],
    [
      ['rollout', 'resume', 'R'],
      'next: show the one that started last: npx nightshift rollout status\nnightshift: there is no rollout R in us-east-1: UnknownRollout\n',
    ],
    [
      ['rollout', 'start'],
      'next: give --stages FILE, or configure fleet.stages in nightshift.config.json\nnightshift: the deployment has no stages: NoStages\n',
    ],
    [
      ['approve', 'R'],
      'next: npx nightshift rollout status R\nnightshift: rollout R waits for no approval: NothingToApprove\n',
    ],
    [
      ['deny', 'R'],
      'next: npx nightshift rollout status R\nnightshift: rollout R waits for no approval: NothingToApprove\n',
    ],
  ])('%j names what is missing, and what to do', async (args, stderr) => {
    expect(await nightshift(...args)).toEqual({ code: 1, stdout: '', stderr });
  });
});

describe('a wrong call ends with 2 before anything is asked', () => {
  const bad = (name: string, content: unknown) => ['rollout', 'start', '--stages', file(name, content)];
  test.each<[string, string[], string]>([
    ['rollout alone', ['rollout'], 'Usage: nightshift rollout'],
    ['an unknown word', ['rollout', 'strat'], '(Did you mean start?)'],
    ['an argument of start', ['rollout', 'start', 'R'], 'too many arguments'],
    ['no rollout to resume', ['rollout', 'resume'], "missing required argument 'rollout'"],
    ['no rollout to approve', ['approve'], "missing required argument 'rollout'"],
    ['a hostile rollout', ['rollout', 'status', '../x'], "The rollout must be a rollout's name"],
    ['escape sequences', ['approve', '\u001b[2J'], 'but it is "\\u001b[2J"'],
    ['a name that is too long', ['deny', 'x'.repeat(49)], "The rollout must be a rollout's name"],
    ['a file that is not there', ['rollout', 'start', '--stages', join(folder, 'none.json')], 'there is no such file'],
    ['a file without stages', bad('a.json', {}), 'a.json: stages must be a list of 1 to 20 stages'],
    ['a list', bad('b.json', []), 'b.json: The fleet must be a JSON object, but it is [].'],
    [
      'a stage that selects nothing',
      bad('c.json', { stages: [stage('s', { select: {} })] }),
      'c.json: stages.0.select must name at least one of tags, clusters and manifest, but it is {}.',
    ],
    [
      'a misspelt field',
      bad('d.json', { stages: [stage('s', { soakhours: 1 })] }),
      "d.json: The fleet: stages.0 must not have the field 'soakhours'.",
    ],
    [
      'what only the input of an execution may have',
      bad('e.json', { stages: [stage('s')], rollout: 'R', resume: true }),
      "e.json: The fleet must not have the field 'rollout', 'resume'.",
    ],
  ])('%s', async (_, args, sentence) => {
    const { code, stdout, stderr } = await call(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr).not.toContain('\u001b');
  });

  test('without a Region that is said in one sentence', async () => {
    const { code, stderr } = await call(['rollout', 'status']);
    expect([code, stderr.split('\n')[1]]).toEqual([2, 'nightshift: no AWS Region is configured']);
  });
});

describe('a rollout in virtual time', () => {
  const { nightshift, status, shown, start, until, endpoint } = sandbox(WEEKEND);
  let rollout = '';

  test('that fails in a stage is held, and says which cluster and how to go on', async () => {
    const fault = { node: 'all', cluster: 'small', fault: 'kube-proxy-crash', mode: 'ipvs', times: 1 };
    await fetch(`${endpoint()}/_sandbox/faults`, { method: 'POST', body: JSON.stringify([fault]) });
    const stages = file('stages.json', { stages: [stage('staging', { atOnce: 1, soakHours: 24 }), stage('prod')] });
    const { code, stdout } = await nightshift('rollout', 'start', '--stages', stages);
    rollout = /^rollout (fleet-\d{8}T\d{9}Z) has started\n/.exec(stdout)?.[1] ?? '';
    expect([code, stdout]).toEqual([
      0,
      `rollout ${rollout} has started\nstatus: npx nightshift rollout status ${rollout}\n`,
    ]);
    await until(({ status: now }) => now !== 'running');
    const lines = await shown(rollout);
    expect(lines.map((line) => line.replace(/[0-9a-f]{16}$/, '#'))).toEqual([
      `rollout R: held, requested by ${ME}`,
      'STAGE    STATUS   CLUSTERS       NODES    SOAK',
      'staging  held     0 of 2 proven  3 nodes',
      'prod     pending',
      'NOT PROVEN  STAGE    ENDING  ERROR         EXECUTION',
      `small       staging  failed  CanaryFailed  ${MIGRATIONS}:rollout-small-migrate-#`,
      'held by nightshift: 1 cluster of the batch failed, and 0 may: small',
      'resume: npx nightshift rollout resume R',
    ]);
  });

  test('goes on after resume, and its status has the documented form', async () => {
    const resumed = await nightshift('rollout', 'resume', rollout);
    expect(resumed).toEqual({
      code: 0,
      stdout: `rollout ${rollout} goes on\nstatus: npx nightshift rollout status ${rollout}\n`,
      stderr: '',
    });
    await until(({ status: now }) => now !== 'running');
    const digest = expect.stringMatching(/-(migrate|prove)-[0-9a-f]{16}$/);
    const proven = (name: string, nodes: number, ending: string) => ({
      ...{ name, execution: digest, ending, error: null, nodes },
    });
    expect(await status()).toEqual({
      rollout,
      status: 'succeeded',
      error: null,
      execution: expect.stringMatching(
        /^arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-fleet:fleet-\d{8}T\d{9}Z-\d{8}T\d{9}Z$/,
      ),
      attempt: 2,
      requestedBy: ME,
      stages: [
        {
          ...{ name: 'staging', status: 'proven', soakUntil: null, tolerate: 0 },
          clusters: [proven('small', 1, 'already-compliant'), proven('big', 2, 'already-compliant')],
        },
        {
          ...{ name: 'prod', status: 'proven', soakUntil: null, tolerate: 0 },
          clusters: [proven('shop', 3, 'migrated')],
        },
      ],
      held: null,
      approval: null,
    });
    const { code, stderr } = await nightshift('rollout', 'resume', rollout);
    expect([code, stderr]).toEqual([
      1,
      `next: for clusters that came later: npx nightshift rollout start\nnightshift: rollout ${rollout} has succeeded: there is nothing to resume: RolloutSucceeded\n`,
    ]);
  });

  test('whose stage selects no cluster is held before it opens', async () => {
    const empty = await start(file('empty.json', { stages: [stage('stagin'), stage('prod')] }));
    await until(({ status: now }) => now !== 'running');
    expect(await shown(empty)).toEqual([
      `rollout R: held, requested by ${ME}`,
      'STAGE   STATUS   CLUSTERS  NODES  SOAK',
      'stagin  held     0',
      'prod    pending',
      'held by nightshift: Stage stagin selects no enrolled cluster: correct its selection, tag its clusters, or take the stage out.',
      'resume: npx nightshift rollout resume R',
    ]);
  });

  test('whose approval nobody answers is denied', async () => {
    const denied = await start(file('asked.json', { stages: [stage('prod', { approval: 'required' })] }));
    await until(({ status: now }) => now !== 'running');
    // Every cluster of the stage is at its target, but this rollout has not proven it.
    expect(await shown(denied)).toEqual([
      `rollout R: denied, requested by ${ME}`,
      'STAGE  STATUS  CLUSTERS       NODES    SOAK',
      'prod   denied  0 of 1 proven  3 nodes',
      'ApprovalDenied: Stage prod was denied by nobody: nobody answered in time.',
      'resume: npx nightshift rollout resume R',
    ]);
  });
});

describe('a rollout in real time', () => {
  // In real time nothing may happen because of the hour at which the tests run.
  const inThreeDays = new Date(Date.now() + 3 * 86_400_000).toISOString().slice(0, 19);
  const later = { ...WEEKEND, schedule: `at(${inThreeDays})` };
  const { nightshift, shown, start, until, stop } = sandbox(later, '--clock', 'real');
  let rollout = '';
  const prod = stage('prod', { approval: 'required' });
  const awaits = ({ stages }: { stages: { status: string }[] }) => stages[0]?.status === 'awaiting-approval';

  test('waits for its approval, and a second one does not start', async () => {
    rollout = await start(file('eyes.json', { fourEyes: true, stages: [prod] }));
    await until(awaits);
    expect((await shown(rollout)).map((line) => line.replace(/until \S+$/, 'until T'))).toEqual([
      `rollout R: running, requested by ${ME}`,
      'STAGE  STATUS             CLUSTERS       NODES    SOAK',
      'prod   awaiting-approval  0 of 1 proven  3 nodes',
      'stage prod waits for an approval until T',
      'answer: npx nightshift approve R, or npx nightshift deny R',
    ]);
    const running = `next: npx nightshift rollout status ${rollout}\nnightshift: rollout ${rollout} is running, and only one can run at a time: RolloutRunning\n`;
    const second = await nightshift('rollout', 'start', '--stages', file('second.json', { stages: [prod] }));
    expect(second).toEqual({ code: 1, stdout: '', stderr: running });
    expect(await nightshift('rollout', 'resume', rollout)).toEqual({ code: 1, stdout: '', stderr: running });
  });

  test('with four eyes cannot be approved by its requester, who can deny it, once', async () => {
    expect(await nightshift('approve', rollout)).toEqual({
      code: 1,
      stdout: '',
      stderr: `next: another person runs: npx nightshift approve ${rollout}\nnightshift: ${ME} requested the rollout, and another person must approve it: FourEyes\n`,
    });
    const wrong = await nightshift('deny', rollout, '--reason', 'a\nb');
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      'nightshift: reason must be one line without control characters, but it is "a\\nb".\n',
    ]);
    expect(await nightshift('deny', rollout, '--reason', 'not before Tuesday')).toEqual({
      code: 0,
      stdout: `stage prod of ${rollout} is denied, by ${ME}\n`,
      stderr: '',
    });
    const again = await nightshift('deny', rollout);
    expect([again.code, again.stderr]).toEqual([
      1,
      `next: npx nightshift rollout status ${rollout}\nnightshift: rollout ${rollout} waits for no approval: NothingToApprove\n`,
    ]);
    await until(({ status: now }) => now !== 'running');
    expect((await shown(rollout)).at(-2)).toBe(`ApprovalDenied: Stage prod was denied by ${ME}: not before Tuesday.`);
  });

  test('asks again after resume', async () => {
    await nightshift('rollout', 'resume', rollout);
    await until(awaits);
    const { stdout } = await nightshift('deny', rollout, '--json');
    expect(JSON.parse(stdout)).toEqual({ rollout, stage: 'prod', decision: 'denied', by: ME, reason: null });
    await until(({ status: now }) => now !== 'running');
  });

  test('that is approved migrates, shows a hold of its stage, and can be stopped', async () => {
    rollout = await start(file('approved.json', { stages: [prod, stage('staging')] }));
    await until(awaits);
    expect((await nightshift('approve', rollout, '--reason', 'CHG-1')).stdout).toBe(
      `stage prod of ${rollout} is approved, by ${ME}\n`,
    );
    await until(({ stages }) => JSON.stringify(stages).includes('rollout-shop-migrate'));
    expect(await nightshift('hold', '--stage', 'prod', '--reason', 'INC-1')).toEqual({
      code: 0,
      stdout: 'stage prod is on hold until the hold is released: INC-1\nrelease: npx nightshift release --stage prod\n',
      stderr: '',
    });
    const lines = [
      'STAGE    STATUS     CLUSTERS                  NODES    SOAK',
      'prod     migrating  0 of 1 proven, 1 running  3 nodes',
      'staging  pending',
    ];
    expect(await shown(rollout)).toEqual([`rollout R: running, requested by ${ME}`, ...lines, `held by ${ME}: INC-1`]);
    expect((await nightshift('release', '--stage', 'prod')).stdout).toBe('stage prod is released\n');
    expect(await shown(rollout)).toEqual([`rollout R: running, requested by ${ME}`, ...lines]);
    await stop(`${MIGRATIONS.replace('migrate-cluster', 'migrate-fleet')}:${rollout}`);
    expect(await shown(rollout)).toEqual([
      `rollout R: stopped, requested by ${ME}`,
      'STAGE    STATUS   CLUSTERS                  NODES    SOAK',
      'prod     stopped  0 of 1 proven, 1 running  3 nodes',
      'staging  pending',
      'resume: npx nightshift rollout resume R',
    ]);
  });
});
