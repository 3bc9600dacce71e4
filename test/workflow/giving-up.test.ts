import { expect, test } from 'vitest';
import { abort, IN_ROLLBACK, UNHEARD } from './scenarios.ts';
import { personAt, startedWorkflow } from './shared.ts';
import { REQUEST, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();
const person = personAt(workflow);

/** Each recovery comes one state further than the one before. */
const CUT_OFF = ['GrantAccess', 'GrantEdit', 'InspectWithKubernetes'].map((state) => abort(state, IN_ROLLBACK));

test.each([
  ['each has an event', []],
  ['no event arrives, and the leases fire', [UNHEARD]],
])('three recoveries that are cut off are followed by one execution that pages, where %s', async (_, more) => {
  const rested = await workflow.migrateAndRest(worldOf({}), REQUEST, [abort('AwaitRollout'), ...CUT_OFF, ...more]);
  expect(rested.executions.map(({ name, status, error }) => `${name} ${error ?? status}`)).toEqual([
    'test ABORTED',
    'recover-test ABORTED',
    'recover2-test ABORTED',
    'recover3-test ABORTED',
    'recover4-test RollbackFailed',
  ]);
  expect(rested.said.map(({ event, execution }) => `${event} ${execution}`)).toEqual([
    'nightshift.RollbackFailed recover4-test',
  ]);
  expect(await person.record('rollbacks/recover4-test/outcome.json')).toMatchObject({ ending: 'rollback-failed' });
  expect(rested.cluster.accessEntries).toEqual([]);
  expect(rested.state.schedules).toEqual([]);
  const last = rested.executions.at(-1);
  expect(last?.changing).toBeNull();
});

test('if Kubernetes refuses every restart, SSM still asks the nodes, and the record has their modes', async () => {
  const rested = await workflow.migrateAndRest(worldOf({}), REQUEST, [
    { at: 'ValidateNodes', node: 1, fault: 'output-garbage', document: 'validate-node', times: 2 },
    { at: 'InspectFormer', ...IN_ROLLBACK, kubernetes: 'forbidden', times: 'every' },
  ]);
  const rollback = rested.executions.find(({ name }) => name.startsWith('rollback-'));
  expect(rollback?.path).toContain('CollectSurvey');
  expect(await person.record(`rollbacks/${rollback?.name}/outcome.json`)).toMatchObject({
    ending: 'rollback-failed',
    error: { name: 'KubernetesForbidden' },
    modes: [{ mode: 'ipvs', nodes: 3 }],
  });
});
