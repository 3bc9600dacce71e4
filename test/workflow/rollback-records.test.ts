import { expect, test } from 'vitest';
import * as z from 'zod';
import { eventsIn } from './event-schemas.ts';
import { APPLIED, abort, IN_ROLLBACK } from './scenarios.ts';
import { personAt, startedWorkflow } from './shared.ts';
import { REQUEST, worldOf } from './worlds.ts';

const workflow = await startedWorkflow();
const person = personAt(workflow);

const Reference = z.object({ rollback: z.object({ name: z.string(), arn: z.string() }) });
const MIGRATION = {
  name: 'test',
  arn: 'arn:aws:states:us-east-1:111122223333:execution:nightshift-migrate-cluster:test',
};
const BY_HAND = { mode: 'rollback', cluster: 'demo', execution: MIGRATION, reason: 'by hand', attempt: 1 };

test('the ARN of the rollback in the record and in the event is that of an execution that can be described', async () => {
  const { calls } = await workflow.migrateAndRest(worldOf({}), REQUEST, [APPLIED]);
  const recorded = Reference.parse(await person.record('executions/test/outcome.json')).rollback;
  const [event] = eventsIn(calls).filter(({ resources }) => resources.includes(MIGRATION.arn));
  expect(Reference.parse(event?.detail).rollback).toEqual(recorded);
  expect(await person.describe(recorded.arn)).toMatchObject({ name: recorded.name, status: 'SUCCEEDED' });
});

test("a rollback that has a migration's name keeps its own records and changes none of the migration's", async () => {
  await workflow.migrateAndRest(worldOf({}));
  const before = await person.objects('executions/');
  expect(await person.run('rollback-cluster', 'test', JSON.stringify(BY_HAND))).toMatchObject({ status: 'SUCCEEDED' });
  await workflow.sandbox.live.region.clock.idle();
  expect(await person.objects('executions/')).toEqual(before);
  expect(await person.record('rollbacks/test/outcome.json')).toMatchObject({
    ending: 'rolled-back',
    owner: MIGRATION,
    evidence: expect.arrayContaining([
      expect.objectContaining({ key: 'rollbacks/test/proof-1-1/evidence.ndjson.gz', passed: 3, failed: 0 }),
    ]),
  });
  expect((await person.objects('rollbacks/test/')).has('rollbacks/test/history.ndjson.gz')).toBe(true);
});

test("a rollback that has a migration's name is recovered under a name that the migration's recoveries do not have", async () => {
  const first = await workflow.migrateAndRest(worldOf({}), REQUEST, [abort('AwaitRollout')]);
  expect(first.executions.map(({ name }) => name)).toEqual(['test', 'recover-test']);
  await workflow.post('faults', [{ ...abort('AwaitRollout'), ...IN_ROLLBACK }]);
  expect(await person.run('rollback-cluster', 'test', JSON.stringify(BY_HAND))).toMatchObject({ status: 'ABORTED' });
  await workflow.sandbox.live.region.clock.idle();
  const names = [...workflow.sandbox.live.stepFunctions.executions.values()].map(({ name }) => name);
  expect(names.slice(2)).toEqual(['test', expect.stringMatching(/^recover-test-[0-9a-f]{16}$/)]);
});
