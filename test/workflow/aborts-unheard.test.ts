import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { abortIn, statesOf, UNHEARD } from './abort-routes.ts';
import { Workflow } from './run.ts';
import { endingOf, expectWhole } from './whole.ts';
import { worldOf } from './worlds.ts';

let workflow: Workflow;
beforeAll(async () => {
  workflow = await Workflow.start(worldOf({}));
});
afterAll(() => workflow.stop());

/** States in which an execution holds neither lease nor access and has changed nothing: nobody has to recover it. */
const HARMLESS = [
  ...['ChooseBeginning', 'ReadRequest', 'ChooseWhenToBegin', 'AwaitBeginning'],
  ...['DescribeCluster', 'ChooseClusterActive', 'AwaitCluster', 'DescribeAddon'],
  ...['ChooseAddonActive', 'AwaitAddonActive', 'ClusterNotActive'],
  ...['Begin', 'InspectCluster', 'ChoosePlan', 'AcquireLease', 'RecordRefusal', 'AwaitWindow'],
];
const STATES = statesOf('migrate-cluster');

describe('an execution that is aborted, of which no event tells, is recovered by the switch alone', () => {
  it.each(STATES.filter((state) => !HARMLESS.includes(state)))('in %s', async (state) => {
    const { rested, former } = await abortIn(workflow, 'migrate-cluster', state, [UNHEARD]);
    expectWhole(rested, { former });
    expect(endingOf(rested)).not.toContain('nothing-said');
  });

  it.each(HARMLESS)('or holds nothing, in %s', async (state) => {
    const { rested, former } = await abortIn(workflow, 'migrate-cluster', state, [UNHEARD]);
    expectWhole(rested, { former, recorded: false });
    expect(rested.executions.map(({ name, status }) => [name, status])).toEqual([['test', 'ABORTED']]);
  });
});
