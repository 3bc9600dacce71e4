import { expect, test } from 'vitest';
import type { Rested } from './run.ts';
import { IN_ROLLBACK, late } from './scenarios.ts';
import { personAt, startedWorkflow } from './shared.ts';
import { endingOf, expectWhole } from './whole.ts';
import { REQUEST, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();
const person = personAt(workflow);

const CAUSE = 'A step did not answer in its time (States.Timeout).';
const run = (...faults: object[]) => workflow.migrateAndRest(worldOf({}), REQUEST, faults);

/** How often Step Functions itself gave up waiting for a Task of the execution `test`. */
const timeouts = ({ history }: Rested) => history.filter(({ type }) => type === 'TaskTimedOut').length;

/** What the bus heard, as JSON. */
const details = ({ calls }: Rested) =>
  calls
    .filter(({ service, operation, error }) => service === 'events' && operation === 'PutEvents' && !error)
    .map(({ input }) => JSON.stringify(input));

test('a Task that times out before the change ends the execution as StepTimedOut, and nothing was changed', async () => {
  const rested = await run(late('CheckWindowBeforeChange', 'decide-window'));
  expect(endingOf(rested)).toBe('FAILED StepTimedOut failed iptables');
  expect(rested.cause).toContain(CAUSE);
  expect(timeouts(rested)).toBe(5);
  expectWhole(rested);
  expect(rested.executions.map(({ name }) => name)).toEqual(['test']);
  expect(await person.record('executions/test/outcome.json')).toMatchObject({
    ending: 'failed',
    changed: false,
    error: { name: 'StepTimedOut', cause: expect.stringContaining(CAUSE) },
  });
  expect(details(rested)).toEqual([expect.stringContaining('StepTimedOut')]);
});

test('a Task that times out after the change leads to a rollback, and the record has the reason', async () => {
  const rested = await run(late('CheckWindowBeforeRestart', 'decide-window'));
  expect(endingOf(rested)).toBe('FAILED RolledBack rolled-back iptables');
  expect(rested.cause).toContain(`StepTimedOut: ${CAUSE}`);
  expect(timeouts(rested)).toBe(5);
  expectWhole(rested);
  expect(await person.record('executions/test/outcome.json')).toMatchObject({
    ending: 'rolled-back',
    error: { name: 'StepTimedOut', cause: expect.stringContaining(CAUSE) },
  });
  // The rollback's own event, whose reason is the migration's failure, and the migration's.
  expect(details(rested).map((detail) => detail.includes('StepTimedOut'))).toEqual([true, true]);
  expect(details(rested).join()).not.toContain('\\"States.');
});

test('a Task of the rollback that times out after its work was done counts as done', async () => {
  const rested = await run(
    late('CheckWindowBeforeRestart', 'decide-window'),
    late('RestoreAddon', 'update-addon', IN_ROLLBACK),
  );
  expect(endingOf(rested)).toBe('FAILED RolledBack rolled-back iptables');
  expectWhole(rested);
});

test('a Task of the rollback that always times out ends as RollbackFailed, which names the timeout', async () => {
  const rested = await run(
    late('CheckWindowBeforeRestart', 'decide-window'),
    late('InspectForProof', 'take-inventory', { ...IN_ROLLBACK, late: 240 }),
  );
  expect(endingOf(rested)).toBe('FAILED RollbackFailed rollback-failed iptables');
  expectWhole(rested);
  const rollback = rested.executions.find(({ name }) => name.startsWith('rollback-'));
  expect(rollback?.error).toBe('RollbackFailed');
  expect(await person.record(`rollbacks/${rollback?.name}/outcome.json`)).toMatchObject({
    ending: 'rollback-failed',
    error: { name: 'StepTimedOut', cause: expect.stringContaining(CAUSE) },
  });
});

test('an answer that is late once only costs time', async () => {
  const rested = await run(late('UpdateAddon', 'update-addon', { times: 1 }));
  expect(timeouts(rested)).toBe(1);
  expect(endingOf(rested)).toBe('SUCCEEDED migrated ipvs');
  expectWhole(rested);
});

test('an add-on that is too large for a state ends the execution as StepFailed, before anything was changed', async () => {
  const configuration = JSON.stringify({ podAnnotations: { note: 'x'.repeat(262_144) } });
  const world = worldOf({ addon: { version: 'v1.34.1-eksbuild.2', configuration } });
  const rested = await workflow.migrateAndRest(world, { ...REQUEST, awaitActive: true });
  expect(endingOf(rested)).toBe('FAILED StepFailed failed iptables');
  expect(rested.cause).toContain('Step Functions could not carry out a step (States.DataLimitExceeded)');
  expect(rested.executions.map(({ name }) => name)).toEqual(['test']);
  expectWhole(rested, { former: configuration });
});
