import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abortIn, statesOf, UNHEARD } from './abort-routes.ts';
import { type Rested, Workflow } from './run.ts';
import { endingOf, expectWhole } from './whole.ts';
import { worldOf } from './worlds.ts';

let workflow: Workflow;
beforeAll(async () => {
  workflow = await Workflow.start(worldOf({}));
});
afterAll(() => workflow.stop());

/** Another execution would have to work for three hours, or EKS to let go of an add-on for 20 minutes. */
const OUT_OF_REACH = [
  ...['LeaseHeld', 'AddonStays'],
  // What no recovery starts with, and what only follows on three of them: malformed-inputs and giving-up have them.
  ...[
    'InputTooLarge',
    'InvalidInput',
    'GiveUp',
    'GivenUp',
    'ReadLastLease',
    'ChooseLastLease',
    'ChooseGivenUp',
    'EvidenceMissing',
  ],
];
const SURVEY = ['ChooseSurvey', 'SurveyNodes', 'AskNodes', 'AwaitSurvey', 'CollectSurvey', 'ChooseSurveyDone'];
const STATES = statesOf('rollback-cluster').filter((state) => !OUT_OF_REACH.includes(state));

const FINISHED = ['ProveStanding', 'AwaitStanding', 'CollectStanding', 'ChooseStanding', 'ConfirmStanding', 'Finished'];
const RECOVERING = [
  ...[
    'StopPrevious',
    'AwaitAttempt',
    'StopOwner',
    'TakeLease',
    'ReadLease',
    'ChooseLeaseHolder',
    'InspectHolder',
    'ChooseHolderStatus',
  ],
  ...['TakeOverLease', 'AwaitConfirmation', 'ConfirmLease', 'ChooseConfirmed'],
];
/** The recovery before has recorded the end of the incident. */
const RELEASING = ['ReadLeaseForRelease', 'ChooseLeaseOwner', 'ReleaseLease', 'LeaseRemains'];
const ENDINGS: Record<string, string> = {
  ...Object.fromEntries(FINISHED.map((state) => [state, 'ABORTED finished ipvs'])),
  ...Object.fromEntries(RECOVERING.map((state) => [state, 'ABORTED rolled-back iptables'])),
  ...Object.fromEntries(RELEASING.map((state) => [state, 'ABORTED nothing-to-roll-back iptables'])),
  AwaitLease: 'SUCCEEDED migrated ipvs',
  NothingToRollBack: 'ABORTED nothing-to-roll-back iptables',
  ...Object.fromEntries(SURVEY.map((state) => [state, 'ABORTED Recovered rollback-failed ipvs'])),
  RollbackFailed: 'ABORTED Recovered rollback-failed iptables',
  Failed: 'FAILED RollbackFailed rollback-failed iptables',
  ...Object.fromEntries(
    ['ChooseRecorded', 'ChooseLeaseRelease', 'ChooseEnding', 'Ended'].map((state) => [
      state,
      'FAILED RolledBack rolled-back iptables',
    ]),
  ),
};

/** However often, and whoever notices: an event, or the switch of a lease. */
const NAMES = /^(test|test-again-2|rollback-[0-9a-f]{20}(-\d)?|recover[234]?-test(-again-2)?)$/;
const strangeNames = ({ executions }: Rested) => executions.map(({ name }) => name).filter((name) => !NAMES.test(name));

describe('a rollback that is aborted is brought to its end by the next one', () => {
  it.each(STATES)('in %s', async (state) => {
    const { rested, former } = await abortIn(workflow, 'rollback-cluster', state);
    expect(endingOf(rested)).toBe(ENDINGS[state] ?? 'ABORTED Recovered rolled-back iptables');
    expectWhole(rested, { former });
    expect(strangeNames(rested)).toEqual([]);
  });
});

/**
 * From every part of the way. A recovery that the switch has started and that is aborted before it holds a lease of its
 * own is not among them: only an event tells of that.
 */
const GUARDED = [
  ...['InspectFormer', 'GrantAccess', 'RestoreAddon', 'AwaitAddon', 'RestartDaemonSet', 'AwaitRollout', 'CleanNodes'],
  ...['AwaitProof', 'RolledBack', 'RevokeAccess', 'RecordOutcome', 'OutcomeNotRecorded', 'ProveStanding'],
  'ReleaseLease',
];

describe('also where no event tells of it', () => {
  it.each(GUARDED)('in %s', async (state) => {
    const { rested, former } = await abortIn(workflow, 'rollback-cluster', state, [UNHEARD]);
    expectWhole(rested, { former });
    expect(strangeNames(rested)).toEqual([]);
    expect(endingOf(rested)).not.toContain('nothing-said');
  });
});
