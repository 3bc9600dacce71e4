import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseFleet } from '../../functions/core/fleet/stages.ts';
import { CLUSTER } from '../workflow/worlds.ts';
import { deployWithFleet, Scene } from './scene.ts';

const FLEET = parseFleet({
  stages: ['staging', 'prod'].map((name) => ({
    ...{ name, select: { tags: { 'nightshift:stage': name } }, atOnce: 1, soakHours: 1 },
  })),
});
const inStage = (stage: string | null, name: string, count: number) => ({
  ...{ name, nodeGroups: [{ ...CLUSTER.nodeGroups[0], count }] },
  tags: { 'nightshift:enrolled': 'true', ...(stage !== null && { 'nightshift:stage': stage }) },
});
const CLUSTERS = [
  inStage('prod', 'a-prod', 1),
  inStage('staging', 'b-staging', 2),
  inStage('staging', 'c-staging', 1),
  inStage(null, 'd-alone', 1),
];

let scene: Scene;
beforeAll(async () => {
  scene = await Scene.start(await deployWithFleet(FLEET));
});
afterAll(() => scene.stop());

const executions = () =>
  [...scene.sandbox.live.stepFunctions.executions.values()]
    .filter(({ machine }) => machine.name === 'nightshift-migrate-fleet')
    .map(({ name, status, error }) => `${name} ${status}${error === undefined ? '' : ` ${error}`}`);
const updated = () =>
  scene.calls.flatMap(({ operation, input }) => {
    const cluster = /"clusterName":"([\w-]+)"/.exec(JSON.stringify(input))?.[1];
    return operation === 'UpdateAddon' && cluster !== undefined ? [cluster] : [];
  });

describe('with stages in the configuration, the daily sweep', () => {
  it('starts their rollout by itself, and plans only the clusters that no stage selects', async () => {
    const state = await scene.play(CLUSTERS, async () => {
      await scene.sweep('schedule-migrations');
      expect(await scene.planned()).toEqual(['nightshift-d-alone at(2026-11-21T22:00:00) Etc/UTC']);
      // A second sweep on the same day starts nothing.
      await scene.sweep('schedule-migrations');
    });
    expect(executions()).toEqual(['fleet-74eefff865ed4182-20261120 SUCCEEDED']);
    expect(updated().filter((cluster) => cluster !== 'd-alone')).toEqual(['c-staging', 'b-staging', 'a-prod']);
    expect(updated()).toContain('d-alone');
    expect(state.clusters.map(({ nodes }) => nodes.map(({ runningMode }) => runningMode).join())).toEqual([
      'nftables',
      'nftables,nftables',
      'nftables',
      'nftables',
    ]);
  });

  it('starts nothing when every cluster of the stages is at the target', async () => {
    await scene.goOn(() => scene.sweep('schedule-migrations'));
    expect(executions()).toHaveLength(1);
  });

  it('leaves a rollout that is held to people, night after night', async () => {
    await scene.play(CLUSTERS, async () => {
      await scene.post('faults', [
        { node: 'all', cluster: 'c-staging', fault: 'kube-proxy-crash', mode: 'nftables', times: 'every' },
      ]);
      await scene.sweep('schedule-migrations');
    });
    expect(executions()).toEqual(['fleet-74eefff865ed4182-20261120 FAILED RolloutHeld']);
    await scene.goOn(() => scene.sweep('schedule-migrations'));
    expect(executions()).toHaveLength(1);
    expect(updated()).not.toContain('a-prod');
    expect(updated()).not.toContain('b-staging');
    expect(await scene.planned()).toEqual([]);
  });
});
