import { describe, expect, it } from 'vitest';
import { inStage, Rollouts, stage } from './rollouts.ts';
import { failing } from './scenarios.ts';

const rollouts = await Rollouts.started();

/** Every kube-proxy of a cluster crashes in IPVS mode: its canary fails, and the migration is rolled back. */
const fails = (cluster: string, times: number | 'every' = 'every') => ({
  ...{ node: 'all', cluster, fault: 'kube-proxy-crash', mode: 'ipvs', times },
});

/** A person holds a batch whose migrations have ended. */
const HOLD = '/nightshift/holds/batches/rollouts/R/staging/1';
const HELD = '{"reason":"INC-4711","by":"ana","since":"2026-11-20T00:00:00.000Z","until":null}';
const RECORDS = { on: { service: 'lambda', operation: 'Invoke', function: 'nightshift-record-cluster' } };

describe('a rollout', () => {
  it('migrates stage after stage, and in a stage the smaller clusters first', async () => {
    const ended = await rollouts.run(
      [inStage('prod', 'a-prod', 2), inStage('staging', 'b-staging', 3), inStage('staging', 'c-staging', 1)],
      { stages: [stage('staging', { atOnce: 1 }), stage('prod')] },
    );
    expect([ended.status, ended.cause, ended.changed]).toEqual(['SUCCEEDED', '', ['c-staging', 'b-staging', 'a-prod']]);
    expect(ended.started).toEqual([
      'c-staging migrate SUCCEEDED',
      'b-staging migrate SUCCEEDED',
      'a-prod migrate SUCCEEDED',
    ]);
    expect(ended.events.map(({ type, detail }) => `${type} ${detail['stage'] ?? ''} ${detail['status']}`)).toEqual([
      'nightshift.StageEnded staging proven',
      'nightshift.StageEnded prod proven',
      'nightshift.RolloutEnded  succeeded',
    ]);
  });

  it('holds the clusters that have not begun when more fail than the stage tolerates, and prod never begins', async () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const ended = await rollouts.run(
      [...names.map((name) => inStage('staging', name)), inStage('prod', 'prod-1')],
      { stages: [stage('staging', { atOnce: 1, tolerate: 1 }), stage('prod')] },
      [fails('a'), fails('c')],
    );
    expect([ended.status, ended.error]).toEqual(['FAILED', 'RolloutHeld']);
    expect(ended.cause).toBe(
      'Stage staging is held: 2 of its clusters failed, of which it tolerates 1: a (CanaryFailed), c (CanaryFailed); these did not begin: d, e.',
    );
    expect(ended.changed).toEqual(['a', 'b', 'c']);
    expect(ended.started).toEqual([
      'a migrate FAILED RolledBack',
      'b migrate SUCCEEDED',
      'c migrate FAILED RolledBack',
    ]);
    expect(ended.events.map(({ type }) => type)).toEqual([
      'nightshift.BatchHeld',
      'nightshift.StageEnded',
      'nightshift.RolloutEnded',
    ]);
  });

  it('goes on after a resume, and repeats nothing that is proven', async () => {
    const clusters = ['a', 'b', 'c'].map((name) => inStage('staging', name));
    await rollouts.load([...clusters, inStage('prod', 'prod-1')], [fails('b', 1)]);
    const fleet = { stages: [stage('staging', { atOnce: 1 }), stage('prod')] };
    const held = await rollouts.ended(await rollouts.start('R', fleet));
    expect([held.error, held.changed]).toEqual(['RolloutHeld', ['a', 'b']]);
    const again = await rollouts.ended(await rollouts.start('R-again', { ...fleet, rollout: 'R' }));
    expect([again.error, again.started.length]).toEqual(['RolloutHeld', 2]);
    const resumed = await rollouts.ended(await rollouts.start('R-resumed', { ...fleet, rollout: 'R', resume: true }));
    expect([resumed.status, resumed.changed]).toEqual(['SUCCEEDED', ['a', 'b', 'c', 'prod-1']]);
    expect(resumed.started).toEqual([
      'a migrate SUCCEEDED',
      'b migrate FAILED RolledBack',
      'b migrate SUCCEEDED',
      'c migrate SUCCEEDED',
      'prod-1 migrate SUCCEEDED',
    ]);
  });

  it('goes on with the next stage if no more fail than the stage tolerates', async () => {
    const ended = await rollouts.run(
      [...['a', 'b', 'c', 'd'].map((name) => inStage('staging', name)), inStage('prod', 'prod-1')],
      { stages: [stage('staging', { tolerate: '25%' }), stage('prod')] },
      [fails('a')],
    );
    expect([ended.status, ended.changed.at(-1), ended.changed.length]).toEqual(['SUCCEEDED', 'prod-1', 5]);
  });

  it.each([
    ['a hold of its batch', { other: 'put-parameter', cluster: 'a', name: HOLD, value: HELD }],
    ['a record that cannot be written', { ...failing('lambda', 'Invoke', 'ServiceException', 'every'), ...RECORDS }],
  ])('is held if a cluster gave no proof after the soak, for %s', async (_, fault) => {
    const ended = await rollouts.run(
      [inStage('staging', 'a'), inStage('prod', 'prod-1')],
      { stages: [stage('staging', { soakHours: 1 }), stage('prod')] },
      [{ at: 'AwaitSoak', ...fault }],
    );
    expect([ended.error, ended.cause, ended.changed]).toEqual([
      'RolloutHeld',
      'Stage staging is held: these gave no proof after the soak: a.',
      ['a'],
    ]);
  });

  it('starts its migrations although the list of the clusters is refused once', async () => {
    const refused = { ...failing('s3', 'GetObject', 'SlowDown', 1), at: 'RunMigrations' };
    const ended = await rollouts.run([inStage('staging', 'a')], { stages: [stage('staging')] }, [refused]);
    expect([ended.status, ended.cause, ended.started]).toEqual(['SUCCEEDED', '', ['a migrate SUCCEEDED']]);
  });

  it('names in its summary also the clusters that left no record', async () => {
    const unrecorded = { ...failing('lambda', 'Invoke', 'ServiceException', 'every'), ...RECORDS };
    const ended = await rollouts.run([inStage('staging', 'a')], { stages: [stage('staging')] }, [unrecorded]);
    expect(ended.error).toBe('RolloutHeld');
    expect(await rollouts.object('rollouts/R/summary.json')).toMatchObject({
      stages: [{ proven: 0, notProven: [{ cluster: 'a', ending: 'waiting', error: null, execution: null }] }],
    });
  });

  it('whose summary cannot be written fails by that name, whatever had failed before', async () => {
    const refused = { ...failing('s3', 'GetObject', 'AccessDenied', 'every'), at: 'RunMigrations' };
    const ended = await rollouts.run([inStage('staging', 'a')], { stages: [stage('staging')] }, [refused]);
    expect([ended.status, ended.error, ended.started]).toEqual(['FAILED', 'OutcomeNotRecorded', []]);
    expect(ended.cause).toMatch(
      /^The summary of the rollout could not be written\. The rollout failed: States\.ItemReaderFailed: /,
    );
  });

  it('is refused while another one runs', async () => {
    await rollouts.load([inStage('staging', 'a')]);
    const first = await rollouts.start('R', { stages: [stage('staging')] });
    const second = await rollouts.ended(await rollouts.start('S', { stages: [stage('staging')] }));
    expect([second.status, second.error, second.cause]).toEqual([
      'FAILED',
      'RolloutRunning',
      'The execution R of migrate-fleet is running. Wait until the other rollout has ended, or follow it with `nightshift rollout status`.',
    ]);
    expect((await rollouts.ended(first)).status).toBe('SUCCEEDED');
  });

  it.each<[string, object, string, string]>([
    ['no stage', { stages: [] }, 'InvalidRequest', 'stages must be a list of 1 to 20 stages, but it is [].'],
    [
      'a misspelt field',
      { stages: [{ ...stage('staging'), soakhours: 1 }] },
      'InvalidRequest',
      "The rollout: stages.0 must not have the field 'soakhours'.",
    ],
    [
      'two stages of one name',
      { stages: [stage('staging'), stage('staging')] },
      'InvalidRequest',
      'stages must not have two stages of one name',
    ],
    [
      'a stage that selects no cluster, and the next stage does not begin',
      { stages: [{ ...stage('stagin') }, stage('staging')] },
      'RolloutHeld',
      'Stage stagin selects no enrolled cluster: correct its selection, tag its clusters, or take the stage out.',
    ],
    [
      'a manifest that is not there',
      { stages: [{ name: 'staging', select: { manifest: 'manifests/none.json' } }] },
      'EvidenceMissing',
      's3://nightshift-evidence-111122223333-us-east-1/manifests/none.json does not exist.',
    ],
  ])('is refused by name for %s', async (_, input, error, cause) => {
    const ended = await rollouts.run([inStage('staging', 'a')], input);
    expect([ended.status, ended.error, ended.started]).toEqual(['FAILED', error, []]);
    expect(ended.cause).toContain(cause);
  });
});

