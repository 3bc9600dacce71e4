import { expect, it } from 'vitest';
import { inStage, Rollouts, stage } from './rollouts.ts';

const rollouts = await Rollouts.started();

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index + 10}`);
const STAGING = numbered('staging', 10);
const SHARED = numbered('dev', 6);
const PROD = numbered('a-prod', 24);
/** In staging the later a name, the fewer nodes: the smallest clusters are the last by name. */
const CLUSTERS = [
  ...PROD.map((name) => inStage('prod', name)),
  ...STAGING.map((name, index) => inStage('staging', name, index < 5 ? 2 : 1)),
  ...SHARED.map((name) => inStage('dev', name)),
];
const FLEET = {
  stages: [stage('staging', { atOnce: 1, tolerate: 2 }), stage('dev', { atOnce: 6 }), stage('prod', { atOnce: 12 })],
};
/** One kube-proxy pod after the other of this cluster crashes in IPVS mode, until the migration is rolled back. */
const fails = (cluster: string) => ({
  ...{ node: 'all', cluster, fault: 'kube-proxy-crash', mode: 'ipvs', times: 1 },
});

it('of forty clusters in three stages, three fail: prod never begins, and a resume migrates the rest once', async () => {
  await rollouts.load(CLUSTERS, [fails('staging-15'), fails('staging-17'), fails('staging-18')]);
  const held = await rollouts.ended(await rollouts.start('R', FLEET));
  expect([held.status, held.error]).toEqual(['FAILED', 'RolloutHeld']);
  expect(held.changed).toEqual(['staging-15', 'staging-16', 'staging-17', 'staging-18']);
  expect(held.cause).toBe(
    'Stage staging is held: 3 of its clusters failed, of which it tolerates 2: staging-15 (CanaryFailed), staging-17 (CanaryFailed), staging-18 (CanaryFailed); these did not begin: staging-19, staging-10, staging-11, staging-12, staging-13, staging-14.',
  );
  const page = held.events.find(({ type }) => type === 'nightshift.BatchHeld');
  expect(page?.detail).toMatchObject({
    ...{ batch: 'rollouts/R/staging/1', tolerate: 2 },
    failed: ['staging-15', 'staging-17', 'staging-18'].map((cluster) => ({ cluster, error: 'CanaryFailed' })),
  });

  const ended = await rollouts.ended(await rollouts.start('R-resumed', { ...FLEET, rollout: 'R', resume: true }));
  expect([ended.status, ended.cause, ended.changed.length]).toEqual(['SUCCEEDED', '', 40]);
  expect(ended.changed.slice(4, 10)).toEqual(numbered('staging', 10).slice(9).concat(numbered('staging', 5)));
  expect(ended.changed.slice(10, 16).toSorted()).toEqual(SHARED);
  expect(ended.changed.slice(16).toSorted()).toEqual(PROD);
  const migrations = (cluster: string) => ended.started.filter((each) => each.startsWith(`${cluster} migrate`));
  expect(migrations('staging-16')).toEqual(['staging-16 migrate SUCCEEDED']);
  expect(migrations('staging-15')).toEqual(['staging-15 migrate FAILED RolledBack', 'staging-15 migrate SUCCEEDED']);
  expect(ended.started).toHaveLength(43);
});
