import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abortIn, statesOf } from './abort-routes.ts';
import { Workflow } from './run.ts';
import { endingOf, expectWhole } from './whole.ts';
import { worldOf } from './worlds.ts';

let workflow: Workflow;
beforeAll(async () => {
  workflow = await Workflow.start(worldOf({}));
});
afterAll(() => workflow.stop());

/** Those in which the cluster is proven to be what it was made, though nobody recorded it yet. */
const FINISHED = [
  ...['AwaitCleaning', 'CollectCleaning', 'ChooseCleaning', 'ConfirmConfiguration', 'Proven'],
  ...['ChooseRelease', 'ReadAccess', 'ChooseAccessOwner', 'RevokeAccess'],
  ...['AccessRemains', 'RecordOutcome', 'AwaitRecord', 'Unrecorded', 'OutcomeNotRecorded'],
];
/** Those in which the ending is recorded. */
const RECORDED = [
  ...[
    'ChooseRecorded',
    'ChooseLeaseRelease',
    'ReadLease',
    'ChooseLeaseOwner',
    'ReleaseLease',
    'LeaseRemains',
    'ChooseEnding',
  ],
  'Migrated',
];
/** Those in which a cluster that was on IPVS before is looked at. */
const COMPLIANT = [
  ...['ProveCompliance', 'AwaitCompliance', 'CollectCompliance', 'ChooseCompliance', 'ConfirmCompliance'],
  ...['RecordCompliance', 'ChooseRefuted', 'ChooseLease'],
];
const ENDINGS: Record<string, string> = {
  ...Object.fromEntries(FINISHED.map((state) => [state, 'ABORTED finished ipvs'])),
  ...Object.fromEntries(RECORDED.map((state) => [state, 'ABORTED migrated ipvs'])),
  ...Object.fromEntries(COMPLIANT.map((state) => [state, 'ABORTED nothing-to-roll-back ipvs'])),
  AlreadyCompliant: 'ABORTED already-compliant ipvs',
  Failed: 'ABORTED failed iptables',
  FailedBeforeChange: 'ABORTED nothing-to-roll-back iptables',
  // Of two executions the one that does not have the lease.
  LeaseHeld: 'SUCCEEDED migrated ipvs',
  // The recovery cannot prove more than the rollback could.
  RollbackFailed: 'ABORTED rollback-failed iptables',
  WindowsMissed: 'ABORTED nothing-to-roll-back iptables',
};
/** Whose event is the last one, if not the recovery's: an incident pages once, and this rollback has paged. */
const LAST: Record<string, RegExp> = { RollbackFailed: /^rollback-/ };
const STATES = statesOf('migrate-cluster');
/** The change begins behind it. */
const SAVED = STATES.indexOf('SaveFormer');

describe('an execution of migrate-cluster that is aborted leaves one proven mode, no access and no lease', () => {
  it.each(STATES.map((state, index) => [state, index]))('in %s', async (state, index) => {
    const otherwise = index <= SAVED ? 'ABORTED nothing-to-roll-back iptables' : 'ABORTED rolled-back iptables';
    const { rested, former } = await abortIn(workflow, 'migrate-cluster', state);
    expect(endingOf(rested)).toBe(ENDINGS[state] ?? otherwise);
    expectWhole(rested, { former });
    expect(rested.said.at(-1)?.execution).toMatch(
      [...RECORDED, 'AlreadyCompliant', 'Failed', 'LeaseHeld'].includes(state)
        ? /test/
        : (LAST[state] ?? /^recover-test$/),
    );
  });
});
