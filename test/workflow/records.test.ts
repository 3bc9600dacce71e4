import { expect, test } from 'vitest';
import { abort, UNHEARD } from './scenarios.ts';
import { personAt, startedSchedules } from './shared.ts';
import { REQUEST, worldOf } from './worlds.ts';

const sandbox = await startedSchedules();
const person = personAt(sandbox.workflow);

/** Types of the events in the history that is kept of an execution; null if none is kept. */
const keptHistory = async (execution: string) =>
  (await person.lines(`executions/${execution}/history.ndjson.gz`))?.map(({ type }) => type) ?? null;

/** Sweeps on the Sunday after; time stands still until it is done. */
const sweep = () =>
  sandbox.workflow.sandbox.live.region.clock.busy(() =>
    sandbox.invoke('sweep-executions', { kind: 'sweep', now: '2026-11-22T03:00:00Z' }),
  );

test("the history that is kept of a migration is Step Functions' own, whole", async () => {
  const { history } = await sandbox.workflow.migrateAndRest(worldOf({}));
  expect(await keptHistory('test')).toEqual(history.map(({ type }) => type));
  expect(await sweep()).toEqual({ answer: { executions: 1, kept: 0, recovered: 0, recorded: 0, owed: 0 } });
});

test('the daily sweep keeps the history of an execution whose event never came', async () => {
  await sandbox.workflow.migrateAndRest(worldOf({}), REQUEST, [UNHEARD]);
  expect(await keptHistory('test')).toBeNull();
  expect(await sweep()).toEqual({ answer: { executions: 1, kept: 1, recovered: 0, recorded: 0, owed: 0 } });
  expect((await keptHistory('test'))?.at(-1)).toBe('ExecutionSucceeded');
});

test('the daily sweep recovers an execution that was aborted before it had a lease, if its event never came', async () => {
  const { executions } = await sandbox.workflow.migrateAndRest(worldOf({}), REQUEST, [
    abort('InspectCluster'),
    UNHEARD,
  ]);
  expect(executions.map(({ name, status }) => `${name} ${status}`)).toEqual(['test ABORTED']);
  expect(await sweep()).toEqual({ answer: { executions: 1, kept: 1, recovered: 1, recorded: 0, owed: 0 } });
  await sandbox.rest();
  const after = await sandbox.workflow.sandbox.state();
  expect(after.executions.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'test ABORTED',
    'recover-test SUCCEEDED',
  ]);
});
