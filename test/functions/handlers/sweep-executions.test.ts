import { expect, test } from 'vitest';
import type { EndedExecution } from '../../../functions/aws/step-functions.ts';
import { sweepExecutions } from '../../../functions/handlers/sweep-executions.ts';
import { MemoryHolds, MemoryStore, RecordedLog } from './fakes.ts';

const MIGRATE = 'arn:aws:states:us-east-1:111122223333:stateMachine:migrate-cluster';
const ROLLBACK = 'arn:aws:states:us-east-1:111122223333:stateMachine:rollback-cluster';
const NOW = new Date('2026-11-22T03:00:00Z');

const ended = (name: string, status: EndedExecution['status']): EndedExecution => ({
  executionArn: `arn:aws:states:us-east-1:111122223333:execution:migrate-cluster:${name}`,
  stateMachineArn: MIGRATE,
  name,
  status,
  stoppedAt: new Date('2026-11-21T08:00:00Z'),
});

function sweeping(pages: EndedExecution[][], unreadable: string[] = []) {
  const store = new MemoryStore();
  const started: string[] = [];
  const asked: string[] = [];
  const run = sweepExecutions(
    {
      store,
      stateMachines: () => ({ migrate: MIGRATE, rollback: ROLLBACK, recovery: `${ROLLBACK}:live` }),
      bus: { put: async () => {} },
      holds: new MemoryHolds(),
      stepFunctions: {
        async *endedSince(stateMachineArn, since) {
          asked.push(`${stateMachineArn.split(':').at(-1)} ${since.toISOString()}`);
          if (stateMachineArn === MIGRATE) yield* pages;
        },
        history: async (arn) => {
          if (unreadable.some((name) => arn.endsWith(`:${name}`))) throw new Error('no answer');
          return ['{"id":1}'];
        },
        input: async () => '{"cluster":"demo"}',
        async start({ name }) {
          if (started.includes(name)) return { started: false };
          started.push(name);
          return { started: true };
        },
      },
    },
    () => NOW,
  );
  return { store, started, asked, sweep: () => run({ kind: 'sweep' }, new RecordedLog()) };
}

test('what Step Functions remembers is looked through, of both state machines and on every page', async () => {
  const { sweep, store, started, asked } = sweeping([[ended('a', 'SUCCEEDED')], [ended('b', 'ABORTED')]]);
  expect(await sweep()).toEqual({ executions: 2, kept: 2, recovered: 1, recorded: 0, owed: 0 });
  expect(asked).toEqual(['migrate-cluster 2026-08-24T03:00:00.000Z', 'rollback-cluster 2026-08-24T03:00:00.000Z']);
  expect(store.writes.toSorted()).toEqual(['executions/a/history.ndjson.gz', 'executions/b/history.ndjson.gz']);
  expect(started).toEqual(['recover-b']);
});

test('one that was missed although its history is there is recovered', async () => {
  const { sweep, store, started } = sweeping([[ended('a', 'ABORTED')]]);
  await store.put('executions/a/history.ndjson.gz', '{"id":1}\n');
  expect(await sweep()).toEqual({ executions: 1, kept: 0, recovered: 1, recorded: 0, owed: 0 });
  expect(started).toEqual(['recover-a']);
});

test('one whose history cannot be read stops no other, and the sweep fails by its name', async () => {
  const pages = [[ended('a', 'ABORTED'), ended('b', 'SUCCEEDED')], [ended('c', 'SUCCEEDED')]];
  const { sweep, store, started } = sweeping(pages, ['a']);
  await expect(sweep()).rejects.toMatchObject({
    name: 'SweepIncomplete',
    message: 'a could not be looked after: Error: no answer',
  });
  expect(store.writes.toSorted()).toEqual(['executions/b/history.ndjson.gz', 'executions/c/history.ndjson.gz']);
  expect(started).toEqual(['recover-a']);
});
