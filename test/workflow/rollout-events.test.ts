import { expect, test } from 'vitest';
import { inStage, Rollouts, stage } from './rollouts.ts';

const rollouts = await Rollouts.started();

const moment = expect.stringMatching(/^2026-11-\d\dT[\d:.]+Z$/);
const execution = {
  name: 'R',
  arn: 'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-fleet:R',
};
const COUNTS = { migrated: 0, 'already-compliant': 0, refused: 0, failed: 0, held: 0, 'not-proven': 0, waiting: 0 };
const FLEET = { version: 1, cluster: null, rollout: 'R' };

test('a rollout says what a person has to approve, when a stage is proven, and how the rollout ended', async () => {
  const { events } = await rollouts.run([inStage('staging', 'a', 2), inStage('prod', 'b', 3)], {
    stages: [stage('staging', { soakHours: 1 }), stage('prod', { approval: 'required' })],
    requestedBy: 'anna',
  });
  expect(events).toEqual([
    {
      type: 'nightshift.StageEnded',
      detail: {
        ...FLEET,
        ...{ stage: 'staging', status: 'proven', reason: null, execution },
        clusters: { ...COUNTS, 'already-compliant': 1 },
      },
    },
    {
      type: 'nightshift.ApprovalRequested',
      detail: {
        ...FLEET,
        ...{ stage: 'prod', requestedBy: 'anna', until: moment, clusters: 1, nodes: 3, execution },
        plan: ['b: 3 nodes to ipvs (rr), in window weekend'],
        answer: ['nightshift approve R', 'nightshift deny R --reason "..."'],
      },
    },
    {
      type: 'nightshift.RolloutEnded',
      detail: {
        ...FLEET,
        ...{ status: 'denied', startedAt: moment, endedAt: moment, execution },
        error: { name: 'ApprovalDenied', cause: 'Stage prod was denied by nobody: nobody answered in time.' },
        stages: [
          {
            ...{ stage: 'prod', status: 'opened', reason: null, clusters: null, proven: 0 },
            notProven: [{ cluster: 'b', ending: 'waiting', error: null, execution: null }],
          },
          { stage: 'staging', status: 'proven', reason: null, clusters: 1, proven: 1, notProven: [] },
        ],
      },
    },
  ]);
});

test('a rollout whose input breaks a rule says so, and has no name', async () => {
  const { events } = await rollouts.run([], { stages: 'all' });
  expect(events).toMatchObject([
    {
      type: 'nightshift.RolloutEnded',
      detail: { rollout: null, status: 'failed', error: { name: 'InvalidRequest' }, stages: [], execution },
    },
  ]);
});
