import { describe, expect, it } from 'vitest';
import { abortIn, ROLLBACK_STATES } from './abort-routes.ts';
import type { Rested } from './run.ts';
import { startedWorkflow } from './shared.ts';
import { endingOf, expectWhole } from './whole.ts';

const workflow = await startedWorkflow();

/** The names of all executions, however often a rollback is recovered and whether an event or a lease starts it. */
const NAMES = /^(test|test-again-2|rollback-[0-9a-f]{20}(-\d)?|recover[234]?-test(-again-2)?)$/;
const strangeNames = ({ executions }: Rested) => executions.map(({ name }) => name).filter((name) => !NAMES.test(name));

describe('a rollback that is aborted is finished by a recovery', () => {
  it.each(ROLLBACK_STATES)('in %s', async (state) => {
    const { rested, former, ending } = await abortIn(workflow, 'rollback-cluster', state);
    expect(endingOf(rested)).toBe(ending);
    expectWhole(rested, { former });
    expect(strangeNames(rested)).toEqual([]);
  });
});

/**
 * From every part of the way. A recovery that the switch has started and that is aborted before it holds a lease of its
 * own is not among them: only an event tells of that.
 */
const GUARDED = [
  'InspectFormer',
  'GrantAccess',
  'RestoreAddon',
  'AwaitAddon',
  'RestartDaemonSet',
  'AwaitRollout',
  'CleanNodes',
  'AwaitProof',
  'RevokeAccess',
  'RecordOutcome',
  'OutcomeNotRecorded',
  'ProveStanding',
  'ReleaseLease',
];

describe('a rollback that is aborted without an event is recovered too', () => {
  it.each(GUARDED)('in %s', async (state) => {
    const { rested, former } = await abortIn(workflow, 'rollback-cluster', state, { unheard: true });
    expectWhole(rested, { former });
    expect(strangeNames(rested)).toEqual([]);
    expect(endingOf(rested)).not.toContain('nothing-said');
  });
});