describe('the clusters of a stage', () => {
  it('are chosen by tags, by patterns and by a manifest, and each belongs to the first stage that selects it', async () => {
    await rollouts.load(['a-1', 'a-2', 'b-1', 'b-2'].map((name) => inStage('any', name)));
    await rollouts.putManifest('manifests/first.json', '["b-2", "gone"]');
    const ended = await rollouts.ended(
      await rollouts.start('R', {
        stages: [
          { name: 'first', select: { manifest: 'manifests/first.json' }, soakHours: 0 },
          { name: 'second', select: { clusters: ['*-2'] }, soakHours: 0 },
          { name: 'third', select: { tags: { 'nightshift:stage': 'any' } }, soakHours: 0 },
        ],
      }),
    );
    expect([ended.status, ended.changed]).toEqual(['SUCCEEDED', ['b-2', 'a-2', 'a-1', 'b-1']]);
  });

  it('that are not enrolled are left out, and one with a misspelt tag counts as refused', async () => {
    const ended = await rollouts.run(
      [
        inStage('staging', 'a'),
        inStage('staging', 'b', 1, { tags: { 'nightshift:stage': 'staging' } }),
        inStage('staging', 'c', 1, {
          tags: { 'nightshift:enrolled': 'true', 'nightshift:stage': 'staging', 'nightshift:windw': 'x' },
        }),
      ],
      { stages: [stage('staging')] },
    );
    expect([ended.error, ended.changed]).toEqual(['RolloutHeld', ['a']]);
    expect(ended.cause).toBe(
      'Stage staging is held: 1 of its clusters failed, of which it tolerates 0: c (InvalidRequest).',
    );
  });
});

