import { describe, expect, it } from 'vitest';
import { guardTemplate } from '../infra/roles.ts';
import { inStage, Rollouts, stage } from './rollouts.ts';

const rollouts = await Rollouts.started();
const restoring = await Rollouts.started(await guardTemplate({ alarms: [], onGuard: 'rollback', onUnknown: 'closed' }));

/** The window opens at seven in the morning of Saturday, in UTC; the migrations of the stage end some minutes later. */
const STAGES = { stages: [stage('staging', { soakHours: 24 }), stage('prod')] };
const CLUSTERS = [inStage('staging', 'a'), inStage('staging', 'b'), inStage('prod', 'prod-1')];

const alarm = (state: string, more: object) => ({
  ...{ other: 'set-alarm', cluster: 'a', name: 'checkout-5xx', state, reason: '12 errors', ...more },
});
const guarded = inStage('staging', 'a', 1, {
  tags: { 'nightshift:enrolled': 'true', 'nightshift:stage': 'staging', 'nightshift:guard': 'checkout-5xx' },
});

describe('a stage that soaks', () => {
  it('is proven again on every cluster before the next stage begins, and nothing is changed by the proof', async () => {
    const ended = await rollouts.run(CLUSTERS, STAGES);
    expect([ended.status, ended.cause]).toEqual(['SUCCEEDED', '']);
    expect(ended.started.toSorted()).toEqual([
      'a migrate SUCCEEDED',
      'a prove SUCCEEDED',
      'b migrate SUCCEEDED',
      'b prove SUCCEEDED',
      'prod-1 migrate SUCCEEDED',
    ]);
    const updates = rollouts.workflow.sandbox.calls.filter(({ operation }) => operation === 'UpdateAddon');
    expect(updates.map(({ at }) => at.slice(0, 10))).toEqual(['2026-11-21', '2026-11-21', '2026-11-28']);
  });

  it('is held if a cluster lost the target meanwhile, and prod does not begin', async () => {
    await rollouts.load(CLUSTERS);
    rollouts.at('2026-11-21T20:00:00Z', () =>
      rollouts.workflow
        .post('faults', [{ other: 'change-addon', cluster: 'b', configuration: '{"mode":"iptables"}' }])
        .then(() => undefined),
    );
    const ended = await rollouts.ended(await rollouts.start('R', STAGES));
    expect([ended.error, ended.cause]).toEqual([
      'RolloutHeld',
      'Stage staging is held: these lost the target during the soak: b (TargetLost).',
    ]);
    expect(ended.started.toSorted()).toEqual([
      'a migrate SUCCEEDED',
      'a prove SUCCEEDED',
      'b migrate SUCCEEDED',
      'b prove FAILED TargetLost',
    ]);
  });

  it('goes on with its soak where it was, if the rollout was stopped', async () => {
    await rollouts.load(CLUSTERS);
    const first = await rollouts.start('R', STAGES);
    rollouts.at('2026-11-21T20:00:00Z', () => rollouts.stop(first));
    expect((await rollouts.ended(first)).status).toBe('ABORTED');
    const ended = await rollouts.ended(await rollouts.start('R2', { ...STAGES, rollout: 'R', resume: true }));
    expect([ended.status, ended.started.length]).toEqual(['SUCCEEDED', 5]);
    const proofs = rollouts.workflow.sandbox.calls.filter(
      ({ service, operation, input }) =>
        service === 's3' && operation === 'PutObject' && JSON.stringify(input).includes('staging/stage.json'),
    );
    expect(proofs.map(({ at }) => at.slice(0, 13))).toEqual(['2026-11-21T07', '2026-11-21T20', '2026-11-22T07']);
  });
});

describe('an alarm that rings during the soak', () => {
  const rings = [alarm('OK', {}), alarm('ALARM', { at: 'AwaitSoak', after: 7_200 })];

  it('holds the rollout, and the next stage does not begin', async () => {
    const ended = await rollouts.run([guarded, inStage('prod', 'prod-1')], STAGES, rings);
    expect([ended.error, ended.cause, ended.changed]).toEqual([
      'RolloutHeld',
      'Stage staging is held during its soak: the alarm checkout-5xx is in ALARM (12 errors).',
      ['a'],
    ]);
  });

  it('lets the rollout go on after it is quiet and a person resumes it', async () => {
    await rollouts.load([guarded, inStage('prod', 'prod-1')], rings);
    expect((await rollouts.ended(await rollouts.start('R', STAGES))).error).toBe('RolloutHeld');
    await rollouts.workflow.post('faults', [alarm('OK', {})]);
    const ended = await rollouts.ended(await rollouts.start('R2', { ...STAGES, rollout: 'R', resume: true }));
    expect([ended.status, ended.changed]).toEqual(['SUCCEEDED', ['a', 'prod-1']]);
  });

  it('restores the clusters that it guards, where the settings say so, and a resume migrates them again', async () => {
    await restoring.load([guarded, inStage('staging', 'b'), inStage('prod', 'prod-1')], rings);
    const held = await restoring.ended(await restoring.start('R', STAGES));
    expect([held.error, held.cause]).toEqual([
      'RolloutHeld',
      'Stage staging is held during its soak: the alarm checkout-5xx is in ALARM (12 errors); these clusters are being restored: a.',
    ]);
    const modes = async () => {
      const { clusters } = await restoring.workflow.sandbox.state();
      return clusters.map(({ name, nodes }) => `${name} ${nodes.map(({ runningMode }) => runningMode).join()}`);
    };
    expect(await modes()).toEqual(['a iptables', 'b ipvs', 'prod-1 iptables']);
    await restoring.workflow.post('faults', [alarm('OK', {})]);
    const ended = await restoring.ended(await restoring.start('R2', { ...STAGES, rollout: 'R', resume: true }));
    expect([ended.status, ended.cause, await modes()]).toEqual(['SUCCEEDED', '', ['a ipvs', 'b ipvs', 'prod-1 ipvs']]);
  });
});
