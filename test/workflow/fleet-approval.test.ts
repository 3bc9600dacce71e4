import { describe, expect, it } from 'vitest';
import { inStage, Rollouts, stage } from './rollouts.ts';

const rollouts = await Rollouts.started();

const ANNA = 'arn:aws:iam::111122223333:user/anna';
const BOB = 'arn:aws:iam::111122223333:user/bob';
const fleet = (more: object = {}) => ({
  stages: [stage('prod', { approval: 'required' })],
  requestedBy: ANNA,
  ...more,
});

/** Runs a rollout that waits for an approval, which is answered an hour later. */
async function answered(answer: object | null, more: object = {}) {
  await rollouts.load([inStage('prod', 'a', 2), inStage('prod', 'b')]);
  const arn = await rollouts.start('R', fleet(more));
  if (answer !== null)
    rollouts.at('2026-11-20T23:00:00Z', async () => rollouts.answer((await rollouts.asked('R')).token, answer));
  return rollouts.ended(arn);
}

describe('a stage that must be approved', () => {
  it('begins after a person approved it, and the event says what will happen', async () => {
    const ended = await answered({ decision: 'approved', by: BOB, reason: 'CHG-1' });
    expect([ended.status, ended.changed.toSorted()]).toEqual(['SUCCEEDED', ['a', 'b']]);
    expect(ended.events[0]).toMatchObject({
      type: 'nightshift.ApprovalRequested',
      detail: {
        ...{
          rollout: 'R',
          stage: 'prod',
          requestedBy: ANNA,
          clusters: 2,
          nodes: 3,
          until: expect.stringMatching(/^2026-11-23T22:00:0/),
        },
        plan: ['b: 1 node to ipvs (rr), in window weekend', 'a: 2 nodes to ipvs (rr), in window weekend'],
      },
    });
    expect(JSON.stringify(ended.events)).not.toContain((await rollouts.asked('R')).token);
  });

  it('does not begin if a person denied it', async () => {
    const ended = await answered({ decision: 'denied', by: BOB, reason: 'not before the release' });
    expect([ended.error, ended.cause, ended.started]).toEqual([
      'ApprovalDenied',
      `Stage prod was denied by ${BOB}: not before the release.`,
      [],
    ]);
  });

  it('does not begin if nobody answers in time', async () => {
    const ended = await answered(null);
    expect([ended.error, ended.cause, ended.started]).toEqual([
      'ApprovalDenied',
      'Stage prod was denied by nobody: nobody answered in time.',
      [],
    ]);
  });

  it('does not begin if its requester approves it, where another person must', async () => {
    const ended = await answered({ decision: 'approved', by: ANNA, reason: null }, { fourEyes: true });
    expect([ended.error, ended.started]).toEqual(['ApprovalDenied', []]);
    expect(ended.cause).toContain(`Stage prod was approved by ${ANNA}, who also requested the rollout`);
  });

  it('begins if another person approves it, where another person must', async () => {
    const ended = await answered({ decision: 'approved', by: BOB, reason: null }, { fourEyes: true });
    expect(ended.status).toBe('SUCCEEDED');
  });

  it.each<[string, object]>([
    ['no decision', { by: BOB }],
    ['nobody', { decision: 'approved' }],
    ['another word', { decision: 'yes', by: BOB }],
  ])('does not begin after an answer with %s', async (_, answer) => {
    const ended = await answered(answer);
    expect([ended.error, ended.started]).toEqual(['ApprovalDenied', []]);
  });
});