describe('a rollout that a person stops', () => {
  const CLUSTERS = ['a', 'b', 'c'].map((name) => inStage('staging', name));

  it('keeps migrations that wait for their window from beginning', async () => {
    await rollouts.load(CLUSTERS);
    const arn = await rollouts.start('R', { stages: [stage('staging')] });
    rollouts.at('2026-11-20T23:00:00Z', () => rollouts.stop(arn));
    const ended = await rollouts.ended(arn);
    expect([ended.status, ended.changed]).toEqual(['ABORTED', []]);
    expect(ended.started.toSorted()).toEqual(['a', 'b', 'c'].map((name) => `${name} migrate FAILED OnHold`));
  });

  it('lets a migration go on that has begun its change', async () => {
    await rollouts.load(CLUSTERS);
    const arn = await rollouts.start('R', { stages: [stage('staging', { atOnce: 1 })] });
    const { clock } = rollouts.workflow.sandbox.live.region;
    const stopOnChange = async (): Promise<void> => {
      if (rollouts.changed().length > 0) return rollouts.stop(arn);
      clock.at(new Date(clock.now().getTime() + 5_000), stopOnChange);
    };
    rollouts.at('2026-11-21T07:00:00Z', stopOnChange);
    const ended = await rollouts.ended(arn);
    expect([ended.status, ended.changed, ended.started]).toEqual(['ABORTED', ['a'], ['a migrate SUCCEEDED']]);
  });
});

describe('a hold of a stage', () => {
  const hold = (name: string) => ({
    ...{ other: 'put-parameter', cluster: 'a', name: `/nightshift/holds/stages/${name}` },
    value: JSON.stringify({ reason: 'INC-1', by: 'me', since: '2026-11-20T00:00:00Z', until: '2026-11-22T00:00:00Z' }),
  });

  it('keeps its clusters waiting until it ends, and no other stage', async () => {
    const clusters = [inStage('staging', 'a'), inStage('prod', 'b')];
    const input = { stages: [stage('staging'), stage('prod')] };
    expect((await rollouts.run(clusters, input, [hold('prod')])).status).toBe('SUCCEEDED');
    const days = () =>
      rollouts.workflow.sandbox.calls.flatMap(({ operation, at }) =>
        operation === 'UpdateAddon' ? [at.slice(0, 10)] : [],
      );
    expect(days()).toEqual(['2026-11-21', '2026-11-28']);
    expect((await rollouts.run(clusters, input, [hold('staging')])).status).toBe('SUCCEEDED');
    expect(days()).toEqual(['2026-11-28', '2026-11-28']);
  });
});

it('a migration names the rollout that started it, so that the console links the two', async () => {
  await rollouts.run([inStage('staging', 'a')], { stages: [stage('staging')] });
  const [migration] = [...rollouts.workflow.sandbox.live.stepFunctions.executions.values()].filter(
    ({ machine }) => machine.name === 'nightshift-migrate-cluster',
  );
  expect(JSON.parse(migration?.input.text ?? '{}')).toMatchObject({
    ...{ requestedBy: 'rollout R', stage: 'staging', batch: { name: 'rollouts/R/staging/1', tolerate: 0 } },
    AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID:
      'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-fleet:R',
  });
});
