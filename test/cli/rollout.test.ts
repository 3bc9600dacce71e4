import { describe, expect, test } from 'vitest';
import { WEEKEND } from '../workflow/worlds.ts';
import { ME, MIGRATIONS, rolloutSandbox, stage, temporaryFolder, world } from './rollout-sandbox.ts';

const { file } = temporaryFolder();

describe('a rollout in virtual time', () => {
  const { nightshift, status, shown, start, until, endpoint } = rolloutSandbox(file('world.json', world(WEEKEND)));
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
      'stage staging is held by nightshift: 1 cluster of the batch failed, and 0 may: small',
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
      'stage stagin is held by nightshift: Stage stagin selects no enrolled cluster: correct its selection, tag its clusters, or take the stage out.',
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
  const { nightshift, shown, start, until, stop } = rolloutSandbox(file('later.json', world(later)), '--clock', 'real');
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
    expect(await shown(rollout)).toEqual([
      `rollout R: running, requested by ${ME}`,
      ...lines,
      `stage prod is held by ${ME}: INC-1`,
    ]);
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

describe('the example of the README', () => {
  const { shown, start, until } = rolloutSandbox('sandbox/worlds/fleet.json');

  test('migrates a fleet in two stages', async () => {
    const rollout = await start('docs/stages.json');
    await until(({ status: now }) => now !== 'running');
    expect(await shown(rollout)).toEqual([
      `rollout R: succeeded, requested by ${ME}`,
      'STAGE    STATUS  CLUSTERS       NODES    SOAK',
      'staging  proven  2 of 2 proven  3 nodes',
      'prod     proven  3 of 3 proven  9 nodes',
    ]);
  });
});
